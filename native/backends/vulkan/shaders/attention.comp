#version 450
// One workgroup per head and QUERIES neighbouring query rows of a sequence, which share each read of K and V:
// positions in tiles of LOCAL, with a running maximum and sum, so the score matrix never exists (the online
// softmax of Milakov and Gimelshein, arXiv 1805.02867).
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "reduce.glsl"
layout(constant_id = 2) const uint DIMS_PER_LANE = 8;  // ceil(head_dim / LOCAL)
layout(constant_id = 3) const uint HEAD_DIM = 64;
layout(constant_id = 5) const uint QUERIES = 1;
layout(push_constant) uniform Args {
  uint step_tokens, heads, kv_heads, causal;
  float scale;
  uint q_offset, q_stride, out_offset, out_stride;
  uint k_offset, v_offset;  // elements
  uint k_sequence, k_head, k_position;  // strides of K, elements
  uint v_sequence, v_head, v_position;
} args;
layout(std430, set = 0, binding = 0) readonly buffer Q { float q[]; };
layout(std430, set = 0, binding = 1) readonly buffer K { uint kk[]; };
layout(std430, set = 0, binding = 2) readonly buffer V { uint vv[]; };
layout(std430, set = 0, binding = 3) writeonly buffer Out { float result[]; };
layout(std430, set = 0, binding = 4) readonly buffer Step { uint past; } step_state;

#ifdef KV_F16
vec4 load_k(uint e) { return vec4(unpackHalf2x16(kk[e / 2]), unpackHalf2x16(kk[e / 2 + 1])); }
float load_v(uint e) { return unpackHalf2x16((e & 1u) == 0 ? vv[e / 2] : vv[e / 2] >> 16).x; }
#else
vec4 load_k(uint e) { return uintBitsToFloat(uvec4(kk[e], kk[e + 1], kk[e + 2], kk[e + 3])); }
float load_v(uint e) { return uintBitsToFloat(vv[e]); }
#endif

shared vec4 query[QUERIES * HEAD_DIM / 4];
shared float weights[QUERIES * LOCAL];

void main() {
  uint head = gl_WorkGroupID.x, lane = gl_LocalInvocationID.x;
  uint tiles = (args.step_tokens + QUERIES - 1) / QUERIES;
  uint sequence = gl_WorkGroupID.y / tiles, token0 = gl_WorkGroupID.y % tiles * QUERIES;
  uint kv_head = head / (args.heads / args.kv_heads);
  uint k_base = args.k_offset + sequence * args.k_sequence + kv_head * args.k_head;
  uint v_base = args.v_offset + sequence * args.v_sequence + kv_head * args.v_head;

  // Rows beyond the step repeat its last one and are not stored.
  uint counts[QUERIES];
  float sums[QUERIES * DIMS_PER_LANE], top[QUERIES], total[QUERIES];
  [[unroll]] for (uint r = 0; r < QUERIES; ++r) {
    uint token = min(token0 + r, args.step_tokens - 1);
    counts[r] = args.causal != 0 ? step_state.past + token + 1 : args.step_tokens;
    top[r] = -3.0e38;
    total[r] = 0.0;
    uint from = args.q_offset + (sequence * args.step_tokens + token) * args.q_stride + head * HEAD_DIM;
    for (uint i = lane; i < HEAD_DIM / 4; i += LOCAL)
      query[r * (HEAD_DIM / 4) + i] =
          args.scale * vec4(q[from + 4 * i], q[from + 4 * i + 1], q[from + 4 * i + 2], q[from + 4 * i + 3]);
  }
  [[unroll]] for (uint i = 0; i < QUERIES * DIMS_PER_LANE; ++i) sums[i] = 0.0;
  lanes_sync();

  uint count = counts[QUERIES - 1];
  for (uint first = 0; first < count; first += LOCAL) {
    uint position = first + lane;
    float scores[QUERIES];
    [[unroll]] for (uint r = 0; r < QUERIES; ++r) scores[r] = 0.0;
    if (position < count) {
      uint at = k_base + position * args.k_position;
      for (uint i = 0; i < HEAD_DIM / 4; ++i) {
        vec4 k = load_k(at + 4 * i);
        [[unroll]] for (uint r = 0; r < QUERIES; ++r) scores[r] += dot(query[r * (HEAD_DIM / 4) + i], k);
      }
    }
    [[unroll]] for (uint r = 0; r < QUERIES; ++r) {
      bool seen = position < counts[r];
      float new_top = max(top[r], lanes_max(seen ? scores[r] : -3.0e38));
      float weight = seen ? exp(scores[r] - new_top) : 0.0;
      float shrink = exp(top[r] - new_top);
      total[r] = total[r] * shrink + lanes_sum(weight);
      top[r] = new_top;
      weights[r * LOCAL + lane] = weight;
      [[unroll]] for (uint i = 0; i < DIMS_PER_LANE; ++i) sums[r * DIMS_PER_LANE + i] *= shrink;
    }
    lanes_sync();
    uint tile = min(LOCAL, count - first);
    for (uint j = 0; j < tile; ++j) {
      uint at = v_base + (first + j) * args.v_position + lane;
      for (uint i = 0; i < DIMS_PER_LANE; ++i)
        if (lane + i * LOCAL < HEAD_DIM) {
          float v = load_v(at + i * LOCAL);
          [[unroll]] for (uint r = 0; r < QUERIES; ++r)
            sums[r * DIMS_PER_LANE + i] += weights[r * LOCAL + j] * v;
        }
    }
    lanes_sync();
  }
  [[unroll]] for (uint r = 0; r < QUERIES; ++r) {
    if (token0 + r >= args.step_tokens) continue;
    uint to = args.out_offset + (sequence * args.step_tokens + token0 + r) * args.out_stride + head * HEAD_DIM + lane;
    for (uint i = 0; i < DIMS_PER_LANE; ++i)
      if (lane + i * LOCAL < HEAD_DIM) result[to + i * LOCAL] = sums[r * DIMS_PER_LANE + i] / total[r];
  }
}

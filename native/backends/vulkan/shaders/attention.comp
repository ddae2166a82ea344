#version 450
// One workgroup per (query row, head): positions in tiles of LOCAL, with a running maximum and sum, so the
// score matrix never exists (the online softmax of Milakov and Gimelshein, arXiv 1805.02867).
#extension GL_GOOGLE_include_directive : require
#include "reduce.glsl"
layout(constant_id = 2) const uint DIMS_PER_LANE = 8;  // ceil(head_dim / LOCAL)
layout(constant_id = 3) const uint HEAD_DIM = 64;
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

shared vec4 query[HEAD_DIM / 4];
shared float weights[LOCAL];

void main() {
  uint m = gl_WorkGroupID.y, head = gl_WorkGroupID.x, lane = gl_LocalInvocationID.x;
  uint sequence = m / args.step_tokens, kv_head = head / (args.heads / args.kv_heads);
  uint count = args.causal != 0 ? step_state.past + m % args.step_tokens + 1 : args.step_tokens;
  uint k_base = args.k_offset + sequence * args.k_sequence + kv_head * args.k_head;
  uint v_base = args.v_offset + sequence * args.v_sequence + kv_head * args.v_head;

  uint q_base = args.q_offset + m * args.q_stride + head * HEAD_DIM;
  for (uint i = lane; i < HEAD_DIM / 4; i += LOCAL)
    query[i] = args.scale * vec4(q[q_base + 4 * i], q[q_base + 4 * i + 1], q[q_base + 4 * i + 2], q[q_base + 4 * i + 3]);
  lanes_sync();

  float sums[DIMS_PER_LANE];
  for (uint i = 0; i < DIMS_PER_LANE; ++i) sums[i] = 0.0;
  float top = -3.0e38, total = 0.0;
  for (uint first = 0; first < count; first += LOCAL) {
    uint position = first + lane;
    float score = -3.0e38;
    if (position < count) {
      score = 0.0;
      uint at = k_base + position * args.k_position;
      for (uint i = 0; i < HEAD_DIM / 4; ++i) score += dot(query[i], load_k(at + 4 * i));
    }
    float new_top = max(top, lanes_max(score));
    float weight = position < count ? exp(score - new_top) : 0.0;
    float shrink = exp(top - new_top);
    total = total * shrink + lanes_sum(weight);
    top = new_top;
    weights[lane] = weight;
    lanes_sync();
    for (uint i = 0; i < DIMS_PER_LANE; ++i) sums[i] *= shrink;
    uint tile = min(LOCAL, count - first);
    for (uint j = 0; j < tile; ++j) {
      uint at = v_base + (first + j) * args.v_position + lane;
      float p = weights[j];
      for (uint i = 0; i < DIMS_PER_LANE; ++i)
        if (lane + i * LOCAL < HEAD_DIM) sums[i] += p * load_v(at + i * LOCAL);
    }
    lanes_sync();
  }
  uint to = args.out_offset + m * args.out_stride + head * HEAD_DIM + lane;
  for (uint i = 0; i < DIMS_PER_LANE; ++i)
    if (lane + i * LOCAL < HEAD_DIM) result[to + i * LOCAL] = sums[i] / total;
}

#version 450
// Rotates q in place, writes rotated k and plain v into the cache. One invocation per four elements.
layout(local_size_x_id = 0) in;
layout(push_constant) uniform Args {
  uint m, step_tokens, heads, kv_heads, head_dim, rope_dims;
  uint half_style;
  uint q_offset, q_stride, k_offset, k_stride, v_offset, v_stride;
  uint capacity;
} args;
layout(std430, set = 0, binding = 0) buffer Q { float q[]; };
layout(std430, set = 0, binding = 1) readonly buffer K { float k[]; };
layout(std430, set = 0, binding = 2) readonly buffer V { float v[]; };
layout(std430, set = 0, binding = 3) writeonly buffer CacheK { uint cache_k[]; };
layout(std430, set = 0, binding = 4) writeonly buffer CacheV { uint cache_v[]; };
layout(std430, set = 0, binding = 5) readonly buffer Table { vec2 cos_sin[]; };  // [position][rope_dims / 2]
layout(std430, set = 0, binding = 6) readonly buffer Step { uint past; } step_state;

// The quad's elements within a head: two neighbours, and the two that they pair with.
uvec4 elements(uint quad) {
  uint pairs = args.rope_dims / 2;
  if (4 * quad >= args.rope_dims || args.half_style == 0) return 4 * quad + uvec4(0, 1, 2, 3);
  return uvec4(2 * quad, 2 * quad + 1, 2 * quad + pairs, 2 * quad + 1 + pairs);
}

vec4 rotate(vec4 value, uint quad, uint position) {
  if (4 * quad >= args.rope_dims) return value;
  uint at = position * (args.rope_dims / 2) + 2 * quad;
  vec2 a = cos_sin[at], b = cos_sin[at + 1];
  if (args.half_style != 0)
    return vec4(value.x * a.x - value.z * a.y, value.y * b.x - value.w * b.y,
                value.z * a.x + value.x * a.y, value.w * b.x + value.y * b.y);
  return vec4(value.x * a.x - value.y * a.y, value.y * a.x + value.x * a.y,
              value.z * b.x - value.w * b.y, value.w * b.x + value.z * b.y);
}

#ifdef KV_F16
#define STORE(cache, base, e, value)                                  \
  cache[(base + e.x) / 2] = packHalf2x16(value.xy);                   \
  cache[(base + e.z) / 2] = packHalf2x16(value.zw);
#else
#define STORE(cache, base, e, value)                                  \
  cache[base + e.x] = floatBitsToUint(value.x);                       \
  cache[base + e.y] = floatBitsToUint(value.y);                       \
  cache[base + e.z] = floatBitsToUint(value.z);                       \
  cache[base + e.w] = floatBitsToUint(value.w);
#endif

void main() {
  uint quads = args.head_dim / 4;
  uint per_row = (args.heads + 2 * args.kv_heads) * quads;
  uint index = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  if (index >= args.m * per_row) return;
  uint m = index / per_row, head = index % per_row / quads, quad = index % quads;
  uint position = step_state.past + m % args.step_tokens;

  if (head < args.heads) {
    uvec4 e = args.q_offset + m * args.q_stride + head * args.head_dim + elements(quad);
    vec4 value = rotate(vec4(q[e.x], q[e.y], q[e.z], q[e.w]), quad, position);
    q[e.x] = value.x, q[e.y] = value.y, q[e.z] = value.z, q[e.w] = value.w;
    return;
  }
  head -= args.heads;
  bool is_v = head >= args.kv_heads;
  if (is_v) head -= args.kv_heads;
  uint sequence = m / args.step_tokens;
  uint base = ((sequence * args.kv_heads + head) * args.capacity + position) * args.head_dim;
  if (is_v) {
    uvec4 e = 4 * quad + uvec4(0, 1, 2, 3);
    uvec4 from = args.v_offset + m * args.v_stride + head * args.head_dim + e;
    vec4 value = vec4(v[from.x], v[from.y], v[from.z], v[from.w]);
    STORE(cache_v, base, e, value)
  } else {
    uvec4 e = elements(quad);
    uvec4 from = args.k_offset + m * args.k_stride + head * args.head_dim + e;
    vec4 value = rotate(vec4(k[from.x], k[from.y], k[from.z], k[from.w]), quad, position);
    STORE(cache_k, base, e, value)
  }
}

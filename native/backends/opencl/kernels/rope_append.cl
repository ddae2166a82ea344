// Rotates q in place, writes rotated k and plain v into the cache. One work-item per four elements.
uint4 NAME(elements)(uint quad, const Push args) {
  uint pairs = args.w[5] / 2;
  if (4 * quad >= args.w[5] || !args.w[6]) return 4 * quad + (uint4)(0, 1, 2, 3);
  return (uint4)(2 * quad, 2 * quad + 1, 2 * quad + pairs, 2 * quad + 1 + pairs);
}

float4 NAME(rotate)(float4 v, uint quad, uint position, global const float2* table, const Push args) {
  if (4 * quad >= args.w[5]) return v;
  uint at = position * (args.w[5] / 2) + 2 * quad;
  float2 a = table[at], b = table[at + 1];
  if (args.w[6])
    return (float4)(v.x * a.x - v.z * a.y, v.y * b.x - v.w * b.y, v.z * a.x + v.x * a.y, v.w * b.x + v.y * b.y);
  return (float4)(v.x * a.x - v.y * a.y, v.y * a.x + v.x * a.y, v.z * b.x - v.w * b.y, v.w * b.x + v.z * b.y);
}

void NAME(keep)(global uint* cache, uint base, uint4 e, float4 v) {
#ifdef KV_F16
  global half* to = (global half*)cache + base;
  vstore_half(v.x, e.x, to);
  vstore_half(v.y, e.y, to);
  vstore_half(v.z, e.z, to);
  vstore_half(v.w, e.w, to);
#else
  global float* to = (global float*)cache + base;
  to[e.x] = v.x;
  to[e.y] = v.y;
  to[e.z] = v.z;
  to[e.w] = v.w;
#endif
}

kernel void NAME(main)(global float* q, global const float* k, global const float* v, global uint* cache_k,
                       global uint* cache_v, global const float2* table, global const uint* step, const Push args) {
  uint heads = args.w[2], kv_heads = args.w[3], dim = args.w[4], quads = dim / 4;
  uint per_row = (heads + 2 * kv_heads) * quads, index = flat_index();
  if (index >= args.w[0] * per_row) return;
  uint m = index / per_row, head = index % per_row / quads, quad = index % quads;
  uint position = step[0] + m % args.w[1];
  if (head < heads) {
    global float* at = q + args.w[7] + m * args.w[8] + head * dim;
    uint4 e = NAME(elements)(quad, args);
    float4 r = NAME(rotate)((float4)(at[e.x], at[e.y], at[e.z], at[e.w]), quad, position, table, args);
    at[e.x] = r.x;
    at[e.y] = r.y;
    at[e.z] = r.z;
    at[e.w] = r.w;
    return;
  }
  head -= heads;
  bool is_v = head >= kv_heads;
  if (is_v) head -= kv_heads;
  uint base = ((m / args.w[1] * kv_heads + head) * args.w[13] + position) * dim;
  if (is_v) {
    uint4 e = 4 * quad + (uint4)(0, 1, 2, 3);
    NAME(keep)(cache_v, base, e, vload4(quad, v + args.w[11] + m * args.w[12] + head * dim));
  } else {
    uint4 e = NAME(elements)(quad, args);
    global const float* at = k + args.w[9] + m * args.w[10] + head * dim;
    NAME(keep)(cache_k, base, e,
               NAME(rotate)((float4)(at[e.x], at[e.y], at[e.z], at[e.w]), quad, position, table, args));
  }
}

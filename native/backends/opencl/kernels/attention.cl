// One work-group per (query row, head): positions in tiles of LOCAL with a running maximum and sum
// (the online softmax of Milakov and Gimelshein, arXiv 1805.02867).
#ifdef KV_F16
#define KV4(base, e) vload_half4(0, (global const half*)(base) + (e))
#define KV1(base, e) vload_half(e, (global const half*)(base))
#else
#define KV4(base, e) vload4(0, (global const float*)(base) + (e))
#define KV1(base, e) (((global const float*)(base))[e])
#endif
kernel void NAME(main)(global const float* q, global const uint* kk, global const uint* vv, global float* result,
                       global const uint* step, const Push args) {
  local float scratch[LOCAL];
  local float weights[LOCAL];
  local float4 query[HEAD_DIM / 4];
  uint m = get_group_id(1), head = get_group_id(0), lane = get_local_id(0);
  uint sequence = m / args.w[0], kv_head = head / (args.w[1] / args.w[2]);
  uint count = args.w[3] ? step[0] + m % args.w[0] + 1 : args.w[0];
  uint k_base = args.w[9] + sequence * args.w[11] + kv_head * args.w[12];
  uint v_base = args.w[10] + sequence * args.w[14] + kv_head * args.w[15];
  for (uint i = lane; i < HEAD_DIM / 4; i += LOCAL)
    query[i] = as_float(args.w[4]) * vload4(i, q + args.w[5] + m * args.w[6] + head * HEAD_DIM);
  barrier(CLK_LOCAL_MEM_FENCE);

  float sums[DIMS_PER_LANE];
  for (uint i = 0; i < DIMS_PER_LANE; ++i) sums[i] = 0.0f;
  float top = -3.0e38f, total = 0.0f;
  for (uint first = 0; first < count; first += LOCAL) {
    uint position = first + lane;
    float score = -3.0e38f;
    if (position < count) {
      float4 sum = 0.0f;
      uint at = k_base + position * args.w[13];
      for (uint i = 0; i < HEAD_DIM / 4; ++i) sum += query[i] * KV4(kk, at + 4 * i);
      score = sum.x + sum.y + sum.z + sum.w;
    }
    float new_top = fmax(top, lanes_max(scratch, score, LOCAL));
    float weight = position < count ? exp(score - new_top) : 0.0f;
    float shrink = exp(top - new_top);
    total = total * shrink + lanes_sum(scratch, weight, LOCAL);
    top = new_top;
    weights[lane] = weight;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint i = 0; i < DIMS_PER_LANE; ++i) sums[i] *= shrink;
    uint tile = min((uint)LOCAL, count - first);
    for (uint j = 0; j < tile; ++j) {
      uint at = v_base + (first + j) * args.w[16] + lane;
      for (uint i = 0; i < DIMS_PER_LANE; ++i)
        if (lane + i * LOCAL < HEAD_DIM) sums[i] += weights[j] * KV1(vv, at + i * LOCAL);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  global float* to = result + args.w[7] + m * args.w[8] + head * HEAD_DIM + lane;
  for (uint i = 0; i < DIMS_PER_LANE; ++i)
    if (lane + i * LOCAL < HEAD_DIM) to[i * LOCAL] = sums[i] / total;
}
#undef KV4
#undef KV1

// One work-group per head and QUERIES neighbouring query rows of a sequence, which share each read of K and V:
// positions in tiles of LOCAL with a running maximum and sum (the online softmax of Milakov and Gimelshein, arXiv 1805.02867).
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
  local float weights[QUERIES * LOCAL];
  local float4 query[QUERIES * HEAD_DIM / 4];
  uint head = get_group_id(0), lane = get_local_id(0), step_tokens = args.w[0];
  uint tiles = (step_tokens + QUERIES - 1) / QUERIES;
  uint sequence = get_group_id(1) / tiles, token0 = get_group_id(1) % tiles * QUERIES;
  uint kv_head = head / (args.w[1] / args.w[2]);
  uint k_base = args.w[9] + sequence * args.w[11] + kv_head * args.w[12];
  uint v_base = args.w[10] + sequence * args.w[14] + kv_head * args.w[15];

  // Rows beyond the step repeat its last one and are not stored.
  uint counts[QUERIES];
  float sums[QUERIES * DIMS_PER_LANE], top[QUERIES], total[QUERIES];
  for (uint r = 0; r < QUERIES; ++r) {
    uint token = min(token0 + r, step_tokens - 1);
    counts[r] = args.w[3] ? step[0] + token + 1 : step_tokens;
    top[r] = -3.0e38f;
    total[r] = 0.0f;
    global const float* from = q + args.w[5] + (sequence * step_tokens + token) * args.w[6] + head * HEAD_DIM;
    for (uint i = lane; i < HEAD_DIM / 4; i += LOCAL)
      query[r * (HEAD_DIM / 4) + i] = as_float(args.w[4]) * vload4(i, from);
  }
  for (uint i = 0; i < QUERIES * DIMS_PER_LANE; ++i) sums[i] = 0.0f;
  barrier(CLK_LOCAL_MEM_FENCE);

  uint count = counts[QUERIES - 1];
  for (uint first = 0; first < count; first += LOCAL) {
    uint position = first + lane;
    float4 scores[QUERIES];
    for (uint r = 0; r < QUERIES; ++r) scores[r] = 0.0f;
    if (position < count) {
      uint at = k_base + position * args.w[13];
      for (uint i = 0; i < HEAD_DIM / 4; ++i) {
        float4 k = KV4(kk, at + 4 * i);
        for (uint r = 0; r < QUERIES; ++r) scores[r] += query[r * (HEAD_DIM / 4) + i] * k;
      }
    }
    for (uint r = 0; r < QUERIES; ++r) {
      float score = scores[r].x + scores[r].y + scores[r].z + scores[r].w;
      int seen = position < counts[r];
      float new_top = fmax(top[r], lanes_max(scratch, seen ? score : -3.0e38f, LOCAL));
      float weight = seen ? exp(score - new_top) : 0.0f;
      float shrink = exp(top[r] - new_top);
      total[r] = total[r] * shrink + lanes_sum(scratch, weight, LOCAL);
      top[r] = new_top;
      weights[r * LOCAL + lane] = weight;
      for (uint i = 0; i < DIMS_PER_LANE; ++i) sums[r * DIMS_PER_LANE + i] *= shrink;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    uint tile = min((uint)LOCAL, count - first);
    for (uint j = 0; j < tile; ++j) {
      uint at = v_base + (first + j) * args.w[16] + lane;
      for (uint i = 0; i < DIMS_PER_LANE; ++i)
        if (lane + i * LOCAL < HEAD_DIM) {
          float v = KV1(vv, at + i * LOCAL);
          for (uint r = 0; r < QUERIES; ++r) sums[r * DIMS_PER_LANE + i] += weights[r * LOCAL + j] * v;
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  for (uint r = 0; r < QUERIES; ++r) {
    if (token0 + r >= step_tokens) continue;
    global float* to =
        result + args.w[7] + (sequence * step_tokens + token0 + r) * args.w[8] + head * HEAD_DIM + lane;
    for (uint i = 0; i < DIMS_PER_LANE; ++i)
      if (lane + i * LOCAL < HEAD_DIM) to[i * LOCAL] = sums[r * DIMS_PER_LANE + i] / total[r];
  }
}
#undef KV4
#undef KV1

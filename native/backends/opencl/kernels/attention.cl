// One work-group per head and QUERIES neighbouring query rows of a sequence, which share each read of K and V:
// positions in tiles of LOCAL with a running maximum and sum (the online softmax of Milakov and Gimelshein, arXiv 1805.02867).
#ifdef KV_F16
#define KV4(base, e) vload_half4(0, (global const half*)(base) + (e))
#define KV1(base, e) vload_half(e, (global const half*)(base))
#else
#define KV4(base, e) vload4(0, (global const float*)(base) + (e))
#define KV1(base, e) (((global const float*)(base))[e])
#endif
#if LOCAL == 1 && HEAD_DIM % 16 == 0
// For processors: one work-item, whose vectors run along the head for scores and sums, and along positions for weights.
#ifdef KV_F16
#define KV16(base, e) halves(*(global const ushort16*)((global const ushort*)(base) + (e)))
#else
#define KV16(base, e) vload16(0, (global const float*)(base) + (e))
#endif
#define PARTS (HEAD_DIM / 16)
kernel void NAME(main)(global const float* q, global const uint* kk, global const uint* vv, global float* result,
                       global const uint* step, const Push args) {
  const uint16 lanes = (uint16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  uint head = get_group_id(0), step_tokens = args.w[0];
  uint tiles = (step_tokens + QUERIES - 1) / QUERIES;
  uint sequence = get_group_id(1) / tiles, token0 = get_group_id(1) % tiles * QUERIES;
  uint kv_head = head / (args.w[1] / args.w[2]);
  uint k_base = args.w[9] + sequence * args.w[11] + kv_head * args.w[12];
  uint v_base = args.w[10] + sequence * args.w[14] + kv_head * args.w[15];
  uint counts[QUERIES];
  float16 query[QUERIES * PARTS], sums[QUERIES * PARTS];
  float top[QUERIES], total[QUERIES];
  UNROLL for (uint r = 0; r < QUERIES; ++r) {
    uint token = min(token0 + r, step_tokens - 1);
    counts[r] = args.w[3] ? step[0] + token + 1 : step_tokens;
    top[r] = -3.0e38f;
    total[r] = 0.0f;
    global const float* from = q + args.w[5] + (sequence * step_tokens + token) * args.w[6] + head * HEAD_DIM;
    UNROLL for (uint p = 0; p < PARTS; ++p) {
      query[r * PARTS + p] = as_float(args.w[4]) * vload16(p, from);
      sums[r * PARTS + p] = 0.0f;
    }
  }
  uint count = counts[QUERIES - 1];
  for (uint first = 0; first < count; first += 16) {
    uint tile = min(16u, count - first);
    float scores[QUERIES * 16];
    for (uint j = 0; j < tile; ++j) {
      uint at = k_base + (first + j) * args.w[13];
      float16 dots[QUERIES];
      UNROLL for (uint r = 0; r < QUERIES; ++r) dots[r] = 0.0f;
      UNROLL for (uint p = 0; p < PARTS; ++p) {
        float16 k = KV16(kk, at + 16 * p);
        UNROLL for (uint r = 0; r < QUERIES; ++r) dots[r] += query[r * PARTS + p] * k;
      }
      UNROLL for (uint r = 0; r < QUERIES; ++r) scores[r * 16 + j] = sum16(dots[r]);
    }
    float weights[QUERIES * 16];
    UNROLL for (uint r = 0; r < QUERIES; ++r) {
      float16 score = select((float16)(-3.0e38f), vload16(r, scores), first + lanes < counts[r]);
      float8 a = fmax(score.lo, score.hi);
      float4 b = fmax(a.lo, a.hi);
      float2 c = fmax(b.lo, b.hi);
      float new_top = fmax(top[r], fmax(c.x, c.y));
      float16 weight = select((float16)(0.0f), exp(score - new_top), first + lanes < counts[r]);
      float shrink = exp(top[r] - new_top);
      total[r] = total[r] * shrink + sum16(weight);
      top[r] = new_top;
      vstore16(weight, r, weights);
      UNROLL for (uint p = 0; p < PARTS; ++p) sums[r * PARTS + p] *= shrink;
    }
    for (uint j = 0; j < tile; ++j) {
      uint at = v_base + (first + j) * args.w[16];
      UNROLL for (uint p = 0; p < PARTS; ++p) {
        float16 v = KV16(vv, at + 16 * p);
        UNROLL for (uint r = 0; r < QUERIES; ++r) sums[r * PARTS + p] += weights[r * 16 + j] * v;
      }
    }
  }
  UNROLL for (uint r = 0; r < QUERIES; ++r) {
    if (token0 + r >= step_tokens) continue;
    global float* to = result + args.w[7] + (sequence * step_tokens + token0 + r) * args.w[8] + head * HEAD_DIM;
    UNROLL for (uint p = 0; p < PARTS; ++p) vstore16(sums[r * PARTS + p] / total[r], p, to);
  }
}
#undef KV16
#undef PARTS
#else
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
  UNROLL for (uint r = 0; r < QUERIES; ++r) {
    uint token = min(token0 + r, step_tokens - 1);
    counts[r] = args.w[3] ? step[0] + token + 1 : step_tokens;
    top[r] = -3.0e38f;
    total[r] = 0.0f;
    global const float* from = q + args.w[5] + (sequence * step_tokens + token) * args.w[6] + head * HEAD_DIM;
    for (uint i = lane; i < HEAD_DIM / 4; i += LOCAL)
      query[r * (HEAD_DIM / 4) + i] = as_float(args.w[4]) * vload4(i, from);
  }
  UNROLL for (uint i = 0; i < QUERIES * DIMS_PER_LANE; ++i) sums[i] = 0.0f;
  barrier(CLK_LOCAL_MEM_FENCE);

  uint count = counts[QUERIES - 1];
  for (uint first = 0; first < count; first += LOCAL) {
    uint position = first + lane;
    float4 scores[QUERIES];
    UNROLL for (uint r = 0; r < QUERIES; ++r) scores[r] = 0.0f;
    if (position < count) {
      uint at = k_base + position * args.w[13];
      for (uint i = 0; i < HEAD_DIM / 4; ++i) {
        float4 k = KV4(kk, at + 4 * i);
        UNROLL for (uint r = 0; r < QUERIES; ++r) scores[r] += query[r * (HEAD_DIM / 4) + i] * k;
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
      UNROLL for (uint i = 0; i < DIMS_PER_LANE; ++i) sums[r * DIMS_PER_LANE + i] *= shrink;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    uint tile = min((uint)LOCAL, count - first);
    for (uint j = 0; j < tile; ++j) {
      uint at = v_base + (first + j) * args.w[16] + lane;
      UNROLL for (uint i = 0; i < DIMS_PER_LANE; ++i)
        if (lane + i * LOCAL < HEAD_DIM) {
          float v = KV1(vv, at + i * LOCAL);
          UNROLL for (uint r = 0; r < QUERIES; ++r) sums[r * DIMS_PER_LANE + i] += weights[r * LOCAL + j] * v;
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  UNROLL for (uint r = 0; r < QUERIES; ++r) {
    if (token0 + r >= step_tokens) continue;
    global float* to =
        result + args.w[7] + (sequence * step_tokens + token0 + r) * args.w[8] + head * HEAD_DIM + lane;
    UNROLL for (uint i = 0; i < DIMS_PER_LANE; ++i)
      if (lane + i * LOCAL < HEAD_DIM) to[i * LOCAL] = sums[r * DIMS_PER_LANE + i] / total[r];
  }
}
#endif
#undef KV4
#undef KV1

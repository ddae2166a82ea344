// y[m][n] = sum_k W[n][k] x[m][k] (+ bias) (+ residual). LOAD, ROWS, COLUMNS, LANES come from the instance.
#define K_ args.w[0]
#define N_ args.w[1]
#define M_ args.w[2]
void NAME(store)(global float* y, global const float* bias, global const float* residual, Push args, uint row,
                 uint column, float value) {
  if (args.w[9]) value += bias[args.w[10] + row];
  if (args.w[11]) value += residual[args.w[12] + column * args.w[13] + row];
  y[args.w[5] + column * args.w[6] + row] = value;
}

#ifdef MATVEC
// LANES work-items share ROWS rows and stride over their blocks.
kernel void NAME(main)(QUANTS quants, global const uint* scales, global const float* x, global float* y,
                       global const float* bias, global const float* residual, const Push args) {
  local float scratch[LOCAL];
  uint id = get_local_id(0), lane = id % LANES;
  uint row0 = (get_group_id(0) * (LOCAL / LANES) + id / LANES) * ROWS;
  float16 sums[ROWS * COLUMNS];
  UNROLL for (uint i = 0; i < ROWS * COLUMNS; ++i) sums[i] = 0.0f;
  for (uint b = lane; b < K_ / 32; b += LANES)
    UNROLL for (uint r = 0; r < ROWS; ++r) {
      Block w = LOAD(quants, scales, min(row0 + r, N_ - 1), b, args.w[7], args.w[8]);
      UNROLL for (uint c = 0; c < COLUMNS; ++c) {
        global const float* from = x + args.w[3] + c * args.w[4] + b * 32;
        sums[r * COLUMNS + c] += w.lo * vload16(0, from) + w.hi * vload16(1, from);
      }
    }
  for (uint r = 0; r < ROWS; ++r)
    for (uint c = 0; c < COLUMNS; ++c) {
      float sum = lanes_sum(scratch, sum16(sums[r * COLUMNS + c]), LANES);
      if (lane == 0 && row0 + r < N_ && c < M_) NAME(store)(y, bias, residual, args, row0 + r, c, sum);
    }
}
#elif defined(PANEL)
// For processors: a work-item makes ROWS rows, one a lane, times COLUMNS rows of x, STRIP at a time. Weights are
// dequantised once for all of them, CHUNK blocks at a time; sums wait in y meanwhile.
#define STRIP 16
#define CHUNK 8
kernel void NAME(main)(QUANTS quants, global const uint* scales, global const float* x, global float* y,
                       global const float* bias, global const float* residual, const Push args) {
  local float panel[CHUNK * 32 * 16];
  uint row0 = get_group_id(0) * 16, rows = min(16u, N_ - row0);
  uint begin = get_group_id(1) * COLUMNS, end = min(begin + COLUMNS, M_);
  for (uint first = 0; first < K_ / 32; first += CHUNK) {
    uint blocks = min((uint)CHUNK, K_ / 32 - first);
    for (uint b = 0; b < blocks; ++b)
      for (uint r = 0; r < 16; ++r) {
        Block w = LOAD(quants, scales, row0 + min(r, rows - 1), first + b, args.w[7], args.w[8]);
        float values[32];
        vstore16(w.lo, 0, values);
        vstore16(w.hi, 1, values);
        UNROLL for (uint i = 0; i < 32; ++i) panel[(b * 32 + i) * 16 + r] = values[i];
      }
    for (uint column = begin; column < end; column += STRIP) {
      global const float* from[STRIP];
      float16 sums[STRIP];
      UNROLL for (uint c = 0; c < STRIP; ++c) {
        uint m = min(column + c, end - 1);
        from[c] = x + args.w[3] + m * args.w[4] + first * 32;
        sums[c] = 0.0f;
      }
      for (uint i = 0; i < blocks * 32; ++i) {
        float16 w = vload16(i, panel);
        UNROLL for (uint c = 0; c < STRIP; ++c) sums[c] += w * from[c][i];
      }
      for (uint c = 0; c < STRIP && column + c < end; ++c) {
        global float* to = y + args.w[5] + (column + c) * args.w[6] + row0;
        float values[16];
        vstore16(sums[c], 0, values);
        for (uint r = 0; r < rows; ++r) {
          if (first > 0)
            to[r] += values[r];
          else
            NAME(store)(y, bias, residual, args, row0 + r, column + c, values[r]);
        }
      }
    }
  }
}
#undef STRIP
#undef CHUNK
#elif defined(TILED)
// A work-group dequantises one block (32 columns) of LANES x ROWS rows of W and the same part of
// LOCAL / LANES x COLUMNS rows of x into local memory; each work-item makes ROWS x COLUMNS products of it.
// F16: products are half, two of them rounded together, and sums f32: a longer sum in half costs more than the bound.
#ifdef F16
#define PRODUCTS(a, b) pair_sum(fma((a).lo, (b).lo, (a).hi * (b).hi))
#define TILE half4
#define TO_TILE convert_half4
#else
#define PRODUCTS dot
#define TILE float4
#define TO_TILE
#endif
#define TILE_ROWS (LANES * ROWS)
#define TILE_COLUMNS (LOCAL / LANES * COLUMNS)
kernel void NAME(main)(QUANTS quants, global const uint* scales, global const float* x, global float* y,
                       global const float* bias, global const float* residual, const Push args) {
  // By quads of the block first: neighbours write and read neighbouring vectors.
  local TILE tile_w[8 * TILE_ROWS];
  local TILE tile_x[8 * TILE_COLUMNS];
  uint id = get_local_id(0);
  uint row0 = get_group_id(0) * TILE_ROWS, column0 = get_group_id(1) * TILE_COLUMNS;
  uint row = id % LANES, column = id / LANES;
  float sums[ROWS * COLUMNS];
  UNROLL for (uint i = 0; i < ROWS * COLUMNS; ++i) sums[i] = 0.0f;
  for (uint b = 0; b < K_ / 32; ++b) {
    for (uint r = id; r < TILE_ROWS; r += LOCAL) {
      Block w = LOAD(quants, scales, min(row0 + r, N_ - 1), b, args.w[7], args.w[8]);
      tile_w[0 * TILE_ROWS + r] = TO_TILE(w.lo.s0123);
      tile_w[1 * TILE_ROWS + r] = TO_TILE(w.lo.s4567);
      tile_w[2 * TILE_ROWS + r] = TO_TILE(w.lo.s89ab);
      tile_w[3 * TILE_ROWS + r] = TO_TILE(w.lo.scdef);
      tile_w[4 * TILE_ROWS + r] = TO_TILE(w.hi.s0123);
      tile_w[5 * TILE_ROWS + r] = TO_TILE(w.hi.s4567);
      tile_w[6 * TILE_ROWS + r] = TO_TILE(w.hi.s89ab);
      tile_w[7 * TILE_ROWS + r] = TO_TILE(w.hi.scdef);
    }
    for (uint t = id; t < 8 * TILE_COLUMNS; t += LOCAL)
      tile_x[t % 8 * TILE_COLUMNS + t / 8] =
          TO_TILE(vload4(t % 8, x + args.w[3] + min(column0 + t / 8, M_ - 1) * args.w[4] + b * 32));
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint i = 0; i < 8; ++i) {
      TILE part[COLUMNS];
      UNROLL for (uint c = 0; c < COLUMNS; ++c) part[c] = tile_x[i * TILE_COLUMNS + column + c * (LOCAL / LANES)];
      UNROLL for (uint r = 0; r < ROWS; ++r) {
        TILE w = tile_w[i * TILE_ROWS + row + r * LANES];
        UNROLL for (uint c = 0; c < COLUMNS; ++c) sums[r * COLUMNS + c] += PRODUCTS(w, part[c]);
      }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  UNROLL for (uint r = 0; r < ROWS; ++r)
    UNROLL for (uint c = 0; c < COLUMNS; ++c) {
      uint to_row = row0 + row + r * LANES, to_column = column0 + column + c * (LOCAL / LANES);
      if (to_row < N_ && to_column < M_) NAME(store)(y, bias, residual, args, to_row, to_column, sums[r * COLUMNS + c]);
    }
}
#undef PRODUCTS
#undef TILE
#undef TO_TILE
#undef TILE_ROWS
#undef TILE_COLUMNS
#else
// Every work-item makes ROWS rows times COLUMNS rows of x in registers; no barrier.
kernel void NAME(main)(QUANTS quants, global const uint* scales, global const float* x, global float* y,
                       global const float* bias, global const float* residual, const Push args) {
  uint row0 = (get_group_id(0) * LOCAL + get_local_id(0)) * ROWS;
  uint column0 = get_group_id(1) * COLUMNS;
  float16 sums[ROWS * COLUMNS];
  UNROLL for (uint i = 0; i < ROWS * COLUMNS; ++i) sums[i] = 0.0f;
  for (uint b = 0; b < K_ / 32; ++b)
    UNROLL for (uint r = 0; r < ROWS; ++r) {
      Block w = LOAD(quants, scales, min(row0 + r, N_ - 1), b, args.w[7], args.w[8]);
      UNROLL for (uint c = 0; c < COLUMNS; ++c) {
        global const float* from = x + args.w[3] + min(column0 + c, M_ - 1) * args.w[4] + b * 32;
        sums[r * COLUMNS + c] += w.lo * vload16(0, from) + w.hi * vload16(1, from);
      }
    }
  UNROLL for (uint r = 0; r < ROWS; ++r)
    UNROLL for (uint c = 0; c < COLUMNS; ++c)
      if (row0 + r < N_ && column0 + c < M_)
        NAME(store)(y, bias, residual, args, row0 + r, column0 + c, sum16(sums[r * COLUMNS + c]));
}
#endif
#undef K_
#undef N_
#undef M_

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
kernel void NAME(main)(global const uint* quants, global const uint* scales, global const float* x, global float* y,
                       global const float* bias, global const float* residual, const Push args) {
  local float scratch[LOCAL];
  uint id = get_local_id(0), lane = id % LANES;
  uint row0 = (get_group_id(0) * (LOCAL / LANES) + id / LANES) * ROWS;
  float16 sums[ROWS * COLUMNS];
  for (uint i = 0; i < ROWS * COLUMNS; ++i) sums[i] = 0.0f;
  for (uint b = lane; b < K_ / 32; b += LANES)
    for (uint r = 0; r < ROWS; ++r) {
      Block w = LOAD(quants, scales, min(row0 + r, N_ - 1), b, args.w[7], args.w[8]);
      for (uint c = 0; c < COLUMNS; ++c) {
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
#elif defined(TILED)
// A work-group dequantises one block (32 columns) of LANES x ROWS rows of W and the same part of
// LOCAL / LANES x COLUMNS rows of x into local memory; each work-item makes ROWS x COLUMNS products of it.
#define TILE_ROWS (LANES * ROWS)
#define TILE_COLUMNS (LOCAL / LANES * COLUMNS)
kernel void NAME(main)(global const uint* quants, global const uint* scales, global const float* x, global float* y,
                       global const float* bias, global const float* residual, const Push args) {
  // By quads of the block first: neighbours write and read neighbouring vectors.
  local float4 tile_w[8 * TILE_ROWS];
  local float4 tile_x[8 * TILE_COLUMNS];
  uint id = get_local_id(0);
  uint row0 = get_group_id(0) * TILE_ROWS, column0 = get_group_id(1) * TILE_COLUMNS;
  uint row = id % LANES, column = id / LANES;
  float sums[ROWS * COLUMNS];
  for (uint i = 0; i < ROWS * COLUMNS; ++i) sums[i] = 0.0f;
  for (uint b = 0; b < K_ / 32; ++b) {
    for (uint r = id; r < TILE_ROWS; r += LOCAL) {
      Block w = LOAD(quants, scales, min(row0 + r, N_ - 1), b, args.w[7], args.w[8]);
      tile_w[0 * TILE_ROWS + r] = w.lo.s0123;
      tile_w[1 * TILE_ROWS + r] = w.lo.s4567;
      tile_w[2 * TILE_ROWS + r] = w.lo.s89ab;
      tile_w[3 * TILE_ROWS + r] = w.lo.scdef;
      tile_w[4 * TILE_ROWS + r] = w.hi.s0123;
      tile_w[5 * TILE_ROWS + r] = w.hi.s4567;
      tile_w[6 * TILE_ROWS + r] = w.hi.s89ab;
      tile_w[7 * TILE_ROWS + r] = w.hi.scdef;
    }
    for (uint t = id; t < 8 * TILE_COLUMNS; t += LOCAL)
      tile_x[t % 8 * TILE_COLUMNS + t / 8] =
          vload4(t % 8, x + args.w[3] + min(column0 + t / 8, M_ - 1) * args.w[4] + b * 32);
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint i = 0; i < 8; ++i) {
      float4 part[COLUMNS];
      for (uint c = 0; c < COLUMNS; ++c) part[c] = tile_x[i * TILE_COLUMNS + column + c * (LOCAL / LANES)];
      for (uint r = 0; r < ROWS; ++r) {
        float4 w = tile_w[i * TILE_ROWS + row + r * LANES];
        for (uint c = 0; c < COLUMNS; ++c) sums[r * COLUMNS + c] += dot(w, part[c]);
      }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  for (uint r = 0; r < ROWS; ++r)
    for (uint c = 0; c < COLUMNS; ++c) {
      uint to_row = row0 + row + r * LANES, to_column = column0 + column + c * (LOCAL / LANES);
      if (to_row < N_ && to_column < M_) NAME(store)(y, bias, residual, args, to_row, to_column, sums[r * COLUMNS + c]);
    }
}
#undef TILE_ROWS
#undef TILE_COLUMNS
#else
// Every work-item makes ROWS rows times COLUMNS rows of x in registers; no barrier.
kernel void NAME(main)(global const uint* quants, global const uint* scales, global const float* x, global float* y,
                       global const float* bias, global const float* residual, const Push args) {
  uint row0 = (get_group_id(0) * LOCAL + get_local_id(0)) * ROWS;
  uint column0 = get_group_id(1) * COLUMNS;
  float16 sums[ROWS * COLUMNS];
  for (uint i = 0; i < ROWS * COLUMNS; ++i) sums[i] = 0.0f;
  for (uint b = 0; b < K_ / 32; ++b)
    for (uint r = 0; r < ROWS; ++r) {
      Block w = LOAD(quants, scales, min(row0 + r, N_ - 1), b, args.w[7], args.w[8]);
      for (uint c = 0; c < COLUMNS; ++c) {
        global const float* from = x + args.w[3] + min(column0 + c, M_ - 1) * args.w[4] + b * 32;
        sums[r * COLUMNS + c] += w.lo * vload16(0, from) + w.hi * vload16(1, from);
      }
    }
  for (uint r = 0; r < ROWS; ++r)
    for (uint c = 0; c < COLUMNS; ++c)
      if (row0 + r < N_ && column0 + c < M_)
        NAME(store)(y, bias, residual, args, row0 + r, column0 + c, sum16(sums[r * COLUMNS + c]));
}
#endif
#undef K_
#undef N_
#undef M_

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

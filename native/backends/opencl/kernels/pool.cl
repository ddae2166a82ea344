kernel void NAME(main)(global const float* x, global float* y, const Push args) {
  uint index = flat_index(), columns = args.w[0], tokens = args.w[2];
  if (index >= args.w[1] * columns) return;
  uint sequence = index / columns, column = index % columns;
  global const float* from = x + args.w[3] + sequence * tokens * args.w[4] + column;
  float value = 0.0f;
  if (args.w[7] == 2) {
    for (uint t = 0; t < tokens; ++t) value += from[t * args.w[4]];
    value /= (float)tokens;
  } else {
    value = from[(args.w[7] == 0 ? tokens - 1 : 0) * args.w[4]];
  }
  y[args.w[5] + sequence * args.w[6] + column] = value;
}

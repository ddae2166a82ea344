// out[m] (+)= table[row(m)]: one work-item per 32 columns.
kernel void NAME(main)(global const uint* tokens, QUANTS quants, global const uint* scales,
                       global float* out, global const uint* step, const Push args) {
  uint blocks = args.w[0] / 32, index = flat_index();
  if (index >= args.w[1] * (args.w[0] / 4) || index % 8 != 0) return;
  index /= 8;  // launched one work-item per four columns, as the other API counts them
  uint m = index / blocks, b = index % blocks;
  uint row = args.w[8] == 0 ? tokens[m] : args.w[8] == 1 ? step[0] + m % args.w[10] : 0;
  if (row < args.w[2] || row >= args.w[2] + args.w[3]) return;
  Block w = LOAD(quants, scales, row - args.w[2], b, args.w[6], args.w[7]);
  global float* to = out + args.w[4] + m * args.w[5] + b * 32;
  if (args.w[9]) {
    w.lo += vload16(0, to);
    w.hi += vload16(1, to);
  }
  vstore16(w.lo, 0, to);
  vstore16(w.hi, 1, to);
}

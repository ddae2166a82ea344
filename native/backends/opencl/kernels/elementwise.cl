kernel void NAME(main)(global const float* a, global const float* b, global float* y, const Push args) {
  uint index = flat_index();
  if (index >= args.w[1] * args.w[0]) return;
  uint row = index / args.w[0], column = index % args.w[0];
  float left = a[args.w[2] + row * args.w[3] + column];
  float right = b[args.w[4] + row * args.w[5] + column];
  float value;
  switch (args.w[8]) {  // backends/gpu/emit.cc
    case 0: value = left + right; break;
    case 1: value = left * right; break;
    case 2: value = left / (1.0f + exp(-left)); break;
    case 3: value = 0.5f * left * (1.0f + erf(left * 0.70710678118654752f)); break;
    case 4: value = 0.5f * left * (1.0f + tanh(0.79788456080286536f * (left + 0.044715f * left * left * left))); break;
    default: value = left / (1.0f + exp(-left)) * right; break;
  }
  y[args.w[6] + row * args.w[7] + column] = value;
}

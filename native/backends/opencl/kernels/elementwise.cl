// On processors 16 neighbouring columns at once, where the columns allow it.
#define ELEMENTWISE                                                                                         \
  switch (args.w[8]) { /* backends/gpu/emit.cc */                                                                  \
    case 0: value = left + right; break;                                                                           \
    case 1: value = left * right; break;                                                                           \
    case 2: value = left / (1.0f + exp(-left)); break;                                                             \
    case 3: value = 0.5f * left * (1.0f + erf(left * 0.70710678118654752f)); break;                                \
    case 4: value = 0.5f * left * (1.0f + tanh(0.79788456080286536f * (left + 0.044715f * left * left * left))); break; \
    default: value = left / (1.0f + exp(-left)) * right; break;                                                    \
  }
kernel void NAME(main)(global const float* a, global const float* b, global float* y, const Push args) {
  uint index = flat_index();
  if (index >= args.w[1] * args.w[0]) return;
  uint row = index / args.w[0], column = index % args.w[0];
  a += args.w[2] + row * args.w[3] + column;
  b += args.w[4] + row * args.w[5] + column;
  y += args.w[6] + row * args.w[7] + column;
#ifdef PROCESSOR
  if (args.w[0] % 16 == 0) {
    if (index % 16 != 0) return;
    float16 left = vload16(0, a), right = vload16(0, b), value;
    ELEMENTWISE
    vstore16(value, 0, y);
    return;
  }
#endif
  float left = *a, right = *b, value;
  ELEMENTWISE
  *y = value;
}
#undef ELEMENTWISE

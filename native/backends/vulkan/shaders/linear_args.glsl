// Arguments of matvec and matmul: y[m][n] = sum_k W[n][k] x[m][k] (+ bias[n]) (+ residual[m][n]).
// Offsets and strides in floats. Order: backends/gpu/plan.cc, linear_push().
layout(push_constant) uniform Args {
  uint k, rows, m;
  uint x_offset, x_stride, y_offset, y_stride;
  uint quant_words, scale_words;
  uint has_bias, bias_offset, has_residual, residual_offset, residual_stride;
} args;
#define QUANTS_BINDING 0
#define SCALES_BINDING 1
#ifdef TEXEL
// A tile of x as a uniform buffer: neighbours read the same elements.
layout(constant_id = 4) const uint X_QUADS = 1024;
layout(std140, set = 0, binding = 2) uniform X { vec4 x4[X_QUADS]; };
#else
layout(std430, set = 0, binding = 2) readonly buffer X { vec4 x4[]; };
#endif
layout(std430, set = 0, binding = 3) buffer Y { float y[]; };
layout(std430, set = 0, binding = 4) readonly buffer Bias { float bias[]; };
layout(std430, set = 0, binding = 5) readonly buffer Residual { float residual[]; };

void store(uint row, uint column, float value) {
  if (args.has_bias != 0) value += bias[args.bias_offset + row];
  if (args.has_residual != 0)
    value += residual[args.residual_offset + column * args.residual_stride + row];
  y[args.y_offset + column * args.y_stride + row] = value;
}

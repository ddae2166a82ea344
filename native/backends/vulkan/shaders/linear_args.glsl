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
layout(std430, set = 0, binding = 2) readonly buffer X { vec4 x4[]; };
layout(std430, set = 0, binding = 3) buffer Y { float y[]; };
layout(std430, set = 0, binding = 4) readonly buffer Bias { float bias[]; };
layout(std430, set = 0, binding = 5) readonly buffer Residual { float residual[]; };

void store(uint row, uint column, float value) {
  if (args.has_bias != 0) value += bias[args.bias_offset + row];
  if (args.has_residual != 0)
    value += residual[args.residual_offset + column * args.residual_stride + row];
  y[args.y_offset + column * args.y_stride + row] = value;
}

#version 450
layout(local_size_x_id = 0) in;
layout(push_constant) uniform Args {
  uint columns, m;
  uint a_offset, a_stride, b_offset, b_stride, y_offset, y_stride;
  uint operation;  // 0 add, 1 mul, 2 silu, 3 gelu (erf), 4 gelu (tanh), 5 swiglu
} args;
layout(std430, set = 0, binding = 0) readonly buffer A { float a[]; };
layout(std430, set = 0, binding = 1) readonly buffer B { float b[]; };
layout(std430, set = 0, binding = 2) buffer Y { float y[]; };

float silu(float v) { return v / (1.0 + exp(-v)); }
// Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7.
float erf_of(float v) {
  float t = 1.0 / (1.0 + 0.3275911 * abs(v));
  float poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return sign(v) * (1.0 - poly * exp(-v * v));
}
// tanh through one exponential that can't overflow.
float tanh_of(float v) {
  float e = exp(-2.0 * abs(v));
  return sign(v) * (1.0 - e) / (1.0 + e);
}

void main() {
  uint index = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  if (index >= args.m * args.columns) return;
  uint row = index / args.columns, column = index % args.columns;
  float left = a[args.a_offset + row * args.a_stride + column];
  uint b_at = args.b_offset + row * args.b_stride + column;
  float value;
  switch (args.operation) {
    case 0: value = left + b[b_at]; break;
    case 1: value = left * b[b_at]; break;
    case 2: value = silu(left); break;
    case 3: value = 0.5 * left * (1.0 + erf_of(left * 0.70710678118654752)); break;
    case 4: value = 0.5 * left * (1.0 + tanh_of(0.79788456080286536 * (left + 0.044715 * left * left * left))); break;
    default: value = silu(left) * b[b_at]; break;
  }
  y[args.y_offset + row * args.y_stride + column] = value;
}

#version 450
// One workgroup per (row, group of columns): RMS or layer normalisation.
#extension GL_GOOGLE_include_directive : require
#include "reduce.glsl"
layout(push_constant) uniform Args {
  uint group, m;
  uint x_offset, x_stride, y_offset, y_stride;
  uint layer_norm;  // 0: RMS
  float eps;
} args;
layout(std430, set = 0, binding = 0) readonly buffer X { float x[]; };
layout(std430, set = 0, binding = 1) readonly buffer Weight { float weight[]; };
layout(std430, set = 0, binding = 2) readonly buffer Bias { float bias[]; };
layout(std430, set = 0, binding = 3) buffer Y { float y[]; };

void main() {
  uint row = gl_WorkGroupID.y, lane = gl_LocalInvocationID.x;
  uint from = args.x_offset + row * args.x_stride + gl_WorkGroupID.x * args.group;
  uint to = args.y_offset + row * args.y_stride + gl_WorkGroupID.x * args.group;
  float mean = 0.0;
  if (args.layer_norm != 0) {
    float sum = 0.0;
    for (uint c = lane; c < args.group; c += LOCAL) sum += x[from + c];
    mean = lanes_sum(sum) / float(args.group);
  }
  float squares = 0.0;
  for (uint c = lane; c < args.group; c += LOCAL) {
    float value = x[from + c] - mean;
    squares += value * value;
  }
  float factor = 1.0 / sqrt(lanes_sum(squares) / float(args.group) + args.eps);
  for (uint c = lane; c < args.group; c += LOCAL) {
    float value = (x[from + c] - mean) * factor * weight[c];
    y[to + c] = args.layer_norm != 0 ? value + bias[c] : value;
  }
}

#version 450
#extension GL_GOOGLE_include_directive : require
#include "reduce.glsl"
layout(push_constant) uniform Args { uint columns, x_offset, x_stride, y_offset, y_stride; } args;
layout(std430, set = 0, binding = 0) readonly buffer X { float x[]; };
layout(std430, set = 0, binding = 1) buffer Y { float y[]; };

void main() {
  uint from = args.x_offset + gl_WorkGroupID.x * args.x_stride, lane = gl_LocalInvocationID.x;
  float squares = 0.0;
  for (uint c = lane; c < args.columns; c += LOCAL) squares += x[from + c] * x[from + c];
  float factor = 1.0 / max(sqrt(lanes_sum(squares)), 1e-12);
  uint to = args.y_offset + gl_WorkGroupID.x * args.y_stride;
  for (uint c = lane; c < args.columns; c += LOCAL) y[to + c] = x[from + c] * factor;
}

#version 450
#extension GL_GOOGLE_include_directive : require
layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LOCAL = 32;
layout(push_constant) uniform Args { uint columns, x_offset, x_stride, part; } args;
layout(std430, set = 0, binding = 0) readonly buffer X { float x[]; };
layout(std430, set = 0, binding = 1) writeonly buffer Values { float values[]; };
layout(std430, set = 0, binding = 2) writeonly buffer Indices { uint indices[]; };
#include "argmax.glsl"

void main() {
  uint lane = gl_LocalInvocationID.x, row = gl_WorkGroupID.y;
  uint from = args.x_offset + row * args.x_stride;
  uint first = gl_WorkGroupID.x * args.part, end = min(first + args.part, args.columns);
  float value = -3.4e38;
  uint index = first;
  for (uint c = first + lane; c < end; c += LOCAL) {
    float candidate = x[from + c];
    if (candidate > value) value = candidate, index = c;
  }
  best_value[lane] = value;
  best_index[lane] = index;
  reduce_best(lane);
  if (lane == 0) {
    uint at = row * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    values[at] = best_value[0];
    indices[at] = best_index[0];
  }
}

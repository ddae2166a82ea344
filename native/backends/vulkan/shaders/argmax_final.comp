#version 450
#extension GL_GOOGLE_include_directive : require
layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LOCAL = 32;
// The token goes to the host, and to where the next step reads its input: a step may follow without the host.
layout(push_constant) uniform Args {
  uint parts;
  uint step_tokens;  // 0: no step follows
} args;
layout(std430, set = 0, binding = 0) readonly buffer Values { float values[]; };
layout(std430, set = 0, binding = 1) readonly buffer Indices { uint indices[]; };
layout(std430, set = 0, binding = 2) writeonly buffer Tokens { uint tokens[]; };
layout(std430, set = 0, binding = 3) writeonly buffer Inputs { uint inputs[]; };
layout(std430, set = 0, binding = 4) buffer Step { uint past; } step_state;
#include "argmax.glsl"

void main() {
  uint lane = gl_LocalInvocationID.x, row = gl_WorkGroupID.x;
  float value = -3.4e38;
  uint index = 0xffffffffu;
  for (uint p = lane; p < args.parts; p += LOCAL) {
    float candidate = values[row * args.parts + p];
    uint at = indices[row * args.parts + p];
    if (candidate > value || (candidate == value && at < index)) value = candidate, index = at;
  }
  best_value[lane] = value;
  best_index[lane] = index;
  reduce_best(lane);
  if (lane != 0) return;
  tokens[row] = best_index[0];
  if (args.step_tokens == 0) return;
  inputs[row] = best_index[0];
  if (row == 0) step_state.past += args.step_tokens;
}

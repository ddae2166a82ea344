#version 450
// out[m] (+)= table[row(m)]: one invocation per four columns. Rows outside [first_row, first_row + rows) belong to
// another chunk of the table and are left alone.
#extension GL_GOOGLE_include_directive : require
layout(local_size_x_id = 0) in;
layout(push_constant) uniform Args {
  uint columns, m, first_row, rows;
  uint out_offset, out_stride, quant_words, scale_words;
  uint mode;        // row is 0: the token id; 1: past + position in the step; 2: row 0
  uint accumulate;
  uint step_tokens; // T
} args;
#define QUANTS_BINDING 1
#define SCALES_BINDING 2
layout(std430, set = 0, binding = 0) readonly buffer Tokens { uint tokens[]; };
layout(std430, set = 0, binding = 3) buffer Out { vec4 out4[]; };
layout(std430, set = 0, binding = 4) readonly buffer Step { uint past; } step_state;
#include "format.glsl"

void main() {
  uint quads = args.columns / 4;
  uint index = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  if (index >= args.m * quads) return;
  uint m = index / quads, quad = index % quads;
  uint row = args.mode == 0 ? tokens[m]
           : args.mode == 1 ? step_state.past + m % args.step_tokens : 0;
  if (row < args.first_row || row >= args.first_row + args.rows) return;
  Block block = block_load(row - args.first_row, quad / 8);
  vec4 value = block_weights(block, quad % 8);
  uint at = (args.out_offset + m * args.out_stride) / 4 + quad;
  out4[at] = args.accumulate != 0 ? out4[at] + value : value;
}

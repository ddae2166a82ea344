#version 450
// Rows of a sequence to one row: the last, the first, or the mean.
layout(local_size_x_id = 0) in;
layout(push_constant) uniform Args {
  uint columns, sequences, step_tokens;
  uint x_offset, x_stride, y_offset, y_stride;
  uint mode;  // 0 last, 1 first, 2 mean
} args;
layout(std430, set = 0, binding = 0) readonly buffer X { float x[]; };
layout(std430, set = 0, binding = 1) writeonly buffer Y { float y[]; };

void main() {
  uint index = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  if (index >= args.sequences * args.columns) return;
  uint sequence = index / args.columns, column = index % args.columns;
  uint first = args.x_offset + sequence * args.step_tokens * args.x_stride + column;
  float value = 0.0;
  if (args.mode == 2) {
    for (uint t = 0; t < args.step_tokens; ++t) value += x[first + t * args.x_stride];
    value /= float(args.step_tokens);
  } else {
    value = x[first + (args.mode == 0 ? args.step_tokens - 1 : 0) * args.x_stride];
  }
  y[args.y_offset + sequence * args.y_stride + column] = value;
}

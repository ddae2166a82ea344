#version 450
// Prefill, and decode on devices whose lanes read rows cheaply: every invocation makes ROWS rows of W times
// COLUMNS rows of x in registers. Neighbours make neighbouring rows and read the same x: no shared
// memory, no barrier; a weight is dequantised once per COLUMNS and x is read once per ROWS.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LOCAL = 32;
layout(constant_id = 2) const uint ROWS = 1;
layout(constant_id = 3) const uint COLUMNS = 8;
#include "linear_args.glsl"
#include "format.glsl"

void main() {
  uint row0 = (gl_WorkGroupID.x * LOCAL + gl_LocalInvocationID.x) * ROWS;
  uint column0 = gl_WorkGroupID.y * COLUMNS;
  float sums[ROWS * COLUMNS];
  [[unroll]] for (uint i = 0; i < ROWS * COLUMNS; ++i) sums[i] = 0.0;
  uint x_at[COLUMNS];
  [[unroll]] for (uint c = 0; c < COLUMNS; ++c)
    x_at[c] = (args.x_offset + min(column0 + c, args.m - 1) * args.x_stride) / 4;

  uint blocks = args.k / 32;
  for (uint b = 0; b < blocks; ++b) {
    Block block[ROWS];
    [[unroll]] for (uint r = 0; r < ROWS; ++r) block[r] = block_load(min(row0 + r, args.rows - 1), b);
    [[unroll]] for (uint i = 0; i < 8; ++i) {
      vec4 w[ROWS];
      [[unroll]] for (uint r = 0; r < ROWS; ++r) w[r] = block_weights(block[r], i);
      [[unroll]] for (uint c = 0; c < COLUMNS; ++c) {
        vec4 x = x4[x_at[c] + b * 8 + i];
        [[unroll]] for (uint r = 0; r < ROWS; ++r) sums[r * COLUMNS + c] += dot(w[r], x);
      }
    }
  }
  [[unroll]] for (uint r = 0; r < ROWS; ++r)
    [[unroll]] for (uint c = 0; c < COLUMNS; ++c)
      if (row0 + r < args.rows && column0 + c < args.m) store(row0 + r, column0 + c, sums[r * COLUMNS + c]);
}

#version 450
// Decode: LANES invocations share a row of W and stride over its blocks; every block is dequantised
// once for ROWS x COLUMNS sums.
#extension GL_GOOGLE_include_directive : require
#include "reduce.glsl"
#include "linear_args.glsl"
#include "format.glsl"
layout(constant_id = 2) const uint ROWS = 1;
layout(constant_id = 3) const uint COLUMNS = 1;

void main() {
  uint lane = gl_LocalInvocationID.x % LANES;
  uint group = gl_WorkGroupID.x * (LOCAL / LANES) + gl_LocalInvocationID.x / LANES;
  uint row0 = group * ROWS;
  float sums[ROWS * COLUMNS];
  for (uint i = 0; i < ROWS * COLUMNS; ++i) sums[i] = 0.0;

  uint blocks = args.k / 32;
  for (uint b = lane; b < blocks; b += LANES) {
    for (uint r = 0; r < ROWS; ++r) {
      Block block = block_load(min(row0 + r, args.rows - 1), b);
      for (uint i = 0; i < 8; ++i) {
        vec4 w = block_weights(block, i);
        for (uint c = 0; c < COLUMNS; ++c) {
          uint at = (args.x_offset + c * args.x_stride) / 4 + b * 8 + i;
          sums[r * COLUMNS + c] += dot(w, x4[at]);
        }
      }
    }
  }
  for (uint r = 0; r < ROWS; ++r)
    for (uint c = 0; c < COLUMNS; ++c) {
      float sum = lanes_sum(sums[r * COLUMNS + c]);
      if (lane == 0 && row0 + r < args.rows && c < args.m) store(row0 + r, c, sum);
    }
}

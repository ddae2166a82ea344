#version 450
// Prefill on wide hardware: a workgroup dequantises one block (32 columns) of LANES x ROWS rows of W and the
// same part of LOCAL / LANES x COLUMNS rows of x into shared memory, and each invocation makes
// ROWS x COLUMNS products of it in registers. W is read once per tile of x.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LOCAL = 64;
layout(constant_id = 1) const uint LANES = 8;
layout(constant_id = 2) const uint ROWS = 8;
layout(constant_id = 3) const uint COLUMNS = 4;
#include "linear_args.glsl"
#include "format.glsl"

const uint TILE_ROWS = LANES * ROWS;
const uint TILE_COLUMNS = LOCAL / LANES * COLUMNS;
// By quads of the block first: neighbours write and read neighbouring vectors.
shared vec4 tile_w[8 * TILE_ROWS];
shared vec4 tile_x[8 * TILE_COLUMNS];

void main() {
  uint id = gl_LocalInvocationID.x;
  uint row0 = gl_WorkGroupID.x * TILE_ROWS, column0 = gl_WorkGroupID.y * TILE_COLUMNS;
  uint row = id % LANES, column = id / LANES;
  float sums[ROWS * COLUMNS];
  [[unroll]] for (uint i = 0; i < ROWS * COLUMNS; ++i) sums[i] = 0.0;

  uint blocks = args.k / 32;
  for (uint b = 0; b < blocks; ++b) {
    for (uint r = id; r < TILE_ROWS; r += LOCAL) {
      Block block = block_load(min(row0 + r, args.rows - 1), b);
      [[unroll]] for (uint i = 0; i < 8; ++i) tile_w[i * TILE_ROWS + r] = block_weights(block, i);
    }
    for (uint t = id; t < 8 * TILE_COLUMNS; t += LOCAL) {
      uint from = args.x_offset + min(column0 + t / 8, args.m - 1) * args.x_stride;
      tile_x[t % 8 * TILE_COLUMNS + t / 8] = x4[from / 4 + b * 8 + t % 8];
    }
    barrier();
    [[unroll]] for (uint i = 0; i < 8; ++i) {
      vec4 x[COLUMNS];
      [[unroll]] for (uint c = 0; c < COLUMNS; ++c) x[c] = tile_x[i * TILE_COLUMNS + column + c * (LOCAL / LANES)];
      [[unroll]] for (uint r = 0; r < ROWS; ++r) {
        vec4 w = tile_w[i * TILE_ROWS + row + r * LANES];
        [[unroll]] for (uint c = 0; c < COLUMNS; ++c) sums[r * COLUMNS + c] += dot(w, x[c]);
      }
    }
    barrier();
  }
  [[unroll]] for (uint r = 0; r < ROWS; ++r)
    [[unroll]] for (uint c = 0; c < COLUMNS; ++c) {
      uint to_row = row0 + row + r * LANES, to_column = column0 + column + c * (LOCAL / LANES);
      if (to_row < args.rows && to_column < args.m) store(to_row, to_column, sums[r * COLUMNS + c]);
    }
}

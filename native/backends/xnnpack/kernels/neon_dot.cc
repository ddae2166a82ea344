// The kernels for 64-bit Arm with the int8 dot product (Armv8.2 "dotprod", compiled with that
// flag).
#include "backends/xnnpack/kernels/kernels.h"
#include "backends/xnnpack/kernels/simd.h"
#define NPB_KERNELS_NAME "neondot"
#define NPB_KERNELS_TABLE kKernelsNeonDot
#define NPB_KERNELS_BLOCKS
#include "backends/xnnpack/kernels/blocks_arm.inc"
#include "backends/xnnpack/kernels/blocks_dot_row.inc"
#include "backends/xnnpack/kernels/blocks_dot_tile.inc"
#include "backends/xnnpack/kernels/blocks_product_arm.inc"
#include "backends/xnnpack/kernels/panels.inc"
#include "backends/xnnpack/kernels/rows.inc"
#include "backends/xnnpack/kernels/table.inc"

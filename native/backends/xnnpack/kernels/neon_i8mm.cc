// The kernels for 64-bit Arm with the int8 matrix multiply (Armv8.6 "i8mm" beside "dotprod",
// compiled with those flags): one row by dot products, more by matrix multiplies.
#include "backends/xnnpack/kernels/kernels.h"
#include "backends/xnnpack/kernels/simd.h"
#define NPB_KERNELS_NAME "neoni8mm"
#define NPB_KERNELS_TABLE kKernelsNeonI8mm
#define NPB_KERNELS_BLOCKS
#include "backends/xnnpack/kernels/blocks_arm.inc"
#include "backends/xnnpack/kernels/blocks_dot_row.inc"
#include "backends/xnnpack/kernels/blocks_i8mm.inc"
#include "backends/xnnpack/kernels/blocks_product_arm.inc"
#include "backends/xnnpack/kernels/panels.inc"
#include "backends/xnnpack/kernels/rows.inc"
#include "backends/xnnpack/kernels/table.inc"

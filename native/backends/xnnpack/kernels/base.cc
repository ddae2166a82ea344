// The kernels for the compiler's default target: any x86-64, or NEON on 64-bit Arm.
#include "backends/xnnpack/kernels/kernels.h"
#include "backends/xnnpack/kernels/simd.h"
#define NPB_KERNELS_NAME "base"
#define NPB_KERNELS_TABLE kKernelsBase
#if defined(__aarch64__)
#define NPB_KERNELS_BLOCKS
#include "backends/xnnpack/kernels/blocks_arm.inc"
#include "backends/xnnpack/kernels/blocks_mlal.inc"
#include "backends/xnnpack/kernels/blocks_product_arm.inc"
#endif
#include "backends/xnnpack/kernels/panels.inc"
#include "backends/xnnpack/kernels/rows.inc"
#include "backends/xnnpack/kernels/table.inc"

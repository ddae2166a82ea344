// The kernels for the compiler's default target: any x86-64, or NEON on 64-bit Arm.
#include "backends/xnnpack/kernels/kernels.h"
#include "backends/xnnpack/kernels/simd.h"
#define NPB_KERNELS_NAME "base"
#define NPB_KERNELS_TABLE kKernelsBase
#include "backends/xnnpack/kernels/panels.inc"
#include "backends/xnnpack/kernels/rows.inc"
#include "backends/xnnpack/kernels/table.inc"

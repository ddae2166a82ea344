// The kernels for AVX-512 F, BW, DQ and VL (compiled with those flags).
#include "backends/xnnpack/kernels/kernels.h"
#include "backends/xnnpack/kernels/simd.h"
#define NPB_KERNELS_NAME "avx512"
#define NPB_KERNELS_TABLE kKernelsAvx512
#define NPB_KERNELS_BLOCKS
#include "backends/xnnpack/kernels/blocks_avx2.inc"
#include "backends/xnnpack/kernels/panels.inc"
#include "backends/xnnpack/kernels/rows.inc"
#include "backends/xnnpack/kernels/table.inc"

// The kernels for AVX-512 with VNNI's int8 dot products (compiled with those flags).
#include "backends/xnnpack/kernels/kernels.h"
#include "backends/xnnpack/kernels/simd.h"
#define NPB_KERNELS_NAME "avx512vnni"
#define NPB_KERNELS_TABLE kKernelsAvx512Vnni
#define NPB_KERNELS_BLOCKS
#define NPB_KERNELS_CHANNELS
#include "backends/xnnpack/kernels/attend_int16.inc"
#include "backends/xnnpack/kernels/blocks_vnni.inc"
#include "backends/xnnpack/kernels/channels_vnni.inc"
#include "backends/xnnpack/kernels/panels.inc"
#include "backends/xnnpack/kernels/rows.inc"
#include "backends/xnnpack/kernels/table.inc"

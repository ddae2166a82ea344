// Arguments travel as one block of 32-bit words, in the order that backends/gpu/emit.cc writes them.
typedef struct { uint w[24]; } Push;

// Sums in arrays stay in registers only where these loops are gone before registers are given out; PoCL must be told.
#define UNROLL _Pragma("unroll")

uint flat_index(void) {
  return (get_group_id(1) * get_num_groups(0) + get_group_id(0)) * get_local_size(0) + get_local_id(0);
}

// Sums and maxima over `lanes` neighbouring work-items; lanes is a power of two.
#if defined(SHUFFLE_KHR) || defined(SHUFFLE_QCOM)
// A subgroup exchanges registers; only what is left of its sums goes through local memory. Its width is never assumed.
#pragma OPENCL EXTENSION cl_khr_subgroups : enable
#ifdef SHUFFLE_QCOM
#pragma OPENCL EXTENSION cl_qcom_subgroup_shuffle : enable
#define EXCHANGE(value, mask) qcom_sub_group_shuffle_xor(value, mask, CLK_SUB_GROUP_SHUFFLE_WIDTH_WAVE_SIZE_QCOM, 0.0f)
#else
#pragma OPENCL EXTENSION cl_khr_subgroup_shuffle : enable
#define EXCHANGE(value, mask) sub_group_shuffle_xor(value, mask)
#endif
#define REDUCE(name, both)                                                           \
  float name(local float* scratch, float value, uint lanes) {                        \
    uint id = get_local_id(0), width = min(lanes, (uint)get_sub_group_size());       \
    for (uint step = width / 2; step > 0; step /= 2) {                               \
      float other = EXCHANGE(value, step);                                           \
      value = both(value, other);                                                    \
    }                                                                                \
    if (width == lanes) return value;                                                \
    if (id % width == 0) scratch[id / width] = value;                                \
    barrier(CLK_LOCAL_MEM_FENCE);                                                    \
    uint first = (id - id % lanes) / width;                                          \
    value = scratch[first];                                                          \
    for (uint i = 1; i < lanes / width; ++i) value = both(value, scratch[first + i]); \
    barrier(CLK_LOCAL_MEM_FENCE);                                                    \
    return value;                                                                    \
  }
#else
#define REDUCE(name, both)                                                           \
  float name(local float* scratch, float value, uint lanes) {                        \
    uint id = get_local_id(0);                                                       \
    scratch[id] = value;                                                             \
    barrier(CLK_LOCAL_MEM_FENCE);                                                    \
    for (uint step = lanes / 2; step > 0; step /= 2) {                               \
      if (id % lanes < step) scratch[id] = both(scratch[id], scratch[id + step]);    \
      barrier(CLK_LOCAL_MEM_FENCE);                                                  \
    }                                                                                \
    value = scratch[id - id % lanes];                                                \
    barrier(CLK_LOCAL_MEM_FENCE);                                                    \
    return value;                                                                    \
  }
#endif
#define ADD(a, b) ((a) + (b))
REDUCE(lanes_sum, ADD)
REDUCE(lanes_max, fmax)

float sum16(float16 v) {
  float8 a = v.lo + v.hi;
  float4 b = a.lo + a.hi;
  float2 c = b.lo + b.hi;
  return c.x + c.y;
}

// Halves as PoCL converts them cost it more than the arithmetic on them (it has no hardware form in its built-in library).
#ifdef PROCESSOR
float16 halves(ushort16 bits) {
  uint16 h = convert_uint16(bits);
  uint16 magnitude = as_uint16(as_float16((h & 0x7fffu) << 13) * 0x1p112f);  // subnormals come out right, too
  magnitude = select(magnitude, (h & 0x3ffu) << 13 | 0x7f800000u, (h & 0x7c00u) == 0x7c00u);
  return as_float16((h & 0x8000u) << 16 | magnitude);
}
float half_at(global const void* base, uint index) {
  uint h = ((global const ushort*)base)[index];
  uint magnitude = as_uint(as_float((h & 0x7fffu) << 13) * 0x1p112f);
  if ((h & 0x7c00u) == 0x7c00u) magnitude = (h & 0x3ffu) << 13 | 0x7f800000u;
  return as_float((h & 0x8000u) << 16 | magnitude);
}
#else
float half_at(global const void* base, uint index) { return vload_half(index, (global const half*)base); }
#ifdef cl_khr_fp16
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
float16 halves(ushort16 bits) { return convert_float16(as_half16(bits)); }
float pair_sum(half2 pair) { return convert_float(pair.x) + convert_float(pair.y); }
#else
float16 halves(ushort16 bits) { return vload_half16(0, (private const half*)&bits); }
#endif
#endif

typedef struct { float16 lo, hi; } Block;  // 32 weights

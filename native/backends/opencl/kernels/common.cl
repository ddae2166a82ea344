// Arguments travel as one block of 32-bit words, in the order that backends/gpu/emit.cc writes them.
typedef struct { uint w[24]; } Push;

uint flat_index(void) {
  return (get_group_id(1) * get_num_groups(0) + get_group_id(0)) * get_local_size(0) + get_local_id(0);
}

// Sums and maxima over `lanes` neighbouring work-items through local memory; lanes is a power of two.
float lanes_sum(local float* scratch, float value, uint lanes) {
  uint id = get_local_id(0);
  scratch[id] = value;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint step = lanes / 2; step > 0; step /= 2) {
    if (id % lanes < step) scratch[id] += scratch[id + step];
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  float sum = scratch[id - id % lanes];
  barrier(CLK_LOCAL_MEM_FENCE);
  return sum;
}
float lanes_max(local float* scratch, float value, uint lanes) {
  uint id = get_local_id(0);
  scratch[id] = value;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint step = lanes / 2; step > 0; step /= 2) {
    if (id % lanes < step) scratch[id] = fmax(scratch[id], scratch[id + step]);
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  float top = scratch[id - id % lanes];
  barrier(CLK_LOCAL_MEM_FENCE);
  return top;
}

float sum16(float16 v) {
  float8 a = v.lo + v.hi;
  float4 b = a.lo + a.hi;
  float2 c = b.lo + b.hi;
  return c.x + c.y;
}

// Blocks of 32 weights: two float16. Layouts: backends/gpu/device.h, Format.
typedef struct { float16 lo, hi; } Block;
#define HALF(base, index) vload_half(index, (global const half*)(base))

Block load_f32(global const uint* q, global const uint* s, uint row, uint b, uint qw, uint sw) {
  global const float* w = (global const float*)(q + (size_t)row * qw + b * 32);
  Block k = {vload16(0, w), vload16(1, w)};
  return k;
}
Block load_f16(global const uint* q, global const uint* s, uint row, uint b, uint qw, uint sw) {
  global const half* w = (global const half*)(q + (size_t)row * qw + b * 16);
  Block k = {vload_half16(0, w), vload_half16(1, w)};
  return k;
}
Block load_bf16(global const uint* q, global const uint* s, uint row, uint b, uint qw, uint sw) {
  global const ushort* w = (global const ushort*)(q + (size_t)row * qw + b * 16);
  Block k = {as_float16(convert_uint16(vload16(0, w)) << 16), as_float16(convert_uint16(vload16(1, w)) << 16)};
  return k;
}
Block load_q8(global const uint* q, global const uint* s, uint row, uint b, uint qw, uint sw) {
  global const char* w = (global const char*)(q + (size_t)row * qw + b * 8);
  float scale = HALF(s + (size_t)row * sw, b);
  Block k = {convert_float16(vload16(0, w)) * scale, convert_float16(vload16(1, w)) * scale};
  return k;
}
Block load_q8_min(global const uint* q, global const uint* s, uint row, uint b, uint qw, uint sw) {
  global const char* w = (global const char*)(q + (size_t)row * qw + b * 8);
  float scale = HALF(s + (size_t)row * sw, 2 * b), minimum = HALF(s + (size_t)row * sw, 2 * b + 1);
  Block k = {convert_float16(vload16(0, w)) * scale + minimum, convert_float16(vload16(1, w)) * scale + minimum};
  return k;
}
Block nibbles(global const uint* words, float scale, float minimum) {
  uchar16 v = vload16(0, (global const uchar*)words);
  Block k = {convert_float16(v & (uchar)15) * scale + minimum, convert_float16(v >> (uchar)4) * scale + minimum};
  return k;
}
Block load_q4(global const uint* q, global const uint* s, uint row, uint b, uint qw, uint sw) {
  float scale = HALF(s + (size_t)row * sw, b);
  return nibbles(q + (size_t)row * qw + b * 4, scale, -8.0f * scale);
}
Block load_q4_min(global const uint* q, global const uint* s, uint row, uint b, uint qw, uint sw) {
  return nibbles(q + (size_t)row * qw + b * 4, HALF(s + (size_t)row * sw, 2 * b), HALF(s + (size_t)row * sw, 2 * b + 1));
}
Block load_q4_k(global const uint* q, global const uint* s, uint row, uint b, uint qw, uint sw) {
  global const uint* block = s + (size_t)row * sw + b / 8 * 5;
  global const uchar* bytes = (global const uchar*)(block + 1);
  float scale = HALF(block, 0) * (float)bytes[b % 8], minimum = -HALF(block, 1) * (float)bytes[8 + b % 8];
  return nibbles(q + (size_t)row * qw + b * 4, scale, minimum);
}
Block load_q8_k(global const uint* q, global const uint* s, uint row, uint b, uint qw, uint sw) {
  global const char* w = (global const char*)(q + (size_t)row * qw + b * 8);
  global const uint* block = s + (size_t)row * sw + b / 8 * 9;
  global const char* bytes = (global const char*)(block + 1) + 2 * (b % 8);
  float d = HALF(block, 0), dmin = -HALF(block, 1);
  Block k = {convert_float16(vload16(0, w)) * (d * (float)bytes[0]) + dmin * (float)bytes[16],
             convert_float16(vload16(1, w)) * (d * (float)bytes[1]) + dmin * (float)bytes[17]};
  return k;
}

#include "backends/gpu/superblocks.h"

#include <cstring>

namespace npb::gpu {
namespace {

uint32_t half_bits(const uint8_t* p) { return static_cast<uint32_t>(p[0] | p[1] << 8); }

/// The 12 bytes that hold eight 6-bit scales and eight 6-bit minimums (Q4_K, Q5_K); each counts for
/// 32 weights, so for two entries.
void read_scales_6bit(const uint8_t* packed, Superblock& out) {
  for (int j = 0; j < 8; ++j) {
    int scale, min;
    if (j < 4) {
      scale = packed[j] & 63;
      min = packed[j + 4] & 63;
    } else {
      scale = (packed[j + 4] & 15) | (packed[j - 4] >> 6) << 4;
      min = (packed[j + 4] >> 4) | (packed[j] >> 6) << 4;
    }
    out.scales[2 * j] = out.scales[2 * j + 1] = static_cast<int8_t>(scale);
    out.mins[2 * j] = out.mins[2 * j + 1] = static_cast<int8_t>(min);
  }
}

/// Two bits per weight as Q2_K and Q3_K order them: half n (128 weights), plane j, byte l.
int two_bits(const uint8_t* qs, int n, int j, int l) { return qs[n * 32 + l] >> (2 * j) & 3; }

}  // namespace

void read_q2_k(const uint8_t* block, Superblock& out) {  // scales[16], qs[64], d, dmin
  for (int i = 0; i < 16; ++i) {
    out.scales[i] = static_cast<int8_t>(block[i] & 15);
    out.mins[i] = static_cast<int8_t>(block[i] >> 4);
  }
  for (int n = 0; n < 2; ++n)
    for (int j = 0; j < 4; ++j)
      for (int l = 0; l < 32; ++l)
        out.q[n * 128 + j * 32 + l] = static_cast<int8_t>(two_bits(block + 16, n, j, l));
  out.d = half_bits(block + 80);
  out.dmin = half_bits(block + 82);
}

void read_q3_k(const uint8_t* block, Superblock& out) {  // hmask[32], qs[64], scales[12], d
  const uint8_t* packed = block + 96;
  for (int i = 0; i < 16; ++i) {
    const int low = i < 8 ? packed[i] & 15 : packed[i - 8] >> 4;
    const int high = packed[8 + i % 4] >> (2 * (i / 4)) & 3;
    out.scales[i] = static_cast<int8_t>((low | high << 4) - 32);
    out.mins[i] = 0;
  }
  for (int n = 0; n < 2; ++n)
    for (int j = 0; j < 4; ++j)
      for (int l = 0; l < 32; ++l) {
        const bool high = block[l] >> (n * 4 + j) & 1;
        out.q[n * 128 + j * 32 + l] =
            static_cast<int8_t>(two_bits(block + 32, n, j, l) - (high ? 0 : 4));
      }
  out.d = half_bits(block + 108);
  out.dmin = 0;
}

void read_q4_k(const uint8_t* block, Superblock& out) {  // d, dmin, scales[12], qs[128]
  out.d = half_bits(block);
  out.dmin = half_bits(block + 2);
  read_scales_6bit(block + 4, out);
  for (int j = 0; j < 4; ++j)
    for (int l = 0; l < 32; ++l) {
      const uint8_t byte = block[16 + j * 32 + l];
      out.q[j * 64 + l] = static_cast<int8_t>(byte & 15);
      out.q[j * 64 + 32 + l] = static_cast<int8_t>(byte >> 4);
    }
}

void read_q5_k(const uint8_t* block, Superblock& out) {  // d, dmin, scales[12], qh[32], qs[128]
  out.d = half_bits(block);
  out.dmin = half_bits(block + 2);
  read_scales_6bit(block + 4, out);
  const uint8_t* high = block + 16;
  for (int j = 0; j < 4; ++j)
    for (int l = 0; l < 32; ++l) {
      const uint8_t byte = block[48 + j * 32 + l];
      out.q[j * 64 + l] = static_cast<int8_t>((byte & 15) | (high[l] >> (2 * j) & 1) << 4);
      out.q[j * 64 + 32 + l] = static_cast<int8_t>((byte >> 4) | (high[l] >> (2 * j + 1) & 1) << 4);
    }
}

void read_q6_k(const uint8_t* block, Superblock& out) {  // ql[128], qh[64], scales[16] signed, d
  std::memcpy(out.scales, block + 192, 16);
  std::memset(out.mins, 0, 16);
  for (int n = 0; n < 2; ++n) {
    const uint8_t* low = block + n * 64;
    const uint8_t* high = block + 128 + n * 32;
    int8_t* q = out.q + n * 128;
    for (int l = 0; l < 32; ++l) {
      q[l] = static_cast<int8_t>(((low[l] & 15) | (high[l] & 3) << 4) - 32);
      q[l + 32] = static_cast<int8_t>(((low[l + 32] & 15) | (high[l] >> 2 & 3) << 4) - 32);
      q[l + 64] = static_cast<int8_t>(((low[l] >> 4) | (high[l] >> 4 & 3) << 4) - 32);
      q[l + 96] = static_cast<int8_t>(((low[l + 32] >> 4) | (high[l] >> 6 & 3) << 4) - 32);
    }
  }
  out.d = half_bits(block + 208);
  out.dmin = 0;
}

}  // namespace npb::gpu

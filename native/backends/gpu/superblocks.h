// GGUF's 256-weight blocks (Q2_K to Q6_K) as plain integers: w = d * scale * q - dmin * min, with
// one scale and one minimum per 16 weights. Layouts: the block structures of ggml (ggml-common.h).
#pragma once

#include <cstdint>

namespace npb::gpu {

struct Superblock {
  int8_t q[256];
  int8_t scales[16];
  int8_t mins[16];
  uint32_t d = 0;     // half bits
  uint32_t dmin = 0;  // half bits; 0 for types without a minimum
};

void read_q2_k(const uint8_t* block, Superblock& out);
void read_q3_k(const uint8_t* block, Superblock& out);
void read_q4_k(const uint8_t* block, Superblock& out);
void read_q5_k(const uint8_t* block, Superblock& out);
void read_q6_k(const uint8_t* block, Superblock& out);

}  // namespace npb::gpu

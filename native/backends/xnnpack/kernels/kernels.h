// The hand-written inner loops of the CPU backend: what XNNPACK has no operator for (norms, RoPE,
// attention over a KV cache, activations in blocks of 32) and products on the block formats.
//
// One source, compiled once per instruction set; kernels() picks at run time. All pointers may be
// unaligned unless stated; rows are contiguous; no function allocates or keeps state.
#pragma once

#include <cstddef>
#include <cstdint>

namespace npb::cpu {

/// Output channels that lie side by side in a packed panel, and cached positions in a key panel.
constexpr size_t kPanel = 16;
/// Weights and activations of a quantised block share one scale.
constexpr size_t kBlock = 32;
/// Two blocks make one unit of the packed block formats, so that every unit is whole cache lines.
constexpr size_t kUnit = 64;

/// Rows quantised to int8 in blocks of 32: x ~ scale * q, |q| <= 127. `k` is padded to kUnit.
struct BlockRows {
  const int8_t* q = nullptr;        // [m][q_stride]
  const float* scale = nullptr;     // [m][block_stride]
  const float* sum = nullptr;       // [m][block_stride] scale * sum of q, for weights' minimums
  const int32_t* start8 = nullptr;  // [m][block_stride] -8 * sum of q: undoes 4-bit weights' offset
  const int32_t* start128 = nullptr;  // [m][block_stride] -128 * sum of q, for 8-bit weights
  size_t q_stride = 0;
  size_t block_stride = 0;
};

struct MutableBlockRows {
  int8_t* q;
  float* scale;
  float* sum;
  int32_t* start8;
  int32_t* start128;
};

/// Panels of 16 channels; per unit of 64 columns: the codes of block 0 and of block 1, 2 x 16 f16
/// scales, and (with minimum) 2 x 16 f16 minimums. Code c means: q4 scale * (c - 8), q8 scale * (c
/// - 128), q4_min and q8_min scale * c + minimum. A line of 64 bytes holds, channel after channel,
/// four columns' bytes (8-bit), or four columns in the low nibbles and the next four in the high
/// ones (4-bit).
enum class BlockFormat : uint8_t { q4, q4_min, q8, q8_min };

constexpr bool is_wide(BlockFormat f) { return f == BlockFormat::q8 || f == BlockFormat::q8_min; }
constexpr bool has_minimum(BlockFormat f) {
  return f == BlockFormat::q4_min || f == BlockFormat::q8_min;
}
/// Of one unit: its codes alone, and with its scales and minimums.
constexpr size_t codes_bytes(BlockFormat f) { return kPanel * kUnit / (is_wide(f) ? 1 : 2); }
constexpr size_t unit_bytes(BlockFormat f) {
  return codes_bytes(f) + 2 * kPanel * 2 * (has_minimum(f) ? 2 : 1);
}

struct BlockProduct {
  BlockFormat format;
  const uint8_t* panels;  // [n / 16][units][unit_bytes], 64-byte aligned
  size_t units;           // k padded / 64
  BlockRows rows;
  float* out;  // [m][out_stride]; whole panels are written
  size_t out_stride;
};

/// Rows quantised to int8 with one scale and zero point each: x ~ scale * (q - zero).
struct ChannelRows {
  const int8_t* q = nullptr;       // [m][q_stride], columns padded to a multiple of 4
  const float* scale = nullptr;    // [m]
  const float* zero = nullptr;     // [m] whole numbers
  const int32_t* start = nullptr;  // [m] -128 * sum of q: undoes the weights' offset
  size_t q_stride = 0;
};

/// Weights of int8 with one scale per output channel: scale * (code - 128). Panels [n / 16][k / 4
/// rounded up][16][4]; what pads k is code 128 or meets a zero.
struct ChannelProduct {
  const uint8_t* panels;  // 64-byte aligned
  size_t quads;           // k / 4, rounded up
  const float* scale;     // [n padded to 16]
  const float* sum;       // [n padded to 16] scale * sum of (code - 128): undoes the rows' zero
  ChannelRows rows;
  float* out;  // [m][out_stride]; whole panels are written
  size_t out_stride;
};

/// More columns could overflow the 32-bit sums of a ChannelProduct.
constexpr size_t kMostChannelColumns = 65536;

/// Dense panels: [n / 16][k][16] of f32 or f16.
struct PanelProduct {
  const void* panels;
  bool half;
  size_t k;
  const float* x;  // [m][x_stride]
  size_t x_stride;
  float* out;  // [m][out_stride]; whole panels are written
  size_t out_stride;
};

/// One run of query rows of one head against that head's keys and values.
struct Attend {
  const float* q;  // [rows][q_stride]
  size_t q_stride;
  float* out;  // [rows][out_stride]
  size_t out_stride;
  size_t rows;
  size_t head_dim;
  const void* keys;    // [positions / 16][head_dim][16], f16 or f32; finite everywhere
  const void* values;  // [positions][head_dim], padded to whole panels of positions
  bool half;
  size_t first_length;  // cached positions that row 0 may see
  size_t length_step;   // each next row sees so many more (causal 1, full or several heads 0)
  float scale;
  float* scratch;  // attend_scratch(...) floats
};

/// Query rows that one Attend should hold at most for best speed.
constexpr size_t kAttendRows = 12;
constexpr size_t attend_scratch(size_t positions) {
  return kAttendRows * ((positions + kPanel - 1) / kPanel * kPanel + kPanel);
}

/// Rows of one head of an encoder against all of their sequence's keys and values, which lie as the
/// products wrote them, row by row.
struct AttendAll {
  const float* q;  // the first of `rows` rows
  const float* k;  // [positions]
  const float* v;  // [positions]
  size_t q_stride, k_stride, v_stride;
  float* out;  // [rows][out_stride]
  size_t out_stride;
  size_t rows, positions, head_dim;
  float scale;
  void* scratch;  // attend_all_scratch(...) floats, 64-byte aligned
};
constexpr size_t attend_all_scratch(size_t positions, size_t head_dim) {
  return (positions + kPanel) * head_dim + attend_scratch(positions) + kAttendRows * head_dim;
}
/// What attend_all_int16 can do: beyond it, sums would need more than 32 bits.
constexpr bool attends_in_int16(size_t positions, size_t head_dim) {
  return positions <= 1024 && head_dim % 16 == 0 && head_dim <= 256;
}

struct Kernels {
  const char* name;

  /// Groups of `group` columns, all with the same weight [group].
  void (*rms_norm)(const float* x, const float* weight, float* out, size_t n, size_t group,
                   float eps);
  void (*layer_norm)(const float* x, const float* weight, const float* bias, float* out, size_t n,
                     float eps);
  void (*add)(const float* a, const float* b, float* out, size_t n);
  void (*mul)(const float* a, const float* b, float* out, size_t n);
  void (*silu)(const float* x, float* out, size_t n);
  void (*gelu)(const float* x, float* out, size_t n, bool tanh_form);
  void (*swiglu)(const float* gate, const float* up, float* out, size_t n);
  /// In place; `cos` and `sin` hold one value per pair.
  void (*rope)(float* x, const float* cos, const float* sin, size_t heads, size_t head_dim,
               size_t pairs, bool interleaved);
  size_t (*argmax)(const float* x, size_t n);

  /// One row to int8 blocks of 32; columns n..padded get zeros.
  void (*quantize_blocks)(const float* x, size_t n, size_t padded, const MutableBlockRows& out);
  /// One row to XNNPACK's per-row form: x ~ scale * (q - zero_point).
  void (*quantize_row)(const float* x, size_t n, int8_t* q, int32_t* zero_point, float* scale);

  /// Appends one token: keys go to column `position % 16` of their panel, values to their row.
  void (*store_key)(const float* k, size_t head_dim, void* keys, size_t position, bool half);
  void (*store_value)(const float* v, size_t head_dim, void* values, size_t position, bool half);
  void (*attend)(const Attend& work);
  void (*attend_all)(const AttendAll& work);

  /// Panels [begin, end) for m rows. Any m.
  void (*panel_product)(const PanelProduct& work, size_t begin, size_t end, size_t m);
  /// Null in x86-64's base set; XNNPACK's formats serve there.
  void (*block_product)(const BlockProduct& work, size_t begin, size_t end, size_t m);
  /// Null where there is none; the block formats serve there.
  void (*channel_product)(const ChannelProduct& work, size_t begin, size_t end, size_t m);
  /// One row of ChannelRows; columns n..padded get zeros. Null like channel_product.
  void (*quantize_channel_row)(const float* x, size_t n, size_t padded, int8_t* q, float* scale,
                               float* zero, int32_t* start);
  /// attend_all in 16-bit integers (normalised error about 2e-3). Null like
  /// channel_product.
  void (*attend_all_int16)(const AttendAll& work);
};

/// The best set for this machine. `name` (may be null) asks for a set by name: "base", "avx2",
/// "avx512", "avx512vnni", "neondot", "neoni8mm"; null is returned if this machine can't run it.
const Kernels* find_kernels(const char* name);
inline const Kernels& kernels() { return *find_kernels(nullptr); }

}  // namespace npb::cpu

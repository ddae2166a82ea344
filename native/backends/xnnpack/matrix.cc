#include "backends/xnnpack/matrix.h"

#include <algorithm>
#include <cmath>

namespace npb::cpu {

size_t BlockMatrix::bytes(BlockFormat format, size_t n, size_t k) {
  return round_up(n, kPanel) / kPanel * (round_up(k, kUnit) / kUnit) * unit_bytes(format);
}

BlockMatrix::BlockMatrix(const Kernels& kernels, BlockFormat format, size_t n, size_t k)
    : Matrix(n, k), kernels_(kernels), format_(format) {}

void BlockMatrix::multiply(const ProductInput& input, size_t row, size_t count, size_t begin,
                           size_t end, float* out, size_t out_stride) const {
  BlockRows rows = input.blocks;
  rows.q += row * rows.q_stride;
  rows.scale += row * rows.block_stride;
  rows.sum += row * rows.block_stride;
  rows.start8 += row * rows.block_stride;
  rows.start128 += row * rows.block_stride;
  kernels_.block_product({format_, panels_, units(), rows, out, out_stride}, begin, end, count);
}

const char* BlockMatrix::kernel() const {
  switch (format_) {
    case BlockFormat::q4:
      return "blocks_q4";
    case BlockFormat::q4_min:
      return "blocks_q4_minimum";
    case BlockFormat::q8:
      return "blocks_q8";
    case BlockFormat::q8_min:
      return "blocks_q8_minimum";
  }
  return "";
}

const char* BlockMatrix::compute_format() const {
  switch (format_) {
    case BlockFormat::q4:
      return "int4 in blocks of 32, int8 activations in blocks of 32";
    case BlockFormat::q4_min:
      return "int4 and minimum in blocks of 32, int8 activations in blocks of 32";
    case BlockFormat::q8:
      return "int8 in blocks of 32, int8 activations in blocks of 32";
    case BlockFormat::q8_min:
      return "int8 and minimum in blocks of 32, int8 activations in blocks of 32";
  }
  return "";
}

size_t ChannelMatrix::bytes(size_t n, size_t k) {
  const size_t panels = round_up(n, kPanel) / kPanel;
  return panels * ((k + 3) / 4 * 64 + 2 * kPanel * sizeof(float));
}

ChannelMatrix::ChannelMatrix(const Kernels& kernels, size_t n, size_t k)
    : Matrix(n, k), kernels_(kernels) {}

void ChannelMatrix::pack_panel(size_t panel, const float* weights, size_t rows) const {
  uint8_t* target = codes() + panel * quads() * 64;
  for (size_t channel = 0; channel < rows; ++channel) {
    const float* w = weights + channel * k();
    float peak = 0.0f;
    for (size_t i = 0; i < k(); ++i) peak = std::max(peak, std::fabs(w[i]));
    const float scale = peak / 127.0f, inverse = peak > 0.0f ? 127.0f / peak : 0.0f;
    int64_t sum = 0;
    for (size_t i = 0; i < k(); ++i) {
      const auto code = static_cast<int32_t>(std::nearbyint(w[i] * inverse));
      sum += code;
      target[(i / 4 * kPanel + channel) * 4 + i % 4] = static_cast<uint8_t>(code + 128);
    }
    scales()[panel * kPanel + channel] = scale;
    sums()[panel * kPanel + channel] = scale * static_cast<float>(sum);
  }
}

InputForms ChannelMatrix::input() const {
  InputForms forms;
  forms.channels = true;
  return forms;
}

void ChannelMatrix::multiply(const ProductInput& input, size_t row, size_t count, size_t begin,
                             size_t end, float* out, size_t out_stride) const {
  ChannelRows rows = input.channels;
  rows.q += row * rows.q_stride;
  rows.scale += row;
  rows.zero += row;
  rows.start += row;
  kernels_.channel_product({codes(), quads(), scales(), sums(), rows, out, out_stride}, begin, end,
                           count);
}

size_t DenseMatrix::bytes(bool half, size_t n, size_t k) {
  return round_up(n, kPanel) * k * (half ? 2 : 4);
}

DenseMatrix::DenseMatrix(const Kernels& kernels, bool half, size_t n, size_t k, bool of_sums)
    : Matrix(n, k), kernels_(kernels), half_(half), of_sums_(of_sums) {}

InputForms DenseMatrix::input() const {
  InputForms forms;
  (of_sums_ ? forms.sums : forms.floats) = true;
  return forms;
}

void DenseMatrix::multiply(const ProductInput& input, size_t row, size_t count, size_t begin,
                           size_t end, float* out, size_t out_stride) const {
  const float* x = of_sums_ ? input.sums : input.floats;
  const size_t stride = of_sums_ ? input.sum_stride : input.float_stride;
  kernels_.panel_product({panels_, half_, k(), x + row * stride, stride, out, out_stride}, begin,
                         end, count);
}

}  // namespace npb::cpu

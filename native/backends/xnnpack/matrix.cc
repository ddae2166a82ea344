#include "backends/xnnpack/matrix.h"

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

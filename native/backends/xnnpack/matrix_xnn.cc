#include "backends/xnnpack/matrix_xnn.h"

#include <xnnpack.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace npb::cpu {

Result<void> initialize_xnnpack() {
  static const xnn_status status = xnn_initialize(nullptr);
  if (status == xnn_status_success) return {};
  if (status == xnn_status_out_of_memory) {
    return Error{ErrorCode::out_of_memory,
                 "XNNPACK could not get memory to start: close other programs."};
  }
  return Error{ErrorCode::device_unavailable,
               "XNNPACK does not run on this processor (status " + std::to_string(status) +
                   "): use --precision f32 or f16, which don't need it."};
}

XnnMatrix::XnnMatrix(XnnFormat format, size_t n, size_t k, size_t slab_panels,
                     DenseMatrix* correction)
    : Matrix(n, k), format_(format), slab_panels_(slab_panels), correction_(correction) {
  slabs_.resize((panels() + slab_panels - 1) / slab_panels);
}

XnnMatrix::~XnnMatrix() {
  for (Slab& slab : slabs_) {
    if (slab.op != nullptr) xnn_delete_operator(slab.op);
  }
}

size_t XnnMatrix::slab_rows(size_t slab) const {
  return std::min(n() - slab_begin(slab), slab_panels_ * kPanel);
}

Result<void> XnnMatrix::pack(size_t slab, const void* weights, const void* scales) {
  const float low = -INFINITY, high = INFINITY;
  const size_t rows = slab_rows(slab), stride = panels() * kPanel;
  xnn_operator** op = &slabs_[slab].op;
  xnn_status status = xnn_status_invalid_state;
  switch (format_) {
    case XnnFormat::qc8w:
      status = xnn_create_fully_connected_nc_qd8_f32_qc8w(
          k(), rows, k(), stride, static_cast<const float*>(scales),
          static_cast<const int8_t*>(weights), nullptr, low, high, 0, nullptr, nullptr, op);
      break;
    case XnnFormat::qb4w:
      status = xnn_create_fully_connected_nc_qd8_f32_qb4w(
          k(), rows, k(), stride, kBlock, 8, static_cast<const uint16_t*>(scales), weights, nullptr,
          low, high, 0, nullptr, nullptr, op);
      break;
  }
  if (status == xnn_status_success) return {};
  if (status == xnn_status_out_of_memory) {
    return Error{
        ErrorCode::out_of_memory,
        "The system refused memory for packed weights: use a smaller model or quantization."};
  }
  return Error{ErrorCode::unsupported, "XNNPACK refused a matrix of " + std::to_string(rows) +
                                           " x " + std::to_string(k()) + " in format " + kernel() +
                                           " (status " + std::to_string(status) +
                                           "): use --precision f32."};
}

InputForms XnnMatrix::input() const {
  InputForms forms;
  forms.rows = true;
  if (correction_ != nullptr) forms |= correction_->input();
  return forms;
}

void XnnMatrix::multiply(const ProductInput& input, size_t row, size_t count, size_t begin,
                         size_t end, float* out, size_t out_stride) const {
  // Nothing below fails once an operator was made: sizes and pointers are all that it checks.
  for (size_t index = begin / slab_panels_; index * slab_panels_ < end; ++index) {
    Slab& slab = slabs_[index];
    const bool reshape = slab.shaped_rows != count;
    slab.shaped_rows = count;
    float* target = out + slab_begin(index);
    const int8_t* codes = input.row_codes + row * k();
    const xnn_quantization_params* params = input.row_params + row;
    switch (format_) {
      case XnnFormat::qc8w:
        if (reshape) xnn_reshape_fully_connected_nc_qd8_f32_qc8w(slab.op, count, nullptr);
        xnn_setup_fully_connected_nc_qd8_f32_qc8w(slab.op, codes, target, params);
        break;
      case XnnFormat::qb4w:
        if (reshape) xnn_reshape_fully_connected_nc_qd8_f32_qb4w(slab.op, count, nullptr);
        xnn_setup_fully_connected_nc_qd8_f32_qb4w(slab.op, codes, target, params);
        break;
    }
    xnn_run_operator(slab.op, nullptr);
  }
  if (correction_ == nullptr) return;
  constexpr size_t kColumns = 8 * kPanel;
  float part[kAttendRows * kColumns];
  for (size_t first = begin; first < end; first += 8) {
    const size_t last = std::min(end, first + 8),
                 columns = std::min(last * kPanel, n()) - first * kPanel;
    for (size_t r = 0; r < count; r += kAttendRows) {
      const size_t rows = std::min(kAttendRows, count - r);
      correction_->multiply(input, row + r, rows, first, last, part - first * kPanel, kColumns);
      for (size_t i = 0; i < rows; ++i) {
        float* target = out + (r + i) * out_stride + first * kPanel;
        for (size_t c = 0; c < columns; ++c) target[c] += part[i * kColumns + c];
      }
    }
  }
}

size_t XnnMatrix::weight_bytes() const {
  size_t bytes = 0;
  switch (format_) {
    case XnnFormat::qc8w:
      bytes = n() * (k() + 12);
      break;
    case XnnFormat::qb4w:
      bytes = n() * (k() / 2 + k() / kBlock * 2 + 8);
      break;
  }
  return bytes + (correction_ != nullptr ? correction_->weight_bytes() : 0);
}

const char* XnnMatrix::kernel() const {
  switch (format_) {
    case XnnFormat::qc8w:
      return "xnnpack_qd8_f32_qc8w";
    case XnnFormat::qb4w:
      return correction_ != nullptr ? "xnnpack_qd8_f32_qb4w+minimum" : "xnnpack_qd8_f32_qb4w";
  }
  return "";
}

const char* XnnMatrix::compute_format() const {
  switch (format_) {
    case XnnFormat::qc8w:
      return "int8 per channel, int8 activations per row";
    case XnnFormat::qb4w:
      return correction_ != nullptr
                 ? "int4 in blocks of 32 plus f16 minimums, int8 activations per row"
                 : "int4 in blocks of 32, int8 activations per row";
  }
  return "";
}

}  // namespace npb::cpu

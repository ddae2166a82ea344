#include "backends/qnn/weights.h"

#include <cmath>

#include "core/half.h"

namespace npb::qnn {
uint64_t source_row(uint64_t i, const HeadOrder& order) {
  if (order.head_dim == 0) return i;
  const uint64_t head = i / order.head_dim * order.head_dim, at = i % order.head_dim;
  if (at < order.pairs) return head + 2 * at;
  if (at < 2 * order.pairs) return head + 2 * (at - order.pairs) + 1;
  return i;
}

Result<const uint16_t*> HalfWeights::get(const WeightRef& ref, HeadOrder order) {
  const Key key{ref.tensor, ref.row, ref.rows, order};
  if (const auto found = data_.find(key); found != data_.end()) return found->second.data();
  const uint64_t cols = ref.cols();
  std::vector<uint16_t> halves(ref.rows * cols);
  std::vector<float> row(cols);
  const bool vector = ref.rows == 1;
  bool fits = true;
  for (uint64_t r = 0; r < ref.rows; ++r) {
    const uint64_t stored = vector ? 0 : source_row(r, order);
    dequantize_rows(*source_, *ref.tensor, ref.row + stored, 1, row.data());
    for (uint64_t c = 0; c < cols; ++c) {
      const float value = row[vector ? source_row(c, order) : c];
      fits = fits && std::abs(value) <= 65504.0f;
      halves[r * cols + c] = f32_to_f16(value);
    }
  }
  if (!fits)
    return Error{ErrorCode::unsupported,
                 "The tensor " + ref.tensor->name +
                     " holds weights beyond the range of f16, in which the NPU computes; run this "
                     "model on --device cpu."};
  bytes_ += halves.size() * sizeof(uint16_t);
  read_bytes_ += ref.tensor->bytes() / ref.tensor->rows * ref.rows;
  source_->release(*ref.tensor, ref.row, ref.rows);
  return data_.emplace(key, std::move(halves)).first->second.data();
}

}  // namespace npb::qnn

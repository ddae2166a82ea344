#include "backends/qnn/host_ops.h"

#include <algorithm>
#include <cmath>

#include "backends/qnn/compile.h"
#include "core/half.h"

namespace npb::qnn {

Embedder::Embedder(const Graph& graph) : model_(graph.model) {
  for (const Node& node : graph.nodes) {
    if (node.kind == OpKind::embed) node_ = &node;
  }
  row_.resize(graph.hp.d_model);
  sum_.resize(graph.hp.d_model);
}

void Embedder::add(const WeightRef& table, uint64_t row) {
  if (!table) return;
  const auto bytes = model_->weights->rows(*table.tensor, table.row + row, 1, scratch_);
  dequantize(table.tensor->type, bytes.data(), row_.size(), row_.data());
  for (size_t i = 0; i < row_.size(); ++i) sum_[i] += row_[i];
}

void Embedder::write(int32_t token, uint32_t position, uint16_t* row) {
  std::fill(sum_.begin(), sum_.end(), 0.0f);
  add(node_->weight, static_cast<uint64_t>(token));
  add(node_->weight2, position);
  add(node_->weight3, 0);
  for (size_t i = 0; i < sum_.size(); ++i) row[i] = f32_to_f16(sum_[i]);
}

Angles::Angles(const Hyperparameters& hp, uint32_t count)
    : pairs(static_cast<uint32_t>(hp.rope_inv_freq.size())),
      cos(size_t{count} * pairs),
      sin(size_t{count} * pairs) {
  for (uint32_t position = 0; position < count; ++position) {
    for (uint32_t i = 0; i < pairs; ++i) {
      const double angle = static_cast<double>(position) * hp.rope_inv_freq[i];
      const size_t at = size_t{position} * pairs + i;
      cos[at] = f32_to_f16(static_cast<float>(std::cos(angle) * hp.rope_magnitude));
      sin[at] = f32_to_f16(static_cast<float>(std::sin(angle) * hp.rope_magnitude));
    }
  }
}

void write_causal_mask(uint16_t* mask, uint32_t tokens, uint32_t past_rows, uint32_t past) {
  const uint16_t hidden = f32_to_f16(kMasked);
  for (uint32_t t = 0; t < tokens; ++t) {
    uint16_t* row = mask + size_t{t} * (past_rows + tokens);
    std::fill(row, row + past, uint16_t{0});
    std::fill(row + past, row + past_rows, hidden);
    std::fill(row + past_rows, row + past_rows + t + 1, uint16_t{0});
    std::fill(row + past_rows + t + 1, row + past_rows + tokens, hidden);
  }
}

void write_full_mask(uint16_t* mask, uint32_t tokens, uint32_t used) {
  for (uint32_t t = 0; t < tokens; ++t) {
    uint16_t* row = mask + size_t{t} * tokens;
    std::fill(row, row + used, uint16_t{0});
    std::fill(row + used, row + tokens, f32_to_f16(kMasked));
  }
}

void write_selection(uint16_t* select, uint32_t batch, uint32_t tokens, uint32_t used,
                     Pooling pooling) {
  std::fill(select, select + size_t{batch} * batch * tokens, uint16_t{0});
  for (uint32_t b = 0; b < batch; ++b) {
    uint16_t* row = select + size_t{b} * batch * tokens + size_t{b} * tokens;
    if (pooling == Pooling::mean) {
      std::fill(row, row + used, f32_to_f16(1.0f / static_cast<float>(used)));
    } else {
      row[pooling == Pooling::cls ? 0 : used - 1] = f32_to_f16(1.0f);
    }
  }
}

int32_t argmax(std::span<const float> row) {
  return static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

}  // namespace npb::qnn

// What the reference ops read: dequantised weights and the KV cache.
#include <utility>

#include "core/half.h"
#include "core/parallel.h"
#include "graph/reference.h"

namespace npb::reference {

void round_to_f16(std::span<float> values) {
  for (float& value : values) value = f16_to_f32(f32_to_f16(value));
}

void Weights::read(const WeightInfo& tensor, uint64_t row, uint64_t count, float* values) const {
  dequantize_rows(*source_, tensor, row, count, values);
  if (halves_) round_to_f16(std::span(values, count * tensor.cols));
}

void Weights::load(const Graph& graph, uint64_t budget_bytes, unsigned threads) {
  std::unordered_map<const WeightInfo*, std::vector<float>> held;
  uint64_t bytes = 0;
  for (const Node& node : graph.nodes) {
    for (const WeightRef* ref : {&node.weight, &node.weight2, &node.weight3}) {
      if (!*ref || !held.try_emplace(ref->tensor).second) continue;
      bytes += ref->tensor->rows * ref->tensor->cols * sizeof(float);
    }
  }
  if (bytes > budget_bytes) return;
  std::vector<std::pair<const WeightInfo*, std::vector<float>*>> jobs;
  for (auto& [tensor, values] : held) jobs.emplace_back(tensor, &values);
  parallel_for(jobs.size(), threads, [&](size_t i) {
    const auto [tensor, values] = jobs[i];
    values->resize(tensor->rows * tensor->cols);
    read(*tensor, 0, tensor->rows, values->data());
    source_->release(*tensor, 0, tensor->rows);
  });
  held_ = std::move(held);
  held_bytes_ = bytes;
}

const float* Weights::rows(const WeightRef& ref, uint64_t row, uint64_t count,
                           std::vector<float>& scratch) const {
  const uint64_t first = ref.row + row;
  if (const auto found = held_.find(ref.tensor); found != held_.end()) {
    return found->second.data() + first * ref.cols();
  }
  scratch.resize(count * ref.cols());
  read(*ref.tensor, first, count, scratch.data());
  return scratch.data();
}

KvCache::KvCache(uint32_t layers, uint32_t batch, uint32_t capacity, uint32_t width)
    : batch_(batch), capacity_(capacity), width_(width) {
  const size_t size = size_t{layers} * batch * capacity * width;
  keys_.resize(size);
  values_.resize(size);
}

size_t KvCache::offset(uint32_t layer, uint32_t sequence, uint32_t position) const {
  return ((size_t{layer} * batch_ + sequence) * capacity_ + position) * width_;
}

float* KvCache::key(uint32_t layer, uint32_t sequence, uint32_t position) {
  return keys_.data() + offset(layer, sequence, position);
}

float* KvCache::value(uint32_t layer, uint32_t sequence, uint32_t position) {
  return values_.data() + offset(layer, sequence, position);
}

}  // namespace npb::reference

#include "backends/gpu/plan.h"

#include <algorithm>
#include <cmath>

namespace npb::gpu {
namespace {

uint64_t align(uint64_t bytes, uint64_t to) { return (bytes + to - 1) / to * to; }

}  // namespace

Result<std::unique_ptr<Plan>> Plan::make(Device& device, const Graph& graph, const PlanSizes& sizes,
                                         uint32_t threads) {
  std::unique_ptr<Plan> plan(new Plan(device, graph, sizes));
  NPB_TRY_ASSIGN(plan->lowered_, lower(graph));
  NPB_TRY(plan->allocate(threads));
  return plan;
}

Result<void> Plan::allocate(uint32_t threads) {
  const Limits& limits = device_.limits();
  const uint64_t alignment = limits.binding_alignment;
  const uint64_t token_rows = uint64_t{sizes_.batch} * sizes_.max_step_tokens;
  layout_ =
      layout_activations(graph_, lowered_, token_rows, sizes_.batch, limits.binding_alignment);
  if (token_rows > limits.max_groups)
    return Error{ErrorCode::unsupported, "A step of " + std::to_string(token_rows) +
                                             " tokens is more than this GPU can launch at once (" +
                                             std::to_string(limits.max_groups) +
                                             "); reduce --input-length or --batch-size."};
  for (const Location& location : layout_.of)
    if (location.region_bytes > limits.max_binding_bytes)
      return Error{ErrorCode::unsupported, "One activation needs " +
                                               std::to_string(location.region_bytes >> 20) +
                                               " MiB, but a storage buffer of this GPU may have " +
                                               std::to_string(limits.max_binding_bytes >> 20) +
                                               " MiB; reduce --input-length or --batch-size."};
  NPB_TRY_ASSIGN(activations_, device_.create_buffer(std::max<uint64_t>(layout_.bytes, alignment),
                                                     BufferKind::activations));

  const Hyperparameters& hp = graph_.hp;
  const bool decoder = graph_.next_token != kNoValue;
  const uint64_t logits_rows =
      decoder && graph_.values[graph_.logits].rows == Rows::per_token ? token_rows : sizes_.batch;
  argmax_parts_ = (hp.vocab_size + kArgmaxPartLogits - 1) / kArgmaxPartLogits;
  uint64_t at = 0;
  auto carve = [&](uint64_t bytes) {
    const Binding binding{kNoBuffer, at, bytes};
    at += align(bytes, alignment);
    return binding;
  };
  tokens_ = carve(token_rows * 4);
  step_ = carve(4);
  for (Binding& slot : next_) slot = carve(std::max<uint64_t>(logits_rows, 1) * 4);
  NPB_TRY_ASSIGN(io_, device_.create_buffer(at, BufferKind::host_shared));
  tokens_.buffer = step_.buffer = io_;
  for (Binding& slot : next_) slot.buffer = io_;

  at = 0;
  partial_values_ = carve(logits_rows * argmax_parts_ * 4);
  partial_ids_ = carve(logits_rows * argmax_parts_ * 4);
  const uint64_t pairs = std::max<size_t>(hp.rope_inv_freq.size(), 1);
  rope_table_ = carve(pairs * std::max(sizes_.max_tokens, 1u) * 8);
  NPB_TRY_ASSIGN(const BufferId misc, device_.create_buffer(at, BufferKind::activations));
  other_bytes_ = at;
  partial_values_.buffer = partial_ids_.buffer = rope_table_.buffer = misc;
  NPB_TRY(upload_rope_table());

  if (decoder) {
    const uint64_t layer_bytes = uint64_t{sizes_.batch} * hp.n_kv_heads * sizes_.max_tokens *
                                 hp.head_dim * (sizes_.kv_f16 ? 2 : 4);
    if (layer_bytes > limits.max_binding_bytes)
      return Error{ErrorCode::unsupported,
                   "The KV cache of one layer needs " + std::to_string(layer_bytes >> 20) +
                       " MiB, but a storage buffer of this GPU may have " +
                       std::to_string(limits.max_binding_bytes >> 20) +
                       " MiB; reduce --input-length, --output-length or --batch-size."};
    for (uint32_t i = 0; i < 2 * hp.n_layers; ++i) {
      NPB_TRY_ASSIGN(const BufferId buffer,
                     device_.create_buffer(layer_bytes, BufferKind::kv_cache));
      kv_.push_back({buffer, 0, layer_bytes});
      kv_bytes_ += layer_bytes;
    }
  }
  NPB_TRY_ASSIGN(weights_, DeviceWeights::upload(device_, graph_, lowered_, threads));
  return {};
}

Result<void> Plan::upload_rope_table() {
  const Hyperparameters& hp = graph_.hp;
  if (hp.rope_inv_freq.empty()) return {};
  // In double: an f32 angle loses its fraction at long contexts, and a GPU's own sine is coarse.
  std::vector<float> table;
  table.reserve(hp.rope_inv_freq.size() * sizes_.max_tokens * 2);
  for (uint32_t position = 0; position < sizes_.max_tokens; ++position)
    for (float inverse : hp.rope_inv_freq) {
      const double angle = static_cast<double>(position) * static_cast<double>(inverse);
      table.push_back(static_cast<float>(std::cos(angle) * hp.rope_magnitude));
      table.push_back(static_cast<float>(std::sin(angle) * hp.rope_magnitude));
    }
  return device_.write(rope_table_.buffer, rope_table_.offset, std::as_bytes(std::span(table)));
}

MemoryReport Plan::memory() const {
  return {.weights_bytes = weights_.bytes(),
          .kv_cache_bytes = kv_bytes_,
          .activations_bytes = layout_.bytes,
          .other_bytes = other_bytes_};
}

uint32_t Plan::rows_of(ValueId value, uint32_t step_tokens) const {
  return graph_.values[value].rows == Rows::per_token ? sizes_.batch * step_tokens : sizes_.batch;
}

Binding Plan::region(ValueId value) const {
  const Location& location = layout_.of[value];
  return {activations_, location.region_bytes_offset, location.region_bytes};
}

Binding Plan::cache(uint32_t layer, bool v) const { return kv_[2 * layer + (v ? 1 : 0)]; }

std::vector<Dispatch> Plan::dispatches(uint32_t step_tokens, uint32_t slot) const {
  std::vector<Dispatch> list;
  for (const LoweredOp& op : lowered_.ops) emit(op, step_tokens, slot, list);
  return list;
}

}  // namespace npb::gpu

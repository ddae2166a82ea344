// A lowered graph as a list of kernel launches for one step length.
#pragma once

#include <memory>
#include <vector>

#include "backends/gpu/device.h"
#include "backends/gpu/layout.h"
#include "backends/gpu/lower.h"
#include "backends/gpu/weights.h"

namespace npb::gpu {

/// Steps in flight at most: one runs while the next waits in the device's queue.
constexpr uint32_t kNextSlots = 2;
constexpr uint32_t kArgmaxPartLogits = 4096;  // logits per workgroup of argmax's first stage

struct PlanSizes {
  uint32_t batch = 1;
  uint32_t max_tokens = 0;  // KV capacity per sequence
  uint32_t max_step_tokens = 0;
  bool kv_f16 = true;
  bool f16 = false;  // f16 arithmetic, where kernels have it
};

class Plan {
 public:
  /// Allocates every buffer and uploads the weights. `graph` must outlive the plan.
  static Result<std::unique_ptr<Plan>> make(Device& device, const Graph& graph,
                                            const PlanSizes& sizes, uint32_t threads);

  /// Launches of one step of `step_tokens` tokens per sequence, in order. Its last launch leaves
  /// the token ids in one of kNextSlots places for the host, and in the places of the next step's
  /// input with its position: so a step may follow without the host.
  std::vector<Dispatch> dispatches(uint32_t step_tokens, uint32_t slot = 0) const;

  // host_shared buffer: token ids in, the step's state, token ids out
  BufferId io() const { return io_; }
  uint64_t tokens_offset() const { return tokens_.offset; }
  uint64_t step_offset() const { return step_.offset; }  // one word: tokens in the KV cache
  uint64_t next_offset(uint32_t slot = 0) const { return next_[slot].offset; }
  BufferId activations() const { return activations_; }
  const Location& location(ValueId value) const { return layout_.of[value]; }
  MemoryReport memory() const;
  const Lowered& lowered() const { return lowered_; }
  const DeviceWeights& weights() const { return weights_; }

 private:
  Plan(Device& device, const Graph& graph, const PlanSizes& sizes)
      : device_(device), graph_(graph), sizes_(sizes) {}
  Result<void> allocate(uint32_t threads);
  Result<void> upload_rope_table();

  void emit(const LoweredOp& op, uint32_t step_tokens, uint32_t slot,
            std::vector<Dispatch>& list) const;
  void emit_embed(const LoweredOp& op, uint32_t step_tokens, std::vector<Dispatch>& list) const;
  void emit_linear(const LoweredOp& op, uint32_t step_tokens, std::vector<Dispatch>& list) const;
  void emit_norm(const LoweredOp& op, uint32_t step_tokens, std::vector<Dispatch>& list) const;
  void emit_rope_append(const LoweredOp& op, uint32_t step_tokens,
                        std::vector<Dispatch>& list) const;
  void emit_attention(const LoweredOp& op, uint32_t step_tokens, std::vector<Dispatch>& list) const;
  void emit_elementwise(const LoweredOp& op, uint32_t step_tokens,
                        std::vector<Dispatch>& list) const;
  void emit_argmax(const LoweredOp& op, uint32_t step_tokens, uint32_t slot,
                   std::vector<Dispatch>& list) const;

  uint32_t rows_of(ValueId value, uint32_t step_tokens) const;
  Binding region(ValueId value) const;
  Binding cache(uint32_t layer, bool v) const;

  Device& device_;
  const Graph& graph_;
  PlanSizes sizes_;
  Lowered lowered_;
  ActivationLayout layout_;
  DeviceWeights weights_;
  BufferId io_ = kNoBuffer, activations_ = kNoBuffer;
  std::vector<Binding> kv_;  // [layer][k, v]
  uint64_t kv_bytes_ = 0, other_bytes_ = 0;
  Binding tokens_, step_;                 // in io_
  std::array<Binding, kNextSlots> next_;  // in io_
  Binding rope_table_;                    // cos, sin by position
  Binding partial_values_, partial_ids_;  // argmax
  uint32_t argmax_parts_ = 0;
};

}  // namespace npb::gpu

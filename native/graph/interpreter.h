// Runs a whole graph with the reference ops: the truth for models, and the source of activation
// ranges where a backend must be calibrated.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/result.h"
#include "graph/graph.h"
#include "graph/reference.h"

namespace npb {

struct InterpreterOptions {
  uint32_t batch = 1;
  uint32_t max_tokens = 0;  // KV cache capacity per sequence (decoders)
  unsigned threads = 0;     // 0: one per logical CPU
  /// Weights are held as f32 up to this size, and dequantised on each use beyond it.
  uint64_t weight_budget_bytes = uint64_t{3} << 30;
  /// Rounds weights and every node's output (so the KV cache, too) to f16, while each operation
  /// stays exact: the least error that a device with f16 tensors can have.
  bool f16_storage = false;
};

/// Not thread-safe: one thread drives it.
class Interpreter {
 public:
  /// Sees each node's output right after it was computed, [rows, width].
  using Observer =
      std::function<void(const Node& node, uint64_t wall_ns, std::span<const float> output)>;

  Interpreter(Graph graph, const InterpreterOptions& options);

  const Graph& graph() const { return graph_; }
  uint32_t past() const { return past_; }
  void reset() { past_ = 0; }
  void observe(Observer observer) { observer_ = std::move(observer); }
  uint64_t weight_bytes() const { return weights_.held_bytes(); }
  uint64_t kv_cache_bytes() const { return cache_.bytes(); }
  /// Most bytes that activations took so far.
  uint64_t activation_bytes() const { return peak_activation_bytes_; }

  /// Runs the graph on batch * T tokens (sequence-major) and, for decoders, moves `past` on by T.
  /// Errors: invalid_argument (a count that is no multiple of the batch, a token outside the
  /// vocabulary, a full cache); after an error `past` is as before.
  Result<void> step(std::span<const int32_t> tokens);

  /// A result of the last step: graph().logits, next_token or embedding, [rows, width]. Empty
  /// before the first step; other values are gone by then.
  std::span<const float> value(ValueId id) const;

 private:
  Result<void> run_nodes(const reference::Step& step);

  Graph graph_;
  InterpreterOptions options_;
  reference::Weights weights_;
  reference::KvCache cache_;
  Observer observer_;
  std::vector<std::vector<float>> values_;
  std::vector<size_t> last_use_;  // per value: index of the last node that reads it
  uint32_t past_ = 0;
  uint64_t peak_activation_bytes_ = 0;
};

}  // namespace npb

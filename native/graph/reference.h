// Every op of the IR in plain C++: the definition that all backends are held to.
//
// Weights are dequantised exactly as GGUF defines them and activations are f32 between ops, but
// every sum (dot products, norms, softmax) runs in double. A product of two floats is exact in
// double and a sum of them loses nothing that f32 could show, so the result doesn't depend on the
// order of summation or on the machine: what differs from it beyond f32 rounding is the other
// side's error.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/result.h"
#include "graph/graph.h"

namespace npb::reference {

/// Weights as f32: all of them held when they fit into the budget, otherwise dequantised on each
/// use. Thread-safe once loaded.
class Weights {
 public:
  /// `halves`: every weight is rounded to f16 when it is read.
  explicit Weights(std::shared_ptr<const WeightSource> source, bool halves = false)
      : source_(std::move(source)), halves_(halves) {}

  /// Dequantises the tensors that `graph` uses if their f32 form takes at most `budget_bytes`.
  void load(const Graph& graph, uint64_t budget_bytes, unsigned threads);
  uint64_t held_bytes() const { return held_bytes_; }

  /// Rows [row, row + count) of a slice, [count, cols]: held, or put into `scratch`.
  const float* rows(const WeightRef& ref, uint64_t row, uint64_t count,
                    std::vector<float>& scratch) const;

 private:
  void read(const WeightInfo& tensor, uint64_t row, uint64_t count, float* values) const;

  std::shared_ptr<const WeightSource> source_;
  bool halves_;
  std::unordered_map<const WeightInfo*, std::vector<float>> held_;
  uint64_t held_bytes_ = 0;
};

/// Keys and values of all layers: [layer][batch][capacity][n_kv_heads * head_dim] each, f32.
class KvCache {
 public:
  KvCache() = default;
  KvCache(uint32_t layers, uint32_t batch, uint32_t capacity, uint32_t width);
  uint32_t capacity() const { return capacity_; }
  uint64_t bytes() const { return (keys_.size() + values_.size()) * sizeof(float); }
  float* key(uint32_t layer, uint32_t sequence, uint32_t position);
  float* value(uint32_t layer, uint32_t sequence, uint32_t position);

 private:
  size_t offset(uint32_t layer, uint32_t sequence, uint32_t position) const;
  uint32_t batch_ = 0, capacity_ = 0, width_ = 0;
  std::vector<float> keys_, values_;
};

/// One execution of a graph: `batch` sequences of `step_tokens` new tokens each, with `past` tokens
/// of each already in the cache.
struct Step {
  uint32_t batch = 1;
  uint32_t step_tokens = 1;
  uint32_t past = 0;
  std::span<const int32_t> tokens;  // [batch * step_tokens], sequence-major

  uint64_t rows(Rows kind) const {
    return kind == Rows::per_token ? uint64_t{batch} * step_tokens : batch;
  }
};

struct OpContext {
  const Hyperparameters& hp;  // rope_style, rope_inv_freq, rope_magnitude
  const Weights& weights;
  Step step;
  KvCache* cache = nullptr;  // needed by causal attention only
  unsigned threads = 1;      // 0: one per logical CPU
};

/// Runs one node. `inputs` are the node's inputs in order, each [step.rows(kind), width]; `output`
/// is [step.rows(output_rows), width of the output] and may not overlap an input. Causal attention
/// also writes the step's keys and values to the cache at [past, past + step_tokens). argmax gives
/// ids as floats. Errors: invalid_argument (sizes that don't fit, a token or position outside the
/// tables, a full cache).
Result<void> run_op(const OpContext& context, const Node& node,
                    std::span<const std::span<const float>> inputs, std::span<float> output);

/// Rounds to the nearest half, as a device that stores f16 does.
void round_to_f16(std::span<float> values);

/// Smallest index of the maximum of each row [rows, width].
void argmax_rows(std::span<const float> logits, size_t width, std::span<int32_t> ids);

}  // namespace npb::reference

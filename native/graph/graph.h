// The intermediate representation of a model: a short list of tensor operations in execution order.
// A model is written once, by a builder; every backend compiles this graph into its own runtime.
//
// Every activation is a matrix [rows, width], f32 to whoever looks at it (a backend may hold it
// otherwise). rows is one of two things: B*T (one row per token, sequence-major: row = b*T + t) or
// B (one row per sequence). B and T are chosen when the graph runs; all sequences of a step have
// the same T and the same number of tokens already in the KV cache ("past").
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "model/model.h"

namespace npb {

enum class OpKind {
  embed,       // tokens -> [tokens, d]: row of `weight` (+ row `position` of `weight2`) (+ row 0 of
               // `weight3`)
  rms_norm,    // x * rsqrt(mean(x^2) + eps) * weight, over groups of `group` columns (whole row if
               // group == width)
  layer_norm,  // (x - mean) * rsqrt(var + eps) * weight + weight2 (bias)
  linear,      // x [*, k] times weight [n, k] transposed, + bias (weight2 [1, n]) if present
  rope,        // rotates the first 2 * inv_freq.size() columns of each head of `head_dim` columns
  attention,   // inputs q, k, v: appends k and v to the KV cache of `layer` (causal), then attends
  add,
  mul,
  silu,
  gelu,     // erf or tanh form by `gelu_tanh`
  swiglu,   // silu(inputs[0]) * inputs[1]
  pool,     // per token -> per sequence: last | cls (first) | mean
  l2_norm,  // x / max(||x||, 1e-12), over groups of `group` columns
  argmax,   // [*, vocab] -> token id per row (smallest index of the maximum)
};
const char* name(OpKind kind);

using ValueId = int32_t;
constexpr ValueId kNoValue = -1;

enum class Rows { per_token, per_sequence };

struct Value {
  std::string name;  // "blk.3.attn_q"
  uint32_t width = 0;
  Rows rows = Rows::per_token;
};

/// Rows [row, row + rows) of a stored tensor (fused q/k/v or gate/up tensors are slices).
struct WeightRef {
  const WeightInfo* tensor = nullptr;
  uint64_t row = 0;
  uint64_t rows = 0;
  uint64_t cols() const { return tensor->cols; }
  explicit operator bool() const { return tensor != nullptr; }
};

struct Node {
  OpKind kind = OpKind::add;
  std::string name;  // "blk.3.attn_q", shown in profiles and ledgers
  std::vector<ValueId> inputs;
  ValueId output = kNoValue;
  WeightRef weight;
  WeightRef weight2;
  WeightRef weight3;
  float eps = 0.0f;
  uint32_t group = 0;  // rms_norm, l2_norm: columns normalised together
  // rope and attention
  uint32_t n_heads = 0;  // rope: heads in this matrix
  uint32_t n_kv_heads = 0;
  uint32_t head_dim = 0;
  uint32_t layer = 0;
  bool causal = true;  // false: full attention over the T tokens of the step, no cache
  float scale = 1.0f;
  bool gelu_tanh = false;
  Pooling pooling = Pooling::none;
};

struct Graph {
  Hyperparameters hp;
  std::shared_ptr<const Model> model;  // keeps weights alive
  std::vector<Value> values;
  std::vector<Node> nodes;        // in execution order
  ValueId logits = kNoValue;      // decoder: [per_sequence or per_token, vocab]
  ValueId next_token = kNoValue;  // decoder: output of argmax over logits
  ValueId embedding = kNoValue;   // encoder: [per_sequence, d]
};

struct GraphOptions {
  /// Logits (and argmax) of every token of the step, not of the last one only: for verification.
  bool all_logits = false;
};

/// Builds the graph of any supported model. Checks that every tensor it names exists and has the
/// right shape: errors invalid_model (missing tensor, wrong shape) and unsupported.
Result<Graph> build_graph(std::shared_ptr<const Model> model, const GraphOptions& options);

}  // namespace npb

// Graph nodes to GPU operations: linears that share an input become one, a residual addition joins
// the product before it, and RoPE of q and k with the cache append becomes one launch. Pure: no
// device is touched.
#pragma once

#include <vector>

#include "core/result.h"
#include "graph/graph.h"

namespace npb::gpu {

enum class LoweredKind {
  embed,
  norm,
  linear,
  rope_append,
  attention,
  elementwise,
  pool,
  l2_norm,
  argmax
};

struct LoweredOp {
  LoweredKind kind = LoweredKind::elementwise;
  /// The graph nodes this op stands for, in graph order. embed: one. linear: one per output, plus
  /// the fused addition last. rope_append: the ropes (none for models without RoPE).
  std::vector<const Node*> nodes = {};
  std::vector<ValueId> inputs =
      {};  // linear: {x}; rope_append: {q, k, v}; attention: {q} or {q, k, v}; else as the node
  std::vector<ValueId> outputs = {};  // linear: concatenated columns
  ValueId residual = kNoValue;        // linear: added to the only output
  const Node* attention = nullptr;    // rope_append and attention: the attention node
};

struct Lowered {
  std::vector<LoweredOp> ops;
  /// A value that lives where another does: a rotated q, which is rotated in place. Identity
  /// otherwise.
  std::vector<ValueId> alias;  // [values]
};

/// Errors: unsupported, for a shape the kernels can't do, naming the node.
Result<Lowered> lower(const Graph& graph);

}  // namespace npb::gpu

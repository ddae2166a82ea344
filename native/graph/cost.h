// What a node costs by definition: arithmetic and bytes, whatever the backend. The basis of the
// placement ledger, of the roofline and of per-op GB/s and GFLOP/s.
#pragma once

#include <cstdint>

#include "graph/graph.h"

namespace npb {

/// One execution of a node or a graph.
struct OpCost {
  uint64_t macs = 0;              // multiply-adds of matrix products and attention
  uint64_t flops = 0;             // 2 * macs, plus one per element operation of the other ops
  uint64_t weight_bytes = 0;      // read, as stored in the file
  uint64_t kv_bytes = 0;          // KV cache read and written, at kv_element_bytes per number
  uint64_t activation_bytes = 0;  // inputs read and outputs written, as f32

  OpCost& operator+=(const OpCost& other);
};

struct CostShape {
  uint32_t batch = 1;
  uint32_t step_tokens = 1;
  uint32_t past = 0;
  uint32_t kv_element_bytes = 4;
};

/// Element operations count as one flop each (an exponential, too): they matter for bytes, not for
/// arithmetic. Matrices count once per execution, embedding tables by the rows that are read.
OpCost cost(const Graph& graph, const Node& node, const CostShape& shape);
OpCost cost(const Graph& graph, const CostShape& shape);

}  // namespace npb

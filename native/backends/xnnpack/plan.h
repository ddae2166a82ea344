// A graph compiled for the CPU: steps that all threads walk through together, with a barrier after
// each. Compiling fuses what would otherwise be a barrier or a trip through memory of its own:
// products that share an input become one step, norms run while their rows are prepared for a
// product, and element-wise ops, RoPE and the KV cache's writes run on a product's output while it
// is still in the nearest cache.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/xnnpack/matrix.h"
#include "graph/graph.h"

namespace npb::cpu {

/// An op on some columns of one row, in place, right after a product wrote them.
struct ColumnOp {
  enum class Kind : uint8_t {
    bias,
    norm_groups,
    rope,
    silu,
    gelu,
    add,
    mul,
    store_key,
    store_value
  };
  Kind kind;
  const float* vector = nullptr;  // bias [n]; norm_groups: weight [width]
  ValueId other = kNoValue;       // add, mul
  uint32_t group = 0;             // norm_groups: columns of a group; rope, stores: head_dim
  float eps = 0.0f;
  bool tanh_form = false;
  uint32_t layer = 0;  // stores
};

/// One product of a step: out = ops(matrix * input), or swiglu(ops(matrix * input), up_ops(up *
/// input)).
struct Part {
  const Matrix* matrix = nullptr;
  std::vector<ColumnOp> ops;
  const Matrix* up = nullptr;
  std::vector<ColumnOp> up_ops;
  ValueId out = kNoValue;
  size_t grain = 1;  // panels that a task may not split
};

struct TaskRange {
  uint32_t part, begin, end;  // panels
};

struct RowNorm {
  bool present = false;
  bool layer = false;  // LayerNorm, else RMSNorm
  const float* weight = nullptr;
  const float* bias = nullptr;
  uint32_t group = 0;
  float eps = 0.0f;
  ValueId input = kNoValue;
  ValueId output = kNoValue;  // kNoValue: only the products read it
};

struct Step {
  enum class Kind : uint8_t { embed, product, rows, attention, pool, argmax };
  Kind kind = Kind::rows;
  std::string name;
  std::vector<uint32_t> nodes;  // of the graph, for profiles and costs
  Rows rows = Rows::per_token;

  // product
  ValueId input = kNoValue;
  RowNorm norm;
  InputForms forms;
  std::vector<Part> parts;
  std::vector<TaskRange> even;       // one run of ranges per thread, for few rows
  std::vector<uint32_t> even_begin;  // [threads + 1] into `even`
  std::vector<TaskRange> tasks;      // for many rows: claimed one by one, each for a run of rows
  uint64_t weight_bytes = 0;

  // everything else: the node itself. For causal attention: whether keys and values are already
  // stored.
  const Node* node = nullptr;
  bool stores_key = false, stores_value = false;

  std::vector<ValueId> reads, writes;
};

/// Where a value lives: rows of `stride` floats.
struct Buffer {
  float* data = nullptr;
  size_t stride = 0;
};

struct Plan {
  std::vector<Step> steps;
};

}  // namespace npb::cpu

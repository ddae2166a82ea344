#include "graph/cost.h"

namespace npb {
namespace {

uint64_t stored_bytes(const WeightRef& ref, uint64_t rows) {
  return rows * row_bytes(tensor_type_info(ref.tensor->type), ref.cols());
}

/// Element operations per output element.
uint64_t flops_per_element(OpKind kind) {
  switch (kind) {
    case OpKind::rms_norm:
    case OpKind::l2_norm:
      return 4;  // square, sum, scale, weight
    case OpKind::layer_norm:
      return 7;  // mean, difference, square, sum, scale, weight, bias
    case OpKind::rope:
      return 3;  // two products and a sum
    case OpKind::silu:
    case OpKind::gelu:
      return 4;
    case OpKind::swiglu:
      return 5;
    case OpKind::add:
    case OpKind::mul:
    case OpKind::argmax:
      return 1;
    default:
      return 0;
  }
}

void add_attention(const Node& node, const CostShape& shape, OpCost& result) {
  const uint64_t tokens = shape.step_tokens;
  // Query/key pairs of one head of one sequence.
  const uint64_t pairs =
      node.causal ? tokens * shape.past + tokens * (tokens + 1) / 2 : tokens * tokens;
  result.macs += 2 * pairs * node.n_heads * node.head_dim * shape.batch;
  result.flops += 2 * result.macs + 5 * pairs * node.n_heads * shape.batch;
  if (node.causal) {
    const uint64_t kv_width = uint64_t{node.n_kv_heads} * node.head_dim;
    const uint64_t read = shape.past + tokens, written = tokens;
    result.kv_bytes += 2 * (read + written) * kv_width * shape.kv_element_bytes * shape.batch;
  }
}

}  // namespace

OpCost& OpCost::operator+=(const OpCost& other) {
  macs += other.macs;
  flops += other.flops;
  weight_bytes += other.weight_bytes;
  kv_bytes += other.kv_bytes;
  activation_bytes += other.activation_bytes;
  return *this;
}

OpCost cost(const Graph& graph, const Node& node, const CostShape& shape) {
  const uint64_t tokens = uint64_t{shape.batch} * shape.step_tokens;
  const auto elements = [&](ValueId id) {
    const Value& value = graph.values[static_cast<size_t>(id)];
    return (value.rows == Rows::per_token ? tokens : shape.batch) * value.width;
  };
  const uint64_t out = elements(node.output);
  uint64_t in = 0;
  for (ValueId input : node.inputs) in += elements(input);
  OpCost result;
  result.activation_bytes = (in + out) * sizeof(float);
  switch (node.kind) {
    case OpKind::embed:
      result.weight_bytes = stored_bytes(node.weight, tokens);
      if (node.weight2) result.weight_bytes += stored_bytes(node.weight2, shape.step_tokens);
      if (node.weight3) result.weight_bytes += stored_bytes(node.weight3, 1);
      result.flops = out * ((node.weight2 ? 1 : 0) + (node.weight3 ? 1 : 0));
      return result;
    case OpKind::linear:
      result.macs = out * node.weight.cols();
      result.flops = 2 * result.macs + (node.weight2 ? out : 0);
      break;
    case OpKind::attention:
      add_attention(node, shape, result);
      break;
    case OpKind::pool:
      result.flops = node.pooling == Pooling::mean ? in : 0;
      break;
    case OpKind::argmax:
      result.flops = in;
      break;
    default:
      result.flops = out * flops_per_element(node.kind);
      break;
  }
  for (const WeightRef* ref : {&node.weight, &node.weight2, &node.weight3}) {
    if (*ref) result.weight_bytes += stored_bytes(*ref, ref->rows);
  }
  return result;
}

OpCost cost(const Graph& graph, const CostShape& shape) {
  OpCost total;
  for (const Node& node : graph.nodes) total += cost(graph, node, shape);
  return total;
}

}  // namespace npb

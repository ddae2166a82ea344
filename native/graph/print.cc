#include "graph/print.h"

namespace npb {
namespace {

std::string weight_text(const WeightRef& ref) {
  const WeightInfo& tensor = *ref.tensor;
  std::string text = tensor.name + " " + std::string(tensor_type_info(tensor.type).name) + " " +
                     std::to_string(ref.rows) + "x" + std::to_string(tensor.cols);
  if (ref.rows != tensor.rows) text += " from row " + std::to_string(ref.row);
  return text;
}

std::string attributes_text(const Node& node) {
  switch (node.kind) {
    case OpKind::attention:
      return std::string(node.causal ? "; causal, " : "; full, ") + std::to_string(node.n_heads) +
             " heads on " + std::to_string(node.n_kv_heads) + " of " +
             std::to_string(node.head_dim);
    case OpKind::rope:
      return "; " + std::to_string(node.n_heads) + " heads of " + std::to_string(node.head_dim);
    case OpKind::gelu:
      return node.gelu_tanh ? "; tanh" : "; erf";
    case OpKind::pool:
      return node.pooling == Pooling::mean  ? "; mean"
             : node.pooling == Pooling::cls ? "; cls"
                                            : "; last";
    default:
      return {};
  }
}

}  // namespace

std::string to_string(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes) {
    const Value& out = graph.values[static_cast<size_t>(node.output)];
    text += out.name + " [" + (out.rows == Rows::per_token ? "T" : "S") + " x " +
            std::to_string(out.width) + "] = " + name(node.kind) + "(";
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      text += (i == 0 ? "" : ", ") + graph.values[static_cast<size_t>(node.inputs[i])].name;
    }
    for (const WeightRef* ref : {&node.weight, &node.weight2, &node.weight3}) {
      if (*ref) text += "; " + weight_text(*ref);
    }
    text += attributes_text(node) + ")\n";
  }
  return text;
}

}  // namespace npb

#include "backends/gpu/lower.h"

#include <algorithm>
#include <numeric>

#include "backends/gpu/pack.h"

namespace npb::gpu {
namespace {

class Lowering {
 public:
  explicit Lowering(const Graph& graph) : graph_(graph), done_(graph.nodes.size(), false) {
    uses_.resize(graph.values.size());
    producer_.resize(graph.values.size(), nullptr);
    for (const Node& node : graph.nodes) {
      for (ValueId value : node.inputs) uses_[value].push_back(&node);
      if (node.output != kNoValue) producer_[node.output] = &node;
    }
    lowered_.alias.resize(graph.values.size());
    std::iota(lowered_.alias.begin(), lowered_.alias.end(), 0);
  }

  Result<Lowered> run() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i)
      if (!done_[i]) NPB_TRY(lower_node(graph_.nodes[i]));
    return std::move(lowered_);
  }

 private:
  size_t index(const Node* node) const { return static_cast<size_t>(node - graph_.nodes.data()); }
  void take(const Node* node) { done_[index(node)] = true; }
  bool kept(ValueId value) const { return value == graph_.logits || value == graph_.embedding; }
  /// The only reader of a value that nothing outside the graph reads; null otherwise.
  const Node* only_use(ValueId value) const {
    return uses_[value].size() == 1 && !kept(value) ? uses_[value][0] : nullptr;
  }

  Result<void> lower_node(const Node& node) {
    take(&node);
    switch (node.kind) {
      case OpKind::embed:
        return simple(LoweredKind::embed, node);
      case OpKind::rms_norm:
      case OpKind::layer_norm:
        return simple(LoweredKind::norm, node);
      case OpKind::linear:
        return linear(node);
      case OpKind::rope:
        return rope(node);
      case OpKind::attention:
        return attention(node);
      case OpKind::pool:
        return simple(LoweredKind::pool, node);
      case OpKind::l2_norm:
        return simple(LoweredKind::l2_norm, node);
      case OpKind::argmax:
        return simple(LoweredKind::argmax, node);
      default:
        return simple(LoweredKind::elementwise, node);
    }
  }

  Result<void> simple(LoweredKind kind, const Node& node) {
    lowered_.ops.push_back(
        {.kind = kind, .nodes = {&node}, .inputs = node.inputs, .outputs = {node.output}});
    return {};
  }

  /// An addition that only adds this linear's output to a value that exists already.
  const Node* residual_after(const Node& node) const {
    const Node* add = only_use(node.output);
    if (!add || add->kind != OpKind::add || done_[index(add)]) return nullptr;
    const ValueId other = add->inputs[0] == node.output ? add->inputs[1] : add->inputs[0];
    const Node* source = producer_[other];
    return other != node.output && (!source || index(source) < index(&node)) ? add : nullptr;
  }

  Result<void> linear(const Node& node) {
    LoweredOp op{.kind = LoweredKind::linear,
                 .nodes = {&node},
                 .inputs = node.inputs,
                 .outputs = {node.output}};
    if (const Node* add = residual_after(node)) {
      take(add);
      op.nodes.push_back(add);
      op.residual = add->inputs[0] == node.output ? add->inputs[1] : add->inputs[0];
      op.outputs = {add->output};
      lowered_.ops.push_back(std::move(op));
      return {};
    }
    for (const Node* other : uses_[node.inputs[0]]) {
      const bool joins =
          other != &node && other->kind == OpKind::linear && !done_[index(other)] &&
          format_for(other->weight.tensor->type) == format_for(node.weight.tensor->type) &&
          !residual_after(*other);
      if (!joins) continue;
      take(other);
      op.nodes.push_back(other);
      op.outputs.push_back(other->output);
    }
    lowered_.ops.push_back(std::move(op));
    return {};
  }

  /// q is rotated where it lies, and k on its way into the cache: both are done when attention is
  /// reached. A rope whose result goes elsewhere doesn't occur in a decoder.
  Result<void> rope(const Node& node) {
    const Node* user = only_use(node.output);
    if (!user || user->kind != OpKind::attention || !only_use(node.inputs[0]))
      return Error{ErrorCode::unsupported,
                   "The GPU backends can't rotate " + node.name +
                       " apart from attention; run this model on --device cpu."};
    lowered_.alias[node.output] = node.inputs[0];
    return {};
  }

  Result<void> attention(const Node& node) {
    if (node.head_dim % 4 != 0 || node.head_dim > 512)
      return Error{ErrorCode::unsupported,
                   "The GPU backends need head sizes that are multiples of 4 up to 512, not " +
                       std::to_string(node.head_dim) + "; run this model on --device cpu."};
    LoweredOp attend{.kind = LoweredKind::attention,
                     .nodes = {&node},
                     .outputs = {node.output},
                     .attention = &node};
    if (!node.causal) {
      attend.inputs = node.inputs;
      lowered_.ops.push_back(std::move(attend));
      return {};
    }
    LoweredOp append{.kind = LoweredKind::rope_append, .inputs = node.inputs, .attention = &node};
    for (int i = 0; i < 2; ++i)
      if (const Node* source = producer_[node.inputs[i]]; source && source->kind == OpKind::rope)
        append.nodes.push_back(source);
    for (ValueId& value : append.inputs) value = lowered_.alias[value];
    attend.inputs = {append.inputs[0]};
    lowered_.ops.push_back(std::move(append));
    lowered_.ops.push_back(std::move(attend));
    return {};
  }

  const Graph& graph_;
  std::vector<bool> done_;
  std::vector<std::vector<const Node*>> uses_;
  std::vector<const Node*> producer_;
  Lowered lowered_;
};

}  // namespace

Result<Lowered> lower(const Graph& graph) { return Lowering(graph).run(); }

}  // namespace npb::gpu

#include "graph/validate.h"

#include <string>
#include <vector>

namespace npb {
namespace {

class Validator {
 public:
  explicit Validator(const Graph& graph) : graph_(graph), defined_(graph.values.size(), false) {}

  Result<void> run() {
    for (const Node& node : graph_.nodes) {
      if (std::string problem = check(node); !problem.empty()) {
        return Error{ErrorCode::internal, "Graph node '" + node.name + "' (" + name(node.kind) +
                                              ") " + problem + ": please report this as a bug."};
      }
      defined_[static_cast<size_t>(node.output)] = true;
    }
    const bool decoder = is_defined(graph_.logits) && is_defined(graph_.next_token);
    if (!decoder && !is_defined(graph_.embedding)) {
      return Error{
          ErrorCode::internal,
          "The graph computes neither logits nor an embedding: please report this as a bug."};
    }
    return {};
  }

 private:
  bool is_defined(ValueId id) const {
    return id >= 0 && static_cast<size_t>(id) < defined_.size() &&
           defined_[static_cast<size_t>(id)];
  }
  const Value& value(ValueId id) const { return graph_.values[static_cast<size_t>(id)]; }

  /// Empty, or what is wrong.
  std::string check(const Node& node) const {
    if (node.output < 0 || static_cast<size_t>(node.output) >= graph_.values.size()) {
      return "has no output";
    }
    if (is_defined(node.output)) return "writes a value twice";
    if (node.inputs.size() != input_count(node.kind)) {
      return "has " + std::to_string(node.inputs.size()) + " inputs";
    }
    for (ValueId input : node.inputs) {
      if (!is_defined(input)) return "reads a value before it is computed";
    }
    if (std::string problem = check_weight_slices(node); !problem.empty()) return problem;
    return check_shape(node);
  }

  static size_t input_count(OpKind kind) {
    switch (kind) {
      case OpKind::embed:
        return 0;
      case OpKind::attention:
        return 3;
      case OpKind::add:
      case OpKind::mul:
      case OpKind::swiglu:
        return 2;
      default:
        return 1;
    }
  }

  static std::string check_weight_slices(const Node& node) {
    for (const WeightRef* ref : {&node.weight, &node.weight2, &node.weight3}) {
      if (*ref && (ref->rows == 0 || ref->row > ref->tensor->rows ||
                   ref->rows > ref->tensor->rows - ref->row)) {
        return "takes rows that tensor '" + ref->tensor->name + "' doesn't have";
      }
    }
    return {};
  }

  static bool is_vector(const WeightRef& ref, uint64_t width) {
    return ref && ref.rows == 1 && ref.cols() == width;
  }

  std::string check_shape(const Node& node) const {
    const Value& out = value(node.output);
    if (node.kind == OpKind::embed) {
      if (!node.weight || node.weight.cols() != out.width) return "doesn't fit its table";
      if (node.weight2 && node.weight2.cols() != out.width) return "doesn't fit its positions";
      if (node.weight3 && node.weight3.cols() != out.width) return "doesn't fit its token types";
      return out.rows == Rows::per_token ? "" : "must have one row per token";
    }
    const Value& in = value(node.inputs[0]);
    if (node.kind == OpKind::pool) {
      if (node.pooling == Pooling::none) return "has no pooling rule";
      if (in.rows != Rows::per_token || out.rows != Rows::per_sequence) return "must pool tokens";
      return in.width == out.width ? "" : "changes the width";
    }
    if (in.rows != out.rows) return "changes the kind of rows";
    switch (node.kind) {
      case OpKind::linear:
        if (!node.weight || node.weight.cols() != in.width || node.weight.rows != out.width) {
          return "doesn't fit its matrix";
        }
        return !node.weight2 || is_vector(node.weight2, out.width) ? "" : "doesn't fit its bias";
      case OpKind::argmax:
        return out.width == 1 ? "" : "must give one id per row";
      case OpKind::attention:
        return check_attention(node, in, out);
      default:
        break;
    }
    if (in.width != out.width) return "changes the width";
    switch (node.kind) {
      case OpKind::rms_norm:
        if (node.group == 0 || in.width % node.group != 0) return "can't be cut into its groups";
        return is_vector(node.weight, node.group) ? "" : "doesn't fit its weight";
      case OpKind::l2_norm:
        return node.group != 0 && in.width % node.group == 0 ? "" : "can't be cut into its groups";
      case OpKind::layer_norm:
        return is_vector(node.weight, in.width) && is_vector(node.weight2, in.width)
                   ? ""
                   : "doesn't fit its weight and bias";
      case OpKind::rope:
        if (uint64_t{node.n_heads} * node.head_dim != in.width) return "doesn't fit its heads";
        return graph_.hp.rope_inv_freq.size() * 2 <= node.head_dim ? "" : "turns more than a head";
      case OpKind::add:
      case OpKind::mul:
      case OpKind::swiglu: {
        const Value& second = value(node.inputs[1]);
        return second.width == in.width && second.rows == in.rows ? "" : "has unequal inputs";
      }
      default:
        return {};
    }
  }

  std::string check_attention(const Node& node, const Value& q, const Value& out) const {
    const Value& k = value(node.inputs[1]);
    const Value& v = value(node.inputs[2]);
    if (node.n_kv_heads == 0 || node.n_heads % node.n_kv_heads != 0) return "can't share its heads";
    if (uint64_t{node.n_heads} * node.head_dim != q.width || out.width != q.width) {
      return "doesn't fit its queries";
    }
    const uint64_t kv_width = uint64_t{node.n_kv_heads} * node.head_dim;
    if (k.width != kv_width || v.width != kv_width) return "doesn't fit its keys and values";
    if (q.rows != Rows::per_token || k.rows != q.rows || v.rows != q.rows) return "must see tokens";
    return node.layer < graph_.hp.n_layers ? "" : "names a layer that the model doesn't have";
  }

  const Graph& graph_;
  std::vector<bool> defined_;
};

}  // namespace

Result<void> validate(const Graph& graph) { return Validator(graph).run(); }

}  // namespace npb

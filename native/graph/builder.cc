#include "graph/builder.h"

#include <utility>

namespace npb {
namespace {

std::string shape_text(uint64_t rows, uint64_t cols) {
  return std::to_string(rows) + " x " + std::to_string(cols);
}

Node make_node(OpKind kind, const std::string& name, std::vector<ValueId> inputs) {
  Node node;
  node.kind = kind;
  node.name = name;
  node.inputs = std::move(inputs);
  return node;
}

}  // namespace

GraphBuilder::GraphBuilder(std::shared_ptr<const Model> model) {
  graph_.hp = model->hp;
  graph_.model = std::move(model);
}

void GraphBuilder::fail(ErrorCode code, std::string message) {
  if (!error_) error_ = Error{code, std::move(message)};
}

bool GraphBuilder::has(const std::string& name) const {
  return graph_.model->weights->find(name) != nullptr;
}

WeightRef GraphBuilder::weight(const std::string& name, uint64_t rows, uint64_t cols) {
  if (!has(name)) {
    fail(ErrorCode::invalid_model, "The model has no tensor '" + name + "', which architecture '" +
                                       hp().architecture +
                                       "' needs: fetch the file again, or convert the model anew.");
    return {};
  }
  return optional_weight(name, rows, cols);
}

WeightRef GraphBuilder::optional_weight(const std::string& name, uint64_t rows, uint64_t cols) {
  const WeightInfo* tensor = graph_.model->weights->find(name);
  if (tensor == nullptr) return {};
  if (tensor->rows != rows || tensor->cols != cols) {
    fail(ErrorCode::invalid_model,
         "Tensor '" + name + "' is " + shape_text(tensor->rows, tensor->cols) +
             ", but the model's hyper-parameters ask for " + shape_text(rows, cols) +
             ": fetch the file again, or convert the model anew.");
    return {};
  }
  used_.insert(name);
  return WeightRef{tensor, 0, rows};
}

uint32_t GraphBuilder::width(ValueId id) const {
  return id == kNoValue ? 0 : graph_.values[static_cast<size_t>(id)].width;
}

Rows GraphBuilder::rows(ValueId id) const {
  return id == kNoValue ? Rows::per_token : graph_.values[static_cast<size_t>(id)].rows;
}

ValueId GraphBuilder::append(Node node, uint32_t width, Rows rows) {
  const ValueId id = static_cast<ValueId>(graph_.values.size());
  graph_.values.push_back(Value{node.name, width, rows});
  node.output = id;
  graph_.nodes.push_back(std::move(node));
  return id;
}

ValueId GraphBuilder::embed(const std::string& name, WeightRef tokens, WeightRef positions,
                            WeightRef types) {
  Node node = make_node(OpKind::embed, name, {});
  node.weight = tokens;
  node.weight2 = positions;
  node.weight3 = types;
  return append(std::move(node), hp().d_model, Rows::per_token);
}

ValueId GraphBuilder::rms_norm(const std::string& name, ValueId x, const std::string& weight_name,
                               uint32_t group) {
  Node node = make_node(OpKind::rms_norm, name, {x});
  node.weight = weight(weight_name, 1, group);
  node.eps = hp().norm_eps;
  node.group = group;
  return append(std::move(node), width(x), rows(x));
}

ValueId GraphBuilder::layer_norm(const std::string& name, ValueId x) {
  Node node = make_node(OpKind::layer_norm, name, {x});
  node.weight = weight(name + ".weight", 1, width(x));
  node.weight2 = weight(name + ".bias", 1, width(x));
  node.eps = hp().norm_eps;
  return append(std::move(node), width(x), rows(x));
}

ValueId GraphBuilder::linear(const std::string& name, ValueId x, uint32_t out_width) {
  const WeightRef matrix = weight(name + ".weight", out_width, width(x));
  const WeightRef bias = optional_weight(name + ".bias", 1, out_width);
  Node node = make_node(OpKind::linear, name, {x});
  node.weight = matrix;
  node.weight2 = bias;
  return append(std::move(node), out_width, rows(x));
}

ValueId GraphBuilder::linear(const std::string& name, ValueId x, WeightRef matrix, WeightRef bias) {
  Node node = make_node(OpKind::linear, name, {x});
  node.weight = matrix;
  node.weight2 = bias;
  return append(std::move(node), static_cast<uint32_t>(matrix.rows), rows(x));
}

ValueId GraphBuilder::rope(const std::string& name, ValueId x, uint32_t heads) {
  Node node = make_node(OpKind::rope, name, {x});
  node.n_heads = heads;
  node.head_dim = hp().head_dim;
  return append(std::move(node), width(x), rows(x));
}

ValueId GraphBuilder::attention(const std::string& name, ValueId q, ValueId k, ValueId v,
                                uint32_t layer, bool causal) {
  Node node = make_node(OpKind::attention, name, {q, k, v});
  node.n_heads = hp().n_heads;
  node.n_kv_heads = hp().n_kv_heads;
  node.head_dim = hp().head_dim;
  node.layer = layer;
  node.causal = causal;
  node.scale = hp().attention_scale;
  return append(std::move(node), width(q), rows(q));
}

ValueId GraphBuilder::add(const std::string& name, ValueId a, ValueId b) {
  return append(make_node(OpKind::add, name, {a, b}), width(a), rows(a));
}

ValueId GraphBuilder::swiglu(const std::string& name, ValueId gate, ValueId up) {
  return append(make_node(OpKind::swiglu, name, {gate, up}), width(gate), rows(gate));
}

ValueId GraphBuilder::gelu(const std::string& name, ValueId x, bool tanh_form) {
  Node node = make_node(OpKind::gelu, name, {x});
  node.gelu_tanh = tanh_form;
  return append(std::move(node), width(x), rows(x));
}

ValueId GraphBuilder::pool(const std::string& name, ValueId x, Pooling pooling) {
  Node node = make_node(OpKind::pool, name, {x});
  node.pooling = pooling;
  return append(std::move(node), width(x), Rows::per_sequence);
}

ValueId GraphBuilder::l2_norm(const std::string& name, ValueId x) {
  Node node = make_node(OpKind::l2_norm, name, {x});
  node.group = width(x);
  return append(std::move(node), width(x), rows(x));
}

ValueId GraphBuilder::argmax(const std::string& name, ValueId x) {
  return append(make_node(OpKind::argmax, name, {x}), 1, rows(x));
}

Result<Graph> GraphBuilder::finish() {
  if (!error_) {
    for (const WeightInfo& tensor : graph_.model->weights->tensors()) {
      if (tensor.name.rfind("blk.", 0) == 0 && !used_.contains(tensor.name)) {
        fail(ErrorCode::unsupported,
             "Tensor '" + tensor.name +
                 "' has no place in what this build knows of architecture '" + hp().architecture +
                 "': results would be wrong, so the model is refused.");
        break;
      }
    }
  }
  if (error_) return *error_;
  return std::move(graph_);
}

AttentionInputs build_qkv(GraphBuilder& builder, const std::string& layer, ValueId x) {
  const Hyperparameters& hp = builder.hp();
  const uint32_t q_width = hp.n_heads * hp.head_dim;
  const uint32_t kv_width = hp.n_kv_heads * hp.head_dim;
  const std::string fused = layer + "attn_qkv";
  if (!builder.has(fused + ".weight")) {
    return {builder.linear(layer + "attn_q", x, q_width),
            builder.linear(layer + "attn_k", x, kv_width),
            builder.linear(layer + "attn_v", x, kv_width)};
  }
  const uint64_t all_rows = uint64_t{q_width} + 2 * uint64_t{kv_width};
  const WeightRef matrix = builder.weight(fused + ".weight", all_rows, hp.d_model);
  const WeightRef bias = builder.optional_weight(fused + ".bias", 1, all_rows);
  if (bias) {
    // A bias is one row [1, n]: a slice of its columns can't be named by rows.
    builder.fail(ErrorCode::unsupported,
                 "Tensor '" + fused +
                     ".bias' is a fused bias, which this build can't split: "
                     "convert the model with separate q, k and v tensors.");
  }
  if (builder.failed()) return {x, x, x};
  const auto slice = [&](const char* part, uint64_t row, uint64_t rows) {
    return builder.linear(layer + part, x, WeightRef{matrix.tensor, row, rows}, {});
  };
  return {slice("attn_q", 0, q_width), slice("attn_k", q_width, kv_width),
          slice("attn_v", uint64_t{q_width} + kv_width, kv_width)};
}

}  // namespace npb

#include "backends/qnn/compile.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/half.h"

namespace npb::qnn {
namespace {

class Compiler {
 public:
  Compiler(const Device& device, Handle handle, const Graph& graph, const Shape& shape,
           const FixedPoint* fixed, Weights& weights)
      : graph_(graph),
        shape_(shape),
        fixed_(fixed),
        weights_(weights),
        net_(device, handle),
        values_(graph.values.size(), -1),
        orders_(graph.values.size()) {}

  Result<Ports> run() {
    NPB_TRY(find_orders());
    declare_inputs();
    for (const Node& node : graph_.nodes) NPB_TRY(build(node));
    NPB_TRY(net_.finish());
    return std::move(ports_);
  }

 private:
  using Id = Net::Id;

  uint32_t rows(ValueId value) const {
    return graph_.values[value].rows == Rows::per_token ? shape_.batch * shape_.tokens
                                                        : shape_.batch;
  }
  uint32_t width(ValueId value) const { return graph_.values[value].width; }
  /// The value as [rows, width].
  Id matrix(ValueId value) {
    return values_[value] = net_.reshape(graph_.values[value].name + ".rows", values_[value],
                                         {rows(value), width(value)});
  }
  Id port_in(const std::string& name, std::vector<uint32_t> dims) {
    const Id id = net_.input(name, dims);
    ports_.inputs.push_back({name, net_.tensor(id), std::move(dims)});
    return id;
  }
  void port_out(const std::string& name, Id id) {
    ports_.outputs.push_back({name, net_.tensor(id), net_.dims(id)});
  }
  bool is_result(ValueId value) const { return value == graph_.logits || value == embedding_; }

  /// RoPE over neighbouring pairs becomes one over halves by the order of the rows of the matrix
  /// (and of the norm between) that makes its input.
  Result<void> find_orders() {
    std::vector<const Node*> producer(graph_.values.size(), nullptr);
    for (const Node& node : graph_.nodes)
      if (node.output != kNoValue) producer[node.output] = &node;
    for (const Node& node : graph_.nodes) {
      if (node.kind != OpKind::rope || graph_.hp.rope_style != RopeStyle::interleaved) continue;
      const HeadOrder order{node.head_dim, static_cast<uint32_t>(graph_.hp.rope_inv_freq.size())};
      ValueId value = node.inputs[0];
      const Node* source = producer[value];
      while (source && source->kind == OpKind::rms_norm && source->group == node.head_dim) {
        orders_[value] = order;
        value = source->inputs[0];
        source = producer[value];
      }
      if (!source || source->kind != OpKind::linear)
        return Error{ErrorCode::unsupported,
                     "The NPU backend can't rotate " + node.name +
                         ", which no matrix product makes; run this model on --device cpu."};
      orders_[value] = order;
    }
    // A closing L2 norm is a few hundred numbers in f32: the host's.
    embedding_ = graph_.embedding;
    if (embedding_ != kNoValue && producer[embedding_] &&
        producer[embedding_]->kind == OpKind::l2_norm)
      embedding_ = producer[embedding_]->inputs[0];
    return {};
  }

  void declare_inputs() {
    const uint32_t t = shape_.tokens;
    const uint32_t pairs = static_cast<uint32_t>(graph_.hp.rope_inv_freq.size());
    bool rotates = false, pools = false;
    for (const Node& node : graph_.nodes) {
      rotates = rotates || node.kind == OpKind::rope;
      pools = pools || node.kind == OpKind::pool;
      if (node.kind == OpKind::embed)
        values_[node.output] = port_in("x", {shape_.batch * t, width(node.output)});
    }
    if (rotates) {
      cos_ = port_in("cos", {1, t, 1, pairs});
      sin_ = port_in("sin", {1, t, 1, pairs});
    }
    mask_ = port_in("mask", {1, t, shape_.past + t});
    if (pools && t > 1) select_ = port_in("select", {shape_.batch, shape_.batch * t});
  }

  Result<Id> vector(const std::string& name, const WeightRef& ref, HeadOrder order = {}) {
    NPB_TRY_ASSIGN(const uint16_t* data, weights_.halves.get(ref, order));
    return net_.constant(name, {static_cast<uint32_t>(ref.cols())}, data);
  }
  Id number(const std::string& name, float value) {
    return net_.constant(name, {1}, std::vector<uint16_t>{f32_to_f16(value)});
  }

  Result<void> build(const Node& node) {
    switch (node.kind) {
      case OpKind::embed:
      case OpKind::argmax:
        return {};
      case OpKind::linear:
        return linear(node);
      case OpKind::rms_norm:
      case OpKind::layer_norm:
        return norm(node);
      case OpKind::rope:
        return rope(node);
      case OpKind::attention:
        return attention(node);
      case OpKind::pool:
        return pool(node);
      case OpKind::l2_norm:
        if (node.inputs[0] == embedding_ && node.output == graph_.embedding) return {};
        return Error{ErrorCode::unsupported,
                     "The NPU backend has no " + node.name +
                         " inside a model; run this model on --device cpu."};
      default:
        return elementwise(node);
    }
  }

  Result<void> linear(const Node& node) {
    if (fixed_) {
      NPB_TRY_ASSIGN(const bool fits, fits_grid(graph_, *fixed_, node));
      if (fits) return fixed_linear(node);
    }
    const HeadOrder order = orders_[node.output];
    NPB_TRY_ASSIGN(const uint16_t* data, weights_.halves.get(node.weight, order));
    std::vector<Id> inputs = {matrix(node.inputs[0]),
                              net_.constant(node.name + ".weight",
                                            {static_cast<uint32_t>(node.weight.rows),
                                             static_cast<uint32_t>(node.weight.cols())},
                                            data)};
    if (node.weight2) {
      NPB_TRY_ASSIGN(const Id bias, vector(node.name + ".bias", node.weight2, order));
      inputs.push_back(bias);
    }
    finish(node, "FullyConnected", inputs);
    return {};
  }

  /// Numbers of a value are at most this large.
  Result<float> magnitude(ValueId value) const {
    NPB_TRY_ASSIGN(const Range range, range_of(graph_, *fixed_, value));
    return range.largest * kHeadroom;
  }

  /// The value as 16-bit numbers [rows, width], once for all that read it.
  Result<Id> on_grid(ValueId value) {
    if (const auto found = on_grid_.find(value); found != on_grid_.end()) return found->second;
    NPB_TRY_ASSIGN(const float most, magnitude(value));
    const Id x = matrix(value);
    return on_grid_[value] = net_.node(graph_.values[value].name + ".quantized", "Quantize", {x},
                                       net_.dims(x), {}, false, grid_of(most));
  }

  /// The product in fixed point. A bias is added in f16: it would need a third number format.
  Result<void> fixed_linear(const Node& node) {
    const HeadOrder order = orders_[node.output];
    const uint32_t m = rows(node.output), n = width(node.output), k = width(node.inputs[0]);
    // The output matrix decides between tokens: its errors are seen at once.
    const WeightFormat format =
        node.output == graph_.logits ? WeightFormat::int8_channel : fixed_->format;
    NPB_TRY_ASSIGN(QuantizedMatrix * weight, weights_.quantized.get(node.weight, order, format));
    NPB_TRY_ASSIGN(float most, magnitude(node.output));
    Id bias = -1;
    if (node.weight2) {
      NPB_TRY_ASSIGN(bias, vector(node.name + ".bias", node.weight2, order));
      NPB_TRY_ASSIGN(const uint16_t* numbers, weights_.halves.get(node.weight2, order));
      float largest = 0;
      for (uint32_t i = 0; i < n; ++i)
        largest = std::max(largest, std::abs(f16_to_f32(numbers[i])));
      most += largest;
    }
    NPB_TRY_ASSIGN(const Id x, on_grid(node.inputs[0]));
    const Id w = net_.constant(node.name + ".weight", *weight);
    Id y;
    if (format == WeightFormat::int4_block) {
      const Id image = net_.reshape(node.name + ".image", x, {1, 1, m, k});
      y = net_.node(node.name + ".product", "Conv2d", {image, w}, {1, 1, m, n},
                    {Net::list("stride", {1, 1}), Net::table("pad_amount", 2, {0, 0, 0, 0}),
                     Net::list("dilation", {1, 1}), Net::u32("group", 1)},
                    false, grid_of(most));
      y = net_.reshape(node.name + ".rows", y, {m, n});
    } else {
      y = net_.node(node.name + ".product", "FullyConnected", {x, w}, {m, n}, {}, false,
                    grid_of(most));
    }
    if (bias < 0) {
      finish(node, "Dequantize", {y});
      return {};
    }
    y = net_.node(node.name + ".real", "Dequantize", {y}, {m, n});
    finish(node, "ElementWiseAdd", {y, bias});
    return {};
  }

  /// The node's last step: its output as [rows, width].
  void finish(const Node& node, const char* type, const std::vector<Id>& inputs,
              const std::vector<Net::Setting>& settings = {}) {
    const bool result = is_result(node.output);
    // A port's name is its tensor's, so that a context binary read back has the same ports.
    const std::string name = !result                        ? node.name
                             : node.output == graph_.logits ? "logits"
                                                            : "embedding";
    values_[node.output] =
        net_.node(name, type, inputs, {rows(node.output), width(node.output)}, settings, result);
    if (result) port_out(name, values_[node.output]);
  }

  Result<void> norm(const Node& node) {
    const uint32_t w = width(node.output), group = node.group ? node.group : w;
    NPB_TRY_ASSIGN(const Id gamma,
                   vector(node.name + ".weight", node.weight, orders_[node.output]));
    Id beta;
    if (node.kind == OpKind::layer_norm) {
      NPB_TRY_ASSIGN(beta, vector(node.name + ".bias", node.weight2));
    } else {
      beta = net_.constant(node.name + ".bias", {group}, std::vector<uint16_t>(group));
    }
    const char* type = node.kind == OpKind::layer_norm ? "LayerNorm" : "RmsNorm";
    const std::vector<Net::Setting> settings = {Net::f32("epsilon", node.eps),
                                                Net::list("axes", {1})};
    if (group == w) {
      finish(node, type, {matrix(node.inputs[0]), gamma, beta}, settings);
      return {};
    }
    const uint32_t groups = rows(node.output) * (w / group);
    const Id x = net_.reshape(node.name + ".heads", values_[node.inputs[0]], {groups, group});
    values_[node.output] = net_.node(node.name, type, {x, gamma, beta}, {groups, group}, settings);
    return {};
  }

  Result<void> rope(const Node& node) {
    const uint32_t heads = node.n_heads, dim = node.head_dim;
    const uint32_t pairs = static_cast<uint32_t>(graph_.hp.rope_inv_freq.size());
    const Net::Dims whole = {shape_.batch, shape_.tokens, heads, dim};
    const Net::Dims half = {shape_.batch, shape_.tokens, heads, pairs};
    const std::string& n = node.name;
    const Id x = net_.reshape(n + ".heads", values_[node.inputs[0]], whole);
    std::vector<Net::Dims> parts = {half, half};
    std::vector<uint32_t> cuts = {pairs};
    if (2 * pairs < dim) {
      parts.push_back({shape_.batch, shape_.tokens, heads, dim - 2 * pairs});
      cuts.push_back(2 * pairs);
    }
    const std::vector<Id> p = net_.nodes(n + ".split", "Split", {x}, parts,
                                         {Net::u32("axis", 3), Net::list("split_index", cuts)});
    const auto times = [&](const char* suffix, Id a, Id b) {
      return net_.node(n + suffix, "ElementWiseMultiply", {a, b}, half);
    };
    const Id first = net_.node(n + ".first", "ElementWiseSubtract",
                               {times(".ac", p[0], cos_), times(".bs", p[1], sin_)}, half);
    const Id second = net_.node(n + ".second", "ElementWiseAdd",
                                {times(".as", p[0], sin_), times(".bc", p[1], cos_)}, half);
    std::vector<Id> joined = {first, second};
    if (p.size() == 3) joined.push_back(p[2]);
    values_[node.output] = net_.node(n, "Concat", joined, whole, {Net::u32("axis", 3)});
    return {};
  }

  /// [B*T, heads * dim] -> [B * outer, inner * T, dim] with heads = outer * inner.
  Id by_head(const std::string& name, Id value, uint32_t outer, uint32_t inner, uint32_t dim,
             bool result) {
    const uint32_t b = shape_.batch, t = shape_.tokens;
    const Net::Dims target = {b * outer, inner * t, dim};
    if (t == 1) return net_.reshape(name, value, target, result);
    const Id heads = net_.reshape(name + ".heads", value, {b, t, outer * inner, dim});
    return net_.reshape(name, net_.transpose(name + ".turned", heads, {0, 2, 1, 3}), target,
                        result);
  }

  Id product(const std::string& name, Id a, Id b, bool transpose_b, Net::Dims dims) {
    return net_.node(name, "MatMul", {a, b}, std::move(dims),
                     {Net::flag("transpose_in0", false), Net::flag("transpose_in1", transpose_b)});
  }

  Result<void> attention(const Node& node) {
    const std::string& n = node.name;
    const uint32_t kv = node.n_kv_heads, dim = node.head_dim, t = shape_.tokens;
    const uint32_t heads = width(node.inputs[0]) / dim, group = heads / kv;
    const uint32_t outer = shape_.batch * kv, queries = group * t;
    const uint32_t past = node.causal ? shape_.past : 0, seen = past + t;
    std::string layer = ".";
    layer += std::to_string(node.layer);

    const Id k = by_head("new_k" + layer, values_[node.inputs[1]], kv, 1, dim, past > 0);
    const Id v = by_head("new_v" + layer, values_[node.inputs[2]], kv, 1, dim, past > 0);
    const Id turned = by_head(n + ".q", values_[node.inputs[0]], kv, group, dim, false);
    // Scaled before the product: scores then stay within f16 for longer.
    const Id q = net_.node(n + ".q_scaled", "ElementWiseMultiply",
                           {turned, number(n + ".scale", node.scale)}, {outer, queries, dim});
    Id scores = product(n + ".scores", q, k, true, {outer, queries, t});
    Id past_v = -1;
    if (past > 0) {
      port_out("new_k" + layer, k);
      port_out("new_v" + layer, v);
      const Id past_k = port_in("past_k" + layer, {outer, past, dim});
      past_v = port_in("past_v" + layer, {outer, past, dim});
      const Id old = product(n + ".past_scores", q, past_k, true, {outer, queries, past});
      scores = net_.node(n + ".all_scores", "Concat", {old, scores}, {outer, queries, seen},
                         {Net::u32("axis", 2)});
    }
    // One mask for all heads: [outer, group, T, seen] + [1, T, seen].
    const bool folded = group > 1 && t > 1;
    const Net::Dims flat = {outer, queries, seen};
    const Net::Dims shape = folded ? Net::Dims{outer, group, t, seen} : flat;
    Id p = net_.node(n + ".masked", "ElementWiseAdd",
                     {net_.reshape(n + ".by_query", scores, shape), mask_}, shape);
    p = net_.node(n + ".softmax", "Softmax", {p}, shape,
                  {Net::u32("axis", folded ? 3u : 2u), Net::f32("beta", 1.0f)});
    p = net_.reshape(n + ".weights", p, flat);
    Id sum;
    if (past > 0) {
      const std::vector<Id> parts =
          net_.nodes(n + ".parts", "Split", {p}, {{outer, queries, past}, {outer, queries, t}},
                     {Net::u32("axis", 2), Net::list("split_index", {past})});
      const Id old = product(n + ".past_sum", parts[0], past_v, false, {outer, queries, dim});
      const Id fresh = product(n + ".new_sum", parts[1], v, false, {outer, queries, dim});
      sum = net_.node(n + ".sum", "ElementWiseAdd", {old, fresh}, {outer, queries, dim});
    } else {
      sum = product(n + ".sum", p, v, false, {outer, queries, dim});
    }
    if (t > 1) {
      sum = net_.reshape(n + ".sum_heads", sum, {shape_.batch, heads, t, dim});
      sum = net_.transpose(n + ".sum_rows", sum, {0, 2, 1, 3});
    }
    values_[node.output] = sum;
    return {};
  }

  Result<void> pool(const Node& node) {
    if (shape_.tokens == 1 && !is_result(node.output)) {
      values_[node.output] = values_[node.inputs[0]];
      return {};
    }
    if (shape_.tokens == 1)
      return Error{ErrorCode::unsupported,
                   "The NPU backend pools over two tokens or more; use a longer --input-length."};
    finish(node, "MatMul", {select_, matrix(node.inputs[0])},
           {Net::flag("transpose_in0", false), Net::flag("transpose_in1", false)});
    return {};
  }

  Result<void> elementwise(const Node& node) {
    const std::string& n = node.name;
    const Net::Dims dims = {rows(node.output), width(node.output)};
    const Id x = matrix(node.inputs[0]);
    const auto times = [&](const std::string& name, Id a, Id b) {
      return net_.node(name, "ElementWiseMultiply", {a, b}, dims);
    };
    const auto sigmoid = [&](Id a) { return net_.node(n + ".sigmoid", "Sigmoid", {a}, dims); };
    switch (node.kind) {
      case OpKind::add:
        finish(node, "ElementWiseAdd", {x, matrix(node.inputs[1])});
        return {};
      case OpKind::mul:
        finish(node, "ElementWiseMultiply", {x, matrix(node.inputs[1])});
        return {};
      case OpKind::silu:
        finish(node, "ElementWiseMultiply", {x, sigmoid(x)});
        return {};
      case OpKind::swiglu:
        // Not x * sigmoid(x) first: HTP makes one operation of that pair, whose error is three
        // times what rounding to f16 gives.
        finish(node, "ElementWiseMultiply",
               {times(n + ".gated", matrix(node.inputs[1]), sigmoid(x)), x});
        return {};
      case OpKind::gelu: {
        if (!node.gelu_tanh) {
          finish(node, "Gelu", {x});
          return {};
        }
        // x * sigmoid(2 * sqrt(2 / pi) * (x + 0.044715 x^3)), the tanh form rewritten.
        const Id cubic = times(n + ".cubic", times(n + ".square", x, x),
                               number(n + ".c3", 1.5957691216f * 0.044715f));
        const Id slope = net_.node(n + ".slope", "ElementWiseAdd",
                                   {cubic, number(n + ".c1", 1.5957691216f)}, dims);
        finish(node, "ElementWiseMultiply", {x, sigmoid(times(n + ".inner", x, slope))});
        return {};
      }
      default:
        return Error{ErrorCode::unsupported, "The NPU backend has no operation for " + n +
                                                 "; run this model on --device cpu."};
    }
  }

  const Graph& graph_;
  const Shape shape_;
  const FixedPoint* fixed_;
  Weights& weights_;
  Net net_;
  std::vector<Id> values_;
  std::vector<HeadOrder> orders_;
  std::map<ValueId, Id> on_grid_;
  ValueId embedding_ = kNoValue;
  Id cos_ = -1, sin_ = -1, mask_ = -1, select_ = -1;
  Ports ports_;
};

}  // namespace

Result<Ports> compile(const Device& device, Handle handle, const Graph& graph, const Shape& shape,
                      const FixedPoint* fixed, Weights& weights) {
  return Compiler(device, handle, graph, shape, fixed, weights).run();
}

}  // namespace npb::qnn

#include "backends/xnnpack/compile.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <unordered_map>
#include <utility>

namespace npb::cpu {
namespace {

// A task of many rows should find its panels in the second-level cache of a core.
constexpr size_t kTaskBytes = 384 * 1024;
constexpr size_t kMostTaskPanels = 12;

class Compiler {
 public:
  Compiler(const Graph& graph, WeightStore& store, unsigned threads)
      : graph_(graph), store_(store), threads_(threads), done_(graph.nodes.size(), false) {
    consumers_.resize(graph.values.size());
    for (uint32_t i = 0; i < graph.nodes.size(); ++i) {
      for (ValueId input : graph.nodes[i].inputs)
        consumers_[static_cast<size_t>(input)].push_back(i);
    }
    pending_norm_.resize(graph.values.size());
  }

  Result<Plan> run() {
    for (uint32_t i = 0; i < graph_.nodes.size(); ++i) {
      if (done_[i]) continue;
      done_[i] = true;
      NPB_TRY(add_node(i));
    }
    return std::move(plan_);
  }

 private:
  const Value& value(ValueId id) const { return graph_.values[static_cast<size_t>(id)]; }
  const std::vector<uint32_t>& consumers(ValueId id) const {
    return consumers_[static_cast<size_t>(id)];
  }
  bool is_result(ValueId id) const {
    return id == graph_.logits || id == graph_.next_token || id == graph_.embedding;
  }

  Result<void> add_node(uint32_t index) {
    const Node& node = graph_.nodes[index];
    switch (node.kind) {
      case OpKind::linear:
        return add_product(index);
      case OpKind::rms_norm:
      case OpKind::layer_norm:
        return add_norm(index);
      case OpKind::embed:
        return add_simple(Step::Kind::embed, index);
      case OpKind::attention:
        return add_attention(index);
      case OpKind::pool:
        return add_simple(Step::Kind::pool, index);
      case OpKind::argmax:
        return add_simple(Step::Kind::argmax, index);
      default:
        return add_simple(Step::Kind::rows, index);
    }
  }

  Result<void> add_simple(Step::Kind kind, uint32_t index) {
    const Node& node = graph_.nodes[index];
    Step step;
    step.kind = kind;
    step.name = node.name;
    step.nodes = {index};
    step.node = &node;
    step.rows = value(node.output).rows;
    step.reads = node.inputs;
    step.writes = {node.output};
    plan_.steps.push_back(std::move(step));
    return {};
  }

  Result<RowNorm> make_norm(const Node& node) {
    RowNorm norm;
    norm.present = true;
    norm.layer = node.kind == OpKind::layer_norm;
    NPB_TRY_ASSIGN(norm.weight, store_.vector(node.weight));
    if (norm.layer) {
      NPB_TRY_ASSIGN(norm.bias, store_.vector(node.weight2));
    }
    norm.group = node.group != 0 ? node.group : value(node.output).width;
    norm.eps = node.eps;
    norm.input = node.inputs[0];
    norm.output = node.output;
    return norm;
  }

  /// A norm whose result a product reads first is computed while that product's rows are prepared.
  Result<void> add_norm(uint32_t index) {
    const Node& node = graph_.nodes[index];
    NPB_TRY_ASSIGN(RowNorm norm, make_norm(node));
    const auto& readers = consumers(node.output);
    if (!readers.empty() && graph_.nodes[readers.front()].kind == OpKind::linear) {
      const bool only_products = std::all_of(readers.begin(), readers.end(), [&](uint32_t reader) {
        return graph_.nodes[reader].kind == OpKind::linear;
      });
      if (only_products && !is_result(node.output)) norm.output = kNoValue;
      pending_norm_[static_cast<size_t>(node.output)] = {norm, index};
      return {};
    }
    NPB_TRY(add_simple(Step::Kind::rows, index));
    plan_.steps.back().norm = norm;
    return {};
  }

  Result<void> add_attention(uint32_t index) {
    NPB_TRY(add_simple(Step::Kind::attention, index));
    Step& step = plan_.steps.back();
    const Node& node = graph_.nodes[index];
    if (node.head_dim == 0 || node.n_kv_heads == 0 || node.n_heads % node.n_kv_heads != 0) {
      return Error{
          ErrorCode::unsupported,
          "Attention '" + node.name + "' has a head count that its key/value heads don't divide."};
    }
    if (!node.causal) return {};
    step.stores_key = stored_[node.inputs[1]];
    step.stores_value = stored_[node.inputs[2]];
    return {};
  }

  /// The one node that reads a value which is no result of the graph, or nothing.
  std::optional<uint32_t> only_reader(ValueId id) const {
    if (is_result(id) || consumers(id).size() != 1) return std::nullopt;
    const uint32_t reader = consumers(id).front();
    return done_[reader] ? std::nullopt : std::optional<uint32_t>(reader);
  }

  bool available(ValueId id) const {
    for (const Step& step : plan_.steps) {
      if (std::find(step.writes.begin(), step.writes.end(), id) != step.writes.end()) return true;
    }
    return false;
  }

  /// Takes over the nodes that follow a product's output, as long as each is the only reader of the
  /// one before and works column by column or head by head.
  Result<void> absorb_followers(Step& step, Part& part) {
    while (const auto reader = only_reader(part.out)) {
      const Node& node = graph_.nodes[*reader];
      ColumnOp op{};
      switch (node.kind) {
        case OpKind::silu:
          op.kind = ColumnOp::Kind::silu;
          break;
        case OpKind::gelu:
          op.kind = ColumnOp::Kind::gelu;
          op.tanh_form = node.gelu_tanh;
          break;
        case OpKind::add:
        case OpKind::mul: {
          op.kind = node.kind == OpKind::add ? ColumnOp::Kind::add : ColumnOp::Kind::mul;
          op.other = node.inputs[0] == part.out ? node.inputs[1] : node.inputs[0];
          if (op.other == part.out || !available(op.other)) return {};
          step.reads.push_back(op.other);
          break;
        }
        case OpKind::rms_norm: {
          if (node.group == 0 || node.group >= value(node.output).width) return {};
          op.kind = ColumnOp::Kind::norm_groups;
          op.group = node.group;
          op.eps = node.eps;
          NPB_TRY_ASSIGN(op.vector, store_.vector(node.weight));
          break;
        }
        case OpKind::rope:
          op.kind = ColumnOp::Kind::rope;
          op.group = node.head_dim;
          break;
        case OpKind::attention: {
          if (!node.causal) return {};  // reads the products' rows themselves
          if (node.inputs[1] != part.out && node.inputs[2] != part.out) return {};
          if (node.inputs[1] == node.inputs[2] || node.inputs[0] == part.out) return {};
          op.kind =
              node.inputs[1] == part.out ? ColumnOp::Kind::store_key : ColumnOp::Kind::store_value;
          op.group = node.head_dim;
          op.layer = node.layer;
          set_grain(part, op.group);
          part.ops.push_back(op);
          stored_[part.out] = true;
          return {};
        }
        default:
          return {};
      }
      if (op.group != 0) set_grain(part, op.group);
      part.ops.push_back(op);
      part.out = node.output;
      done_[*reader] = true;
      step.nodes.push_back(*reader);
    }
    return {};
  }

  static void set_grain(Part& part, size_t columns) {
    part.grain = std::lcm(part.grain, std::lcm(columns, kPanel) / kPanel);
  }

  Result<Part> make_part(const Node& node) {
    Part part;
    NPB_TRY_ASSIGN(part.matrix, store_.matrix(node.weight, node.name));
    part.grain = part.matrix->grain();
    part.out = node.output;
    if (node.weight2) {
      ColumnOp bias{};
      bias.kind = ColumnOp::Kind::bias;
      NPB_TRY_ASSIGN(bias.vector, store_.vector(node.weight2));
      part.ops.push_back(bias);
    }
    return part;
  }

  /// Two parts that only a SwiGLU reads become one.
  void pair_gate_and_up(Step& step) {
    for (size_t gate = 0; gate < step.parts.size(); ++gate) {
      const auto reader = only_reader(step.parts[gate].out);
      if (!reader || graph_.nodes[*reader].kind != OpKind::swiglu) continue;
      const Node& node = graph_.nodes[*reader];
      if (node.inputs[0] != step.parts[gate].out || node.inputs[0] == node.inputs[1]) continue;
      for (size_t up = 0; up < step.parts.size(); ++up) {
        if (step.parts[up].out != node.inputs[1] || only_reader(node.inputs[1]) != reader) continue;
        Part& pair = step.parts[gate];
        pair.up = step.parts[up].matrix;
        pair.up_ops = std::move(step.parts[up].ops);
        pair.grain = std::lcm(pair.grain, step.parts[up].grain);
        pair.out = node.output;
        done_[*reader] = true;
        step.nodes.push_back(*reader);
        step.parts.erase(step.parts.begin() + static_cast<ptrdiff_t>(up));
        gate = step.parts.size();  // indices have moved, and one pair is all that an input has
        break;
      }
    }
  }

  Result<void> add_product(uint32_t index) {
    const ValueId input = graph_.nodes[index].inputs[0];
    Step step;
    step.kind = Step::Kind::product;
    step.name = graph_.nodes[index].name;
    step.rows = value(input).rows;
    step.input = input;
    for (uint32_t reader : consumers(input)) {
      const Node& node = graph_.nodes[reader];
      if (node.kind != OpKind::linear || (done_[reader] && reader != index)) continue;
      done_[reader] = true;
      NPB_TRY_ASSIGN(Part part, make_part(node));
      step.nodes.push_back(reader);
      step.parts.push_back(std::move(part));
    }
    step.reads.push_back(input);
    if (auto& pending = pending_norm_[static_cast<size_t>(input)]; pending.first.present) {
      step.norm = pending.first;
      step.nodes.push_back(pending.second);
      step.reads.back() = step.norm.input;
      if (step.norm.output != kNoValue) step.writes.push_back(step.norm.output);
      if (step.norm.output != kNoValue) pending.first.present = false;
    }
    pair_gate_and_up(step);
    for (Part& part : step.parts) {
      if (part.up == nullptr) NPB_TRY(absorb_followers(step, part));
      step.writes.push_back(part.out);
      step.forms |= part.matrix->input();
      if (part.up != nullptr) step.forms |= part.up->input();
    }
    divide(step);
    plan_.steps.push_back(std::move(step));
    return {};
  }

  static size_t panel_bytes(const Part& part) {
    const size_t bytes =
        part.matrix->weight_bytes() + (part.up != nullptr ? part.up->weight_bytes() : 0);
    return std::max<size_t>(1, bytes / part.matrix->panels());
  }

  /// Cuts a step's panels into one even share per thread, and into tasks for many rows.
  void divide(Step& step) const {
    double total = 0;
    for (const Part& part : step.parts) {
      total += static_cast<double>(part.matrix->panels() * panel_bytes(part));
      step.weight_bytes +=
          part.matrix->weight_bytes() + (part.up != nullptr ? part.up->weight_bytes() : 0);
    }
    double before = 0;
    std::vector<std::vector<TaskRange>> shares(threads_);
    for (uint32_t p = 0; p < step.parts.size(); ++p) {
      const Part& part = step.parts[p];
      const size_t panels = part.matrix->panels(), bytes = panel_bytes(part);
      size_t begin = 0;
      for (unsigned thread = 0; thread < threads_ && begin < panels; ++thread) {
        const double border = total * (thread + 1) / threads_;
        size_t end = panels;
        if (thread + 1 < threads_) {
          const double wanted = std::max(0.0, (border - before) / static_cast<double>(bytes));
          const double grains = wanted / static_cast<double>(part.grain);
          end = std::min(panels, static_cast<size_t>(grains + 0.5) * part.grain);
        }
        if (end <= begin) continue;
        shares[thread].push_back({p, static_cast<uint32_t>(begin), static_cast<uint32_t>(end)});
        begin = end;
      }
      before += static_cast<double>(panels * bytes);
      size_t run = std::clamp<size_t>(kTaskBytes / bytes, 1, kMostTaskPanels);
      run = std::max(part.grain, run / part.grain * part.grain);
      for (size_t at = 0; at < panels; at += run) {
        step.tasks.push_back(
            {p, static_cast<uint32_t>(at), static_cast<uint32_t>(std::min(panels, at + run))});
      }
    }
    for (const auto& share : shares) {
      step.even_begin.push_back(static_cast<uint32_t>(step.even.size()));
      step.even.insert(step.even.end(), share.begin(), share.end());
    }
    step.even_begin.push_back(static_cast<uint32_t>(step.even.size()));
  }

  const Graph& graph_;
  WeightStore& store_;
  unsigned threads_;
  std::vector<bool> done_;
  std::vector<std::vector<uint32_t>> consumers_;
  std::vector<std::pair<RowNorm, uint32_t>> pending_norm_;  // by value
  std::unordered_map<ValueId, bool> stored_;
  Plan plan_;
};

}  // namespace

Result<Plan> compile(const Graph& graph, WeightStore& store, unsigned threads) {
  return Compiler(graph, store, threads).run();
}

}  // namespace npb::cpu

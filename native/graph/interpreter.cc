#include "graph/interpreter.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "core/clock.h"

namespace npb {

Interpreter::Interpreter(Graph graph, const InterpreterOptions& options)
    : graph_(std::move(graph)),
      options_(options),
      weights_(graph_.model->weights, options.f16_storage) {
  weights_.load(graph_, options.weight_budget_bytes, options.threads);
  if (graph_.hp.family == ModelFamily::decoder) {
    cache_ = reference::KvCache(graph_.hp.n_layers, options.batch, options.max_tokens,
                                graph_.hp.n_kv_heads * graph_.hp.head_dim);
  }
  values_.resize(graph_.values.size());
  last_use_.resize(graph_.values.size());
  for (size_t i = 0; i < graph_.nodes.size(); ++i) {
    const Node& node = graph_.nodes[i];
    last_use_[static_cast<size_t>(node.output)] = i;
    for (ValueId input : node.inputs) last_use_[static_cast<size_t>(input)] = i;
  }
  for (ValueId result : {graph_.logits, graph_.next_token, graph_.embedding}) {
    if (result != kNoValue)
      last_use_[static_cast<size_t>(result)] = std::numeric_limits<size_t>::max();
  }
}

std::span<const float> Interpreter::value(ValueId id) const {
  if (id < 0 || static_cast<size_t>(id) >= values_.size()) return {};
  return values_[static_cast<size_t>(id)];
}

Result<void> Interpreter::step(std::span<const int32_t> tokens) {
  if (tokens.empty() || tokens.size() % options_.batch != 0) {
    return Error{ErrorCode::invalid_argument, std::to_string(tokens.size()) +
                                                  " tokens can't be shared by a batch of " +
                                                  std::to_string(options_.batch) +
                                                  " sequences: give each as many as the others."};
  }
  const uint32_t step_tokens = static_cast<uint32_t>(tokens.size() / options_.batch);
  NPB_TRY(run_nodes(reference::Step{options_.batch, step_tokens, past_, tokens}));
  if (graph_.hp.family == ModelFamily::decoder) past_ += step_tokens;
  return {};
}

Result<void> Interpreter::run_nodes(const reference::Step& step) {
  const reference::OpContext context{graph_.hp, weights_, step, &cache_, options_.threads};
  uint64_t live_bytes = 0;
  for (size_t i = 0; i < graph_.nodes.size(); ++i) {
    const Node& node = graph_.nodes[i];
    const Value& shape = graph_.values[static_cast<size_t>(node.output)];
    std::vector<float>& output = values_[static_cast<size_t>(node.output)];
    output.resize(step.rows(shape.rows) * shape.width);
    live_bytes += output.size() * sizeof(float);
    peak_activation_bytes_ = std::max(peak_activation_bytes_, live_bytes);
    std::vector<std::span<const float>> inputs;
    for (ValueId input : node.inputs) inputs.push_back(value(input));
    const uint64_t begin_ns = now_ns();
    NPB_TRY(reference::run_op(context, node, inputs, output));
    if (options_.f16_storage && node.kind != OpKind::argmax) reference::round_to_f16(output);
    if (observer_) observer_(node, now_ns() - begin_ns, output);
    for (ValueId input : node.inputs) {
      std::vector<float>& used = values_[static_cast<size_t>(input)];
      if (last_use_[static_cast<size_t>(input)] != i || used.empty()) continue;
      live_bytes -= used.size() * sizeof(float);
      used = {};
    }
  }
  return {};
}

}  // namespace npb

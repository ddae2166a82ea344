#include "backends/xnnpack/session.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "backends/xnnpack/runtime.h"
#include "backends/xnnpack/weights.h"
#include "core/clock.h"
#include "core/cpu_info.h"
#include "graph/cost.h"

namespace npb::cpu {
namespace {

Error wrong_call(std::string message) {
  return Error{ErrorCode::invalid_argument, std::move(message)};
}

class CpuSession final : public Session {
 public:
  CpuSession(Graph graph, const SessionOptions& options, const Kernels& kernels)
      : graph_(std::move(graph)), options_(options), kernels_(kernels) {}

  Result<void> open(const PackedWeights::Options& weight_options, RuntimeOptions runtime_options,
                    OpenTimeline timeline) {
    timeline_ = timeline;
    weights_ = std::make_unique<PackedWeights>(graph_.model->weights, kernels_, weight_options);
    NPB_TRY_ASSIGN(Plan plan, compile(graph_, *weights_, runtime_options.threads));
    NPB_TRY(weights_->pack());
    timeline_.weights_ready_ns = now_ns();
    timeline_.packed_cache_hit = weights_->from_cache();
    timeline_.weight_read_bytes = weights_->source_bytes();
    NPB_TRY_ASSIGN(runtime_, Runtime::create(graph_, std::move(plan), kernels_, runtime_options));
    half_cache_ = runtime_options.half_cache;
    int16_attention_ = runtime_options.int16_attention;
    if (options_.profile) spent_.resize(runtime_->plan().steps.size());
    timeline_.compile_ns = now_ns();
    return {};
  }

  Result<void> forward(std::span<const int32_t> tokens, std::span<int32_t> next,
                       StepTiming& timing) override {
    if (graph_.next_token == kNoValue) {
      return wrong_call("An embedding model generates no tokens: measure it by its vectors.");
    }
    const uint64_t begin_ns = now_ns();
    uint32_t step_tokens = 0;
    NPB_TRY(check(tokens, step_tokens));
    if (past_ + step_tokens > options_.max_tokens) {
      return wrong_call(
          "The KV cache holds " + std::to_string(options_.max_tokens) +
          " tokens per sequence, which this step would exceed: allow for more tokens.");
    }
    const size_t rows = result_rows(graph_.logits, step_tokens);
    if (next.size() != rows) {
      return wrong_call("The step gives " + std::to_string(rows) +
                        " next tokens, but room was given for " + std::to_string(next.size()) +
                        ".");
    }
    runtime_->run(tokens, step_tokens, past_);
    std::copy_n(runtime_->next_tokens().begin(), rows, next.begin());
    finish(step_tokens, begin_ns, timing);
    past_ += step_tokens;
    return {};
  }

  Result<void> embed(std::span<const int32_t> tokens, std::span<float> vectors,
                     StepTiming& timing) override {
    if (graph_.embedding == kNoValue) {
      return wrong_call("A text generation model gives no embedding: measure it by its tokens.");
    }
    const uint64_t begin_ns = now_ns();
    uint32_t step_tokens = 0;
    NPB_TRY(check(tokens, step_tokens));
    runtime_->run(tokens, step_tokens, 0);
    NPB_TRY(copy_rows(graph_.embedding, step_tokens, vectors));
    finish(step_tokens, begin_ns, timing);
    return {};
  }

  Result<void> read_logits(std::span<float> logits) override {
    if (graph_.logits == kNoValue || last_step_tokens_ == 0) {
      return wrong_call("There are no logits before the first step of a text generation model.");
    }
    return copy_rows(graph_.logits, last_step_tokens_, logits);
  }

  void reset() override { past_ = 0; }
  OpenTimeline open_timeline() const override { return timeline_; }
  uint32_t threads() const override { return runtime_->threads(); }

  MemoryReport memory() const override {
    MemoryReport report;
    report.weights_bytes = weights_->packed_bytes();
    report.kv_cache_bytes = runtime_->kv_cache_bytes();
    report.activations_bytes = runtime_->activation_bytes();
    return report;
  }

  std::vector<PlacementEntry> placement() const override;
  Result<std::vector<OpProfile>> profile() const override;

 private:
  Result<void> check(std::span<const int32_t> tokens, uint32_t& step_tokens) const {
    step_tokens = static_cast<uint32_t>(tokens.size() / options_.batch);
    if (step_tokens == 0 || tokens.size() % options_.batch != 0 ||
        step_tokens > options_.max_step_tokens) {
      return wrong_call("A step of " + std::to_string(tokens.size()) +
                        " tokens doesn't fit a session of " + std::to_string(options_.batch) +
                        " sequences and at most " + std::to_string(options_.max_step_tokens) +
                        " tokens of each.");
    }
    for (int32_t token : tokens) {
      if (token < 0 || static_cast<uint32_t>(token) >= graph_.hp.vocab_size) {
        return wrong_call("Token " + std::to_string(token) + " is outside the vocabulary of " +
                          std::to_string(graph_.hp.vocab_size) + ".");
      }
    }
    return {};
  }

  /// Of a node that is no product.
  const char* compute_format(const Node& node) const {
    if (node.kind != OpKind::attention) return "f32";
    if (int16_attention_) return "int16, softmax in f32";
    return node.causal && half_cache_ ? "f32, KV cache f16" : "f32";
  }

  size_t result_rows(ValueId id, uint32_t step_tokens) const {
    const bool per_token = graph_.values[static_cast<size_t>(id)].rows == Rows::per_token;
    return per_token ? size_t{options_.batch} * step_tokens : options_.batch;
  }

  Result<void> copy_rows(ValueId id, uint32_t step_tokens, std::span<float> target) const {
    const size_t rows = result_rows(id, step_tokens),
                 width = graph_.values[static_cast<size_t>(id)].width;
    if (target.size() != rows * width) {
      return wrong_call("The result has " + std::to_string(rows * width) +
                        " numbers, but room was given for " + std::to_string(target.size()) + ".");
    }
    const Buffer from = runtime_->value(id);
    for (size_t r = 0; r < rows; ++r)
      std::copy_n(from.data + r * from.stride, width, target.data() + r * width);
    return {};
  }

  void finish(uint32_t step_tokens, uint64_t begin_ns, StepTiming& timing) {
    last_step_tokens_ = step_tokens;
    timing = {};
    timing.wall_ns = now_ns() - begin_ns;
    timing.execute_ns = timing.wall_ns;  // the caller's thread is one of those that compute
    if (options_.profile) count_costs(step_tokens);
  }

  void count_costs(uint32_t step_tokens) {
    const CostShape shape{options_.batch, step_tokens, past_, half_cache_ ? 2u : 4u};
    const auto& steps = runtime_->plan().steps;
    for (size_t s = 0; s < steps.size(); ++s) {
      spent_[s].weight_bytes += steps[s].weight_bytes;
      for (uint32_t node : steps[s].nodes) {
        const OpCost one = cost(graph_, graph_.nodes[node], shape);
        spent_[s].kv_bytes += one.kv_bytes;
        spent_[s].flops += one.flops;
      }
    }
  }

  Graph graph_;
  SessionOptions options_;
  const Kernels& kernels_;
  std::unique_ptr<PackedWeights> weights_;
  std::unique_ptr<Runtime> runtime_;
  OpenTimeline timeline_;
  bool half_cache_ = true, int16_attention_ = false;
  uint32_t past_ = 0;
  uint32_t last_step_tokens_ = 0;
  std::vector<OpCost> spent_;  // per step, when profiling
};

std::vector<PlacementEntry> CpuSession::placement() const {
  std::vector<PlacementEntry> entries;
  const auto entry_of = [&](const std::string& op, const std::string& kernel,
                            const std::string& stored,
                            const std::string& format) -> PlacementEntry& {
    for (PlacementEntry& entry : entries) {
      if (entry.op == op && entry.kernel == kernel && entry.stored_type == stored) return entry;
    }
    PlacementEntry& made = entries.emplace_back();
    made.op = op;
    made.where = "cpu";
    made.kernel = kernel;
    made.stored_type = stored;
    made.compute_format = format;
    return made;
  };
  for (const Node& node : graph_.nodes) {
    const bool linear = node.kind == OpKind::linear;
    const Matrix* matrix = linear ? weights_->find(node.weight) : nullptr;
    const std::string stored =
        node.weight ? std::string(tensor_type_info(node.weight.tensor->type).name) : "";
    PlacementEntry& entry =
        linear ? entry_of(name(node.kind), matrix->kernel(), stored, matrix->compute_format())
               : entry_of(name(node.kind), kernels_.name, stored, compute_format(node));
    entry.count++;
    if (linear) {
      entry.macs_per_token += node.weight.rows * node.weight.cols();
      entry.weight_bytes += matrix->weight_bytes();
    }
  }
  return entries;
}

Result<std::vector<OpProfile>> CpuSession::profile() const {
  std::vector<OpProfile> result;
  const auto times = runtime_->step_times();
  const auto& steps = runtime_->plan().steps;
  for (size_t s = 0; s < times.size(); ++s) {
    OpProfile& entry = result.emplace_back();
    entry.node = steps[s].name;
    for (size_t p = 1; p < steps[s].parts.size(); ++p)
      entry.node += "+";  // so many more share the step
    entry.op = name(graph_.nodes[steps[s].nodes.front()].kind);
    entry.calls = times[s].calls;
    entry.total_ns = times[s].total_ns;
    entry.bytes = spent_[s].weight_bytes + spent_[s].kv_bytes;
    entry.flops = spent_[s].flops;
  }
  return result;
}

/// The precisions that let matrices become int8.
bool eight_bits(Precision precision) {
  return precision == Precision::automatic || precision == Precision::int8 ||
         precision == Precision::int4;
}

/// All attention of the graph is an encoder's, of a size for the kernel in 16-bit integers.
bool takes_int16(const Graph& graph, const SessionOptions& options, const Kernels& kernels) {
  if (kernels.attend_all_int16 == nullptr) return false;
  return std::all_of(graph.nodes.begin(), graph.nodes.end(), [&](const Node& node) {
    return node.kind != OpKind::attention ||
           (!node.causal && attends_in_int16(options.max_step_tokens, node.head_dim));
  });
}

Result<const Kernels*> choose_kernels(const SessionOptions& options, bool& xnnpack_only) {
  const auto asked = options.extra.find("kernels");
  xnnpack_only = asked != options.extra.end() && asked->second == "xnnpack";
  if (asked == options.extra.end() || xnnpack_only) return find_kernels(nullptr);
  const Kernels* found = find_kernels(asked->second.c_str());
  if (found == nullptr) {
    return wrong_call("Kernels '" + asked->second +
                      "' don't exist or can't run on this processor: use xnnpack, base, avx2, "
                      "avx512, avx512vnni or neondot.");
  }
  return found;
}

}  // namespace

Result<std::unique_ptr<Session>> open_session(Graph graph, const SessionOptions& options) {
  OpenTimeline timeline;
  timeline.begin_ns = now_ns();
  if (options.batch == 0 || options.max_step_tokens == 0) {
    return wrong_call("A session needs at least one sequence and one token per step.");
  }
  const bool decoder = graph.hp.family == ModelFamily::decoder;
  SessionOptions settled = options;
  settled.max_tokens = std::max(options.max_tokens, options.max_step_tokens);
  const uint32_t context = graph.hp.context_length;
  if (!decoder && context > 0 && settled.max_step_tokens > context) {
    return wrong_call("The model has positions for " + std::to_string(context) +
                      " tokens, but steps of " + std::to_string(settled.max_step_tokens) +
                      " were asked for: use a shorter input.");
  }

  bool xnnpack_only = false;
  NPB_TRY_ASSIGN(const Kernels* kernels, choose_kernels(options, xnnpack_only));
  const CpuInfo& cpu = cpu_info();
  RuntimeOptions runtime;
  runtime.batch = settled.batch;
  runtime.max_tokens = settled.max_tokens;
  runtime.max_step_tokens = settled.max_step_tokens;
  runtime.threads =
      options.threads != 0 ? options.threads : static_cast<unsigned>(cpu.performance_cpus.size());
  runtime.cpu_ids = options.cpu_ids;
  runtime.half_cache = options.precision != Precision::f32;
  runtime.int16_attention = eight_bits(options.precision) && takes_int16(graph, settled, *kernels);
  runtime.profile = options.profile;
  runtime.uniform_cores = cpu.uniform;

  PackedWeights::Options weights;
  weights.precision = options.precision;
  weights.threads = runtime.threads;
  weights.own_blocks = kernels->block_product != nullptr && !xnnpack_only;
  // One scale for a row of activations is fine enough for an encoder; a language model's have
  // outliers, which blocks hold better.
  weights.channels = weights.own_blocks && !decoder && kernels->channel_product != nullptr;
  weights.cache_dir = options.packed_cache_dir;

  timeline.device_open_ns = now_ns();
  auto session = std::make_unique<CpuSession>(std::move(graph), settled, *kernels);
  NPB_TRY(session->open(weights, runtime, timeline));
  return std::unique_ptr<Session>(std::move(session));
}

}  // namespace npb::cpu

#include "backends/qnn/session.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "backends/qnn/host_ops.h"
#include "backends/qnn/io_memory.h"
#include "backends/qnn/perf.h"
#include "backends/qnn/placement.h"
#include "backends/qnn/plans.h"
#include "backends/qnn/program.h"
#include "core/clock.h"
#include "core/half.h"

namespace npb::qnn {
namespace {

Error wrong_call(std::string message) {
  return Error{ErrorCode::invalid_argument, std::move(message)};
}

/// One execution's buffers by purpose, looked up once.
struct Step {
  Executable executable;
  Shape shape;
  uint16_t *x = nullptr, *cos = nullptr, *sin = nullptr, *mask = nullptr, *select = nullptr;
  const uint16_t* result = nullptr;  // logits or embedding
  std::vector<const uint16_t*> new_k, new_v;
};

class QnnSession final : public Session {
 public:
  QnnSession(Graph graph, const SessionOptions& options, std::unique_ptr<Device> device)
      : graph_(std::move(graph)),
        options_(options),
        device_(std::move(device)),
        embedder_(graph_) {}

  Result<void> open(OpenTimeline timeline);

  Result<void> forward(std::span<const int32_t> tokens, std::span<int32_t> next,
                       StepTiming& timing) override;
  Result<void> embed(std::span<const int32_t> tokens, std::span<float> vectors,
                     StepTiming& timing) override;

  Result<void> read_logits(std::span<float> logits) override {
    if (logits.size() != last_logits_ || last_logits_ == 0)
      return wrong_call("The last step left " + std::to_string(last_logits_) + " logits, but " +
                        std::to_string(logits.size()) + " were asked for.");
    std::copy_n(logits_.begin(), last_logits_, logits.begin());
    return {};
  }

  void reset() override {
    past_ = 0;
    // A number that isn't finite would reach every later answer even where it is masked.
    for (const auto& [data, count] : cache_) std::fill(data, data + count, uint16_t{0});
  }

  OpenTimeline open_timeline() const override { return timeline_; }

  MemoryReport memory() const override {
    MemoryReport report;
    const uint64_t copies = program_.weights_shared ? 1 : program_.parts.size();
    report.weights_bytes =
        program_.from_cache ? program_.binary.size() : program_.weight_bytes * copies;
    report.kv_cache_bytes = buffers_.bytes("past_");
    report.activations_bytes = buffers_.bytes("") - report.kv_cache_bytes;
    report.counted_in_process = device_->library().simulated();
    return report;
  }

  std::vector<PlacementEntry> placement() const override {
    std::vector<PlacementEntry> entries =
        place(graph_, fixed_ ? &*fixed_ : nullptr, device_->library().simulated());
    PlacementEntry storage;
    storage.op = "inputs, outputs and KV cache";
    storage.where = device_->library().simulated() ? "npu:qnn (simulated)" : "npu:qnn";
    storage.kernel = buffers_.kind();
    storage.count = buffers_.count();
    entries.push_back(std::move(storage));
    return entries;
  }
  Result<std::vector<OpProfile>> profile() const override {
    return profile_nodes(graph_, cycles_, accelerator_us_, executions_);
  }

 private:
  Result<void> check(std::span<const int32_t> tokens, uint32_t& step_tokens) const;
  Result<Step> bind(size_t part, const GraphPlan& plan);
  Result<void> run(Step& step, std::span<const int32_t> tokens, uint32_t length, uint32_t first,
                   uint32_t used, StepTiming& timing);
  void append(const Step& step, uint32_t used);
  uint32_t first_step_with(uint32_t remaining) const {
    return remaining == 1 || steps_.size() == 1 ? static_cast<uint32_t>(steps_.size() - 1) : 0;
  }

  Graph graph_;
  SessionOptions options_;
  std::unique_ptr<Device> device_;
  std::optional<FixedPoint> fixed_;
  Program program_;
  std::unique_ptr<PerfVote> vote_;
  std::unique_ptr<Profile> profile_;
  Embedder embedder_;
  Angles angles_;
  Buffers buffers_;
  std::vector<Step> steps_;  // prefill (if steps of more than one token are allowed), decode
  std::vector<std::pair<uint16_t*, uint32_t>> cache_;
  std::vector<uint16_t*> past_k_, past_v_;
  std::vector<float> logits_;
  size_t last_logits_ = 0;
  uint32_t past_ = 0, past_rows_ = 0, head_dim_ = 0;
  Pooling pooling_ = Pooling::last;
  bool all_logits_ = false, normalize_ = false;
  OpenTimeline timeline_;
  std::map<std::string, uint64_t> cycles_;
  uint64_t accelerator_us_ = 0, executions_ = 0;
};

Result<void> QnnSession::open(OpenTimeline timeline) {
  timeline_ = timeline;
  const bool encoder = graph_.embedding != kNoValue;
  const std::vector<GraphPlan> plans = graph_plans(graph_, options_);
  if (!encoder) {
    past_rows_ = plans.back().shape.past;
    all_logits_ = graph_.values[graph_.logits].rows == Rows::per_token;
  }
  for (const Node& node : graph_.nodes) {
    if (node.kind == OpKind::attention) head_dim_ = node.head_dim;
    if (node.kind == OpKind::pool) pooling_ = node.pooling;
    normalize_ = normalize_ || node.kind == OpKind::l2_norm;
  }
  NPB_TRY_ASSIGN(fixed_, fixed_point(graph_, options_));
  NPB_TRY_ASSIGN(program_, make_program(*device_, graph_, plans, fixed_ ? &*fixed_ : nullptr,
                                        options_.packed_cache_dir));
  NPB_TRY_ASSIGN(IoMemory memory, IoMemory::open(*device_, options_.extra));
  buffers_.use(std::move(memory), program_.context->handle());
  timeline_.weights_ready_ns = program_.weights_ready_ns;
  timeline_.packed_cache_hit = program_.from_cache;
  timeline_.weight_read_bytes = program_.weight_read_bytes;
  for (size_t i = 0; i < plans.size(); ++i) {
    NPB_TRY_ASSIGN(Step step, bind(i, plans[i]));
    steps_.push_back(std::move(step));
  }
  if (!encoder) {
    for (uint32_t layer = 0; layer < graph_.hp.n_layers; ++layer) {
      const std::string suffix = std::string(".") + std::to_string(layer);
      past_k_.push_back(steps_[0].executable.find("past_k" + suffix));
      past_v_.push_back(steps_[0].executable.find("past_v" + suffix));
      if (!past_k_.back() || !past_v_.back())
        return Error{ErrorCode::internal,
                     "The NPU graph has no cache for layer " + std::to_string(layer) + "."};
      cache_.emplace_back(past_k_.back(), steps_[0].executable.count("past_k" + suffix));
      cache_.emplace_back(past_v_.back(), steps_[0].executable.count("past_v" + suffix));
    }
    angles_ = Angles(graph_.hp, past_rows_ + kPrefillTokens + steps_[0].shape.tokens);
    const size_t rows =
        all_logits_ ? size_t{options_.batch} * options_.max_step_tokens : options_.batch;
    logits_.resize(rows * graph_.hp.vocab_size);
  }
  const auto named = options_.extra.find("perf_profile");
  NPB_TRY_ASSIGN(vote_,
                 PerfVote::cast(*device_, named == options_.extra.end() ? "burst" : named->second));
  profile_ = Profile::create(*device_,
                             options_.profile ? Profile::Level::detailed : Profile::Level::basic);
  timeline_.compile_ns = now_ns();
  return {};
}

Result<Step> QnnSession::bind(size_t part, const GraphPlan& plan) {
  const Program::Part& made = program_.parts[part];
  Step step;
  step.shape = plan.shape;
  NPB_TRY_ASSIGN(step.executable,
                 Executable::bind(made.handle, made.ports, plan.name + ".", buffers_));
  const Executable& e = step.executable;
  step.x = e.find("x");
  step.cos = e.find("cos");
  step.sin = e.find("sin");
  step.mask = e.find("mask");
  step.select = e.find("select");
  const bool encoder = graph_.embedding != kNoValue;
  step.result = e.find(encoder ? "embedding" : "logits");
  const uint32_t rows = plan.shape.batch * plan.shape.tokens;
  const uint32_t result_rows = all_logits_ ? rows : plan.shape.batch;
  const uint32_t width = encoder ? graph_.hp.d_model : graph_.hp.vocab_size;
  const uint32_t pairs = plan.shape.tokens * static_cast<uint32_t>(graph_.hp.rope_inv_freq.size());
  const bool fits = e.count("x") == rows * graph_.hp.d_model &&
                    e.count("mask") == plan.shape.tokens * (plan.shape.past + plan.shape.tokens) &&
                    (!step.cos || (e.count("cos") == pairs && e.count("sin") == pairs)) &&
                    (!step.select || e.count("select") == plan.shape.batch * rows) &&
                    e.count(encoder ? "embedding" : "logits") == result_rows * width;
  if (!fits)
    return Error{ErrorCode::internal, "The NPU graph \"" + plan.name +
                                          "\" has other inputs or outputs than were compiled."};
  if (encoder) return step;
  for (uint32_t layer = 0; layer < graph_.hp.n_layers; ++layer) {
    const std::string suffix = std::string(".") + std::to_string(layer);
    step.new_k.push_back(e.find("new_k" + suffix));
    step.new_v.push_back(e.find("new_v" + suffix));
    const uint64_t fresh = uint64_t{e.count("new_k" + suffix)} * past_rows_;
    if (fresh == 0 || fresh != uint64_t{e.count("past_k" + suffix)} * plan.shape.tokens ||
        e.count("new_v" + suffix) != e.count("new_k" + suffix) ||
        e.count("past_v" + suffix) != e.count("past_k" + suffix))
      return Error{ErrorCode::internal,
                   "The NPU graph \"" + plan.name + "\" and the KV cache differ in size."};
  }
  return step;
}

Result<void> QnnSession::check(std::span<const int32_t> tokens, uint32_t& step_tokens) const {
  step_tokens = static_cast<uint32_t>(tokens.size() / options_.batch);
  if (step_tokens == 0 || tokens.size() % options_.batch != 0 ||
      step_tokens > options_.max_step_tokens)
    return wrong_call("A step of " + std::to_string(tokens.size()) +
                      " tokens doesn't fit a session of " + std::to_string(options_.batch) +
                      " sequences and at most " + std::to_string(options_.max_step_tokens) +
                      " tokens of each.");
  for (int32_t token : tokens) {
    if (token < 0 || static_cast<uint32_t>(token) >= graph_.hp.vocab_size)
      return wrong_call("Token " + std::to_string(token) + " is outside the vocabulary of " +
                        std::to_string(graph_.hp.vocab_size) + ".");
  }
  return {};
}

/// Executes tokens [first, first + used) of every sequence, each `length` tokens long.
Result<void> QnnSession::run(Step& step, std::span<const int32_t> tokens, uint32_t length,
                             uint32_t first, uint32_t used, StepTiming& timing) {
  const uint64_t begin_ns = now_ns();
  const uint32_t t = step.shape.tokens, d = graph_.hp.d_model;
  for (uint32_t b = 0; b < options_.batch; ++b) {
    for (uint32_t i = 0; i < t; ++i) {
      // Padding repeats the last token: a number like any other, which nobody sees.
      const uint32_t at = first + std::min(i, used - 1);
      embedder_.write(tokens[size_t{b} * length + at], at, step.x + (size_t{b} * t + i) * d);
    }
  }
  if (step.cos) {
    const size_t from = size_t{past_} * angles_.pairs, count = size_t{t} * angles_.pairs;
    std::copy_n(angles_.cos.data() + from, count, step.cos);
    std::copy_n(angles_.sin.data() + from, count, step.sin);
  }
  if (step.shape.past > 0)
    write_causal_mask(step.mask, t, step.shape.past, past_);
  else
    write_full_mask(step.mask, t, used);
  if (step.select) write_selection(step.select, options_.batch, t, used, pooling_);
  const uint64_t written_ns = now_ns();
  const auto done =
      step.executable.execute(device_->functions(), profile_ ? profile_->handle() : nullptr);
  const uint64_t executed_ns = now_ns();
  if (!done.ok()) return done.error();
  timing.transfer_ns = timing.transfer_ns.value_or(0) + (written_ns - begin_ns);
  if (!profile_) return {};
  split_call(profile_->read(), executed_ns - written_ns, timing, &accelerator_us_);
  ++executions_;
  if (options_.profile) profile_->add_node_cycles(cycles_);
  return {};
}

/// Puts the step's keys and values behind the cache's past rows: nothing else moves.
void QnnSession::append(const Step& step, uint32_t used) {
  const uint32_t outer = options_.batch * graph_.hp.n_kv_heads, t = step.shape.tokens;
  for (size_t layer = 0; layer < past_k_.size(); ++layer) {
    for (uint32_t n = 0; n < outer; ++n) {
      const size_t to = (size_t{n} * past_rows_ + past_) * head_dim_,
                   from = size_t{n} * t * head_dim_;
      std::copy_n(step.new_k[layer] + from, size_t{used} * head_dim_, past_k_[layer] + to);
      std::copy_n(step.new_v[layer] + from, size_t{used} * head_dim_, past_v_[layer] + to);
    }
  }
  past_ += used;
}

Result<void> QnnSession::forward(std::span<const int32_t> tokens, std::span<int32_t> next,
                                 StepTiming& timing) {
  if (graph_.next_token == kNoValue)
    return wrong_call("An embedding model generates no tokens: measure it by its vectors.");
  const uint64_t begin_ns = now_ns();
  uint32_t length = 0;
  NPB_TRY(check(tokens, length));
  if (past_ + length > options_.max_tokens)
    return wrong_call("The KV cache holds " + std::to_string(options_.max_tokens) +
                      " tokens per sequence, which this step would exceed: allow for more tokens.");
  const size_t rows = all_logits_ ? tokens.size() : options_.batch;
  if (next.size() != rows)
    return wrong_call("The step gives " + std::to_string(rows) +
                      " next tokens, but room was given for " + std::to_string(next.size()) + ".");
  timing = {};
  const uint32_t vocab = graph_.hp.vocab_size, start = past_;
  for (uint32_t first = 0; first < length;) {
    Step& step = steps_[first_step_with(length - first)];
    const uint32_t t = step.shape.tokens, used = std::min(t, length - first);
    if (const auto done = run(step, tokens, length, first, used, timing); !done.ok()) {
      past_ = start;
      return done;
    }
    const uint64_t read_ns = now_ns();
    append(step, used);
    first += used;
    if (all_logits_ || first == length) {
      for (uint32_t b = 0; b < options_.batch; ++b) {
        const uint32_t count = all_logits_ ? used : 1;
        const uint16_t* from = step.result + size_t{b} * (all_logits_ ? t : 1) * vocab;
        float* to =
            logits_.data() + (all_logits_ ? size_t{b} * length + first - used : size_t{b}) * vocab;
        std::transform(from, from + size_t{count} * vocab, to, f16_to_f32);
      }
    }
    timing.transfer_ns = timing.transfer_ns.value_or(0) + (now_ns() - read_ns);
  }
  last_logits_ = rows * vocab;
  for (size_t row = 0; row < rows; ++row)
    next[row] = argmax(std::span(logits_).subspan(row * vocab, vocab));
  timing.wall_ns = now_ns() - begin_ns;
  return {};
}

Result<void> QnnSession::embed(std::span<const int32_t> tokens, std::span<float> vectors,
                               StepTiming& timing) {
  if (graph_.embedding == kNoValue)
    return wrong_call("A text generation model gives no embedding: measure it by its tokens.");
  const uint64_t begin_ns = now_ns();
  uint32_t length = 0;
  NPB_TRY(check(tokens, length));
  const uint32_t d = graph_.hp.d_model;
  if (vectors.size() != size_t{options_.batch} * d)
    return wrong_call("The step gives " + std::to_string(options_.batch * d) +
                      " numbers, but room was given for " + std::to_string(vectors.size()) + ".");
  timing = {};
  Step& step = steps_[0];
  NPB_TRY(run(step, tokens, length, 0, length, timing));
  std::transform(step.result, step.result + vectors.size(), vectors.begin(), f16_to_f32);
  for (uint32_t b = 0; normalize_ && b < options_.batch; ++b) {
    double squares = 0;
    for (uint32_t i = 0; i < d; ++i)
      squares += double{vectors[size_t{b} * d + i]} * vectors[size_t{b} * d + i];
    const double factor = 1.0 / std::max(std::sqrt(squares), 1e-12);
    for (uint32_t i = 0; i < d; ++i) {
      float& value = vectors[size_t{b} * d + i];
      value = static_cast<float>(value * factor);
    }
  }
  timing.wall_ns = now_ns() - begin_ns;
  return {};
}

}  // namespace

Result<std::unique_ptr<Session>> open_session(Graph graph, const SessionOptions& options) {
  OpenTimeline timeline;
  timeline.begin_ns = now_ns();
  if (options.precision == Precision::f32)
    return Error{ErrorCode::unsupported,
                 "The NPU has no f32 arithmetic: use --precision f16 (which auto is), int8 or "
                 "int4."};
  if (options.device_index != 0)
    return Error{ErrorCode::not_found, "There is no NPU " + std::to_string(options.device_index) +
                                           "; `npu-bench devices` lists those that there are."};
  if (options.batch == 0 || options.max_step_tokens == 0)
    return wrong_call("A session needs a batch and a step of 1 or more.");
  NPB_TRY_ASSIGN(std::unique_ptr<Device> device, Device::open(options.extra));
  timeline.device_open_ns = now_ns();
  auto session = std::make_unique<QnnSession>(std::move(graph), options, std::move(device));
  NPB_TRY(session->open(timeline));
  return std::unique_ptr<Session>(std::move(session));
}

}  // namespace npb::qnn

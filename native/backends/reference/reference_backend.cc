#include "backends/reference/reference_backend.h"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "core/clock.h"
#include "graph/cost.h"
#include "graph/interpreter.h"

namespace npb {
namespace {

class ReferenceSession final : public Session {
 public:
  ReferenceSession(Graph graph, const SessionOptions& options, OpenTimeline timeline)
      : interpreter_(std::move(graph),
                     InterpreterOptions{options.batch, options.max_tokens, options.threads}),
        batch_(options.batch),
        timeline_(timeline) {
    timeline_.weights_ready_ns = timeline_.compile_ns = now_ns();
    for (const Node& node : interpreter_.graph().nodes) {
      for (const WeightRef* ref : {&node.weight, &node.weight2, &node.weight3}) {
        if (*ref)
          timeline_.weight_read_bytes += ref->rows * ref->tensor->bytes() / ref->tensor->rows;
      }
    }
    if (!options.profile) return;
    for (const Node& node : interpreter_.graph().nodes) {
      OpProfile& entry = profile_.emplace_back();
      entry.node = node.name;
      entry.op = name(node.kind);
    }
    interpreter_.observe([this](const Node& node, uint64_t wall_ns, std::span<const float>) {
      const size_t index = static_cast<size_t>(&node - interpreter_.graph().nodes.data());
      const OpCost spent =
          cost(interpreter_.graph(), node, {batch_, step_tokens_, interpreter_.past()});
      OpProfile& entry = profile_[index];
      entry.calls += 1;
      entry.total_ns += wall_ns;
      entry.bytes += spent.weight_bytes + spent.kv_bytes;
      entry.flops += spent.flops;
    });
  }

  Result<void> forward(std::span<const int32_t> tokens, std::span<int32_t> next,
                       StepTiming& timing) override {
    const Graph& graph = interpreter_.graph();
    if (graph.next_token == kNoValue) {
      return Error{ErrorCode::invalid_argument,
                   "An embedding model generates no tokens: measure it by its vectors."};
    }
    const uint64_t begin_ns = now_ns();
    step_tokens_ = static_cast<uint32_t>(tokens.size() / batch_);
    NPB_TRY(interpreter_.step(tokens));
    const std::span<const float> ids = interpreter_.value(graph.next_token);
    if (ids.size() != next.size()) {
      return Error{ErrorCode::invalid_argument, "The step gives " + std::to_string(ids.size()) +
                                                    " next tokens, but room was given for " +
                                                    std::to_string(next.size()) + "."};
    }
    std::transform(ids.begin(), ids.end(), next.begin(),
                   [](float id) { return static_cast<int32_t>(id); });
    finish(timing, begin_ns);
    return {};
  }

  Result<void> embed(std::span<const int32_t> tokens, std::span<float> vectors,
                     StepTiming& timing) override {
    const Graph& graph = interpreter_.graph();
    if (graph.embedding == kNoValue) {
      return Error{ErrorCode::invalid_argument,
                   "A text generation model gives no embedding: measure it by its tokens."};
    }
    const uint64_t begin_ns = now_ns();
    step_tokens_ = static_cast<uint32_t>(tokens.size() / batch_);
    NPB_TRY(interpreter_.step(tokens));
    NPB_TRY(copy(interpreter_.value(graph.embedding), vectors));
    finish(timing, begin_ns);
    return {};
  }

  Result<void> read_logits(std::span<float> logits) override {
    return copy(interpreter_.value(interpreter_.graph().logits), logits);
  }

  void reset() override { interpreter_.reset(); }
  OpenTimeline open_timeline() const override { return timeline_; }

  MemoryReport memory() const override {
    return {.weights_bytes = interpreter_.weight_bytes(),
            .kv_cache_bytes = interpreter_.kv_cache_bytes(),
            .activations_bytes = interpreter_.activation_bytes()};
  }

  std::vector<PlacementEntry> placement() const override {
    std::vector<PlacementEntry> entries;
    for (const Node& node : interpreter_.graph().nodes) {
      const std::string type = node.weight
                                   ? std::string(tensor_type_info(node.weight.tensor->type).name)
                                   : std::string();
      auto entry = std::find_if(entries.begin(), entries.end(), [&](const PlacementEntry& e) {
        return e.op == name(node.kind) && e.stored_type == type;
      });
      if (entry == entries.end()) {
        entries.push_back(PlacementEntry{.op = name(node.kind),
                                         .where = "cpu",
                                         .kernel = "plain C++",
                                         .stored_type = type,
                                         .compute_format = "f32, sums in f64"});
        entry = entries.end() - 1;
      }
      entry->count += 1;
      entry->macs_per_token += cost(interpreter_.graph(), node, {}).macs;
      if (node.weight) entry->weight_bytes += node.weight.rows * node.weight.cols() * sizeof(float);
    }
    return entries;
  }

  Result<std::vector<OpProfile>> profile() const override { return profile_; }

 private:
  static Result<void> copy(std::span<const float> from, std::span<float> to) {
    if (from.empty() || from.size() != to.size()) {
      return Error{ErrorCode::invalid_argument, "The last step left " +
                                                    std::to_string(from.size()) + " numbers, but " +
                                                    std::to_string(to.size()) + " were asked for."};
    }
    std::copy(from.begin(), from.end(), to.begin());
    return {};
  }

  static void finish(StepTiming& timing, uint64_t begin_ns) {
    timing = {};
    timing.wall_ns = now_ns() - begin_ns;
    timing.execute_ns = timing.wall_ns;
  }

  Interpreter interpreter_;
  uint32_t batch_;
  uint32_t step_tokens_ = 0;
  OpenTimeline timeline_;
  std::vector<OpProfile> profile_;
};

class ReferenceBackend final : public Backend {
 public:
  const char* id() const override { return "reference"; }
  DeviceKind kind() const override { return DeviceKind::cpu; }

  ProbeResult probe(const SessionOptions&) const override {
    DeviceInfo info;
    info.kind = DeviceKind::cpu;
    info.backend = id();
    info.name = "reference interpreter";
    return {.devices = {info}, .unavailable = {}};
  }

  Result<std::unique_ptr<Session>> open(Graph graph, const SessionOptions& options) const override {
    if (options.batch == 0) {
      return Error{ErrorCode::invalid_argument,
                   "A batch of 0 sequences has nothing to run: use 1 or more."};
    }
    if (options.precision != Precision::automatic && options.precision != Precision::f32) {
      return Error{ErrorCode::unsupported,
                   "The reference backend computes in f32 only: use --precision f32 or auto."};
    }
    OpenTimeline timeline;
    timeline.begin_ns = timeline.device_open_ns = now_ns();
    try {
      return std::unique_ptr<Session>(
          std::make_unique<ReferenceSession>(std::move(graph), options, timeline));
    } catch (const std::bad_alloc&) {
      return Error{ErrorCode::out_of_memory,
                   "Memory for the weights and the KV cache was refused: use a shorter length, a "
                   "smaller batch or a smaller model."};
    }
  }
};

}  // namespace

const Backend& reference_backend() {
  static const ReferenceBackend backend;
  return backend;
}

}  // namespace npb

#include "backends/gpu/session.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "backends/gpu/plan.h"
#include "core/clock.h"

namespace npb::gpu {
namespace {

class GpuSession : public Session {
 public:
  GpuSession(std::unique_ptr<Device> device, Graph graph, const SessionOptions& options)
      : device_(std::move(device)),
        graph_(std::make_unique<Graph>(std::move(graph))),
        options_(options) {}

  Result<void> open(uint64_t begin_ns, uint64_t opened_ns) {
    timeline_.begin_ns = begin_ns;
    timeline_.device_open_ns = opened_ns;
    const auto asked = options_.extra.find("decode_ahead");
    ahead_ = device_->runs_ahead() && (asked == options_.extra.end() || asked->second != "off");
    if (options_.precision == Precision::int8 || options_.precision == Precision::int4)
      return Error{ErrorCode::unsupported,
                   "The GPU computes in the model's own weight format; use --precision auto, f16 "
                   "or f32, or a "
                   "model file of the wanted type."};
    const bool kv_f16 = options_.precision != Precision::f32;
    NPB_TRY_ASSIGN(
        plan_, Plan::make(*device_, *graph_,
                          {.batch = options_.batch,
                           .max_tokens = std::max(options_.max_tokens, options_.max_step_tokens),
                           .max_step_tokens = options_.max_step_tokens,
                           .kv_f16 = kv_f16,
                           .f16 = options_.precision == Precision::f16 &&
                                  device_->limits().f16_arithmetic},
                          options_.threads));
    timeline_.weights_ready_ns = now_ns();
    timeline_.weight_read_bytes = graph_->model->weight_bytes;
    if (graph_->next_token != kNoValue) {
      NPB_TRY(recorded(1));
      if (feeds_itself()) {
        NPB_TRY_ASSIGN(second_, device_->record(plan_->dispatches(1, 1)));
      }
    }
    NPB_TRY(recorded(options_.max_step_tokens));
    const KernelCache kernels = device_->keep_kernels();
    if (kernels != KernelCache::off && kernels != KernelCache::opaque)
      timeline_.kernel_cache_hit = kernels == KernelCache::hit;
    timeline_.compile_ns = now_ns();
    return {};
  }

  Result<void> forward(std::span<const int32_t> tokens, std::span<int32_t> next,
                       StepTiming& timing) override {
    if (graph_->next_token == kNoValue)
      return Error{ErrorCode::invalid_argument,
                   "This model is an encoder: it has embeddings, not next tokens."};
    NPB_TRY_ASSIGN(const Finished finished, step(tokens, timing));
    const uint64_t begin = now_ns();
    const size_t rows =
        graph_->values[graph_->logits].rows == Rows::per_token ? tokens.size() : options_.batch;
    if (next.size() != rows)
      return Error{ErrorCode::internal, "forward() was given room for " +
                                            std::to_string(next.size()) + " tokens, not " +
                                            std::to_string(rows)};
    std::memcpy(next.data(), device_->mapped(plan_->io()) + plan_->next_offset(), rows * 4);
    end_step(finished, begin, timing);
    past_ += static_cast<uint32_t>(tokens.size() / options_.batch);
    return {};
  }

  Result<void> decode(uint32_t steps, std::span<int32_t> next, const StepDone& done) override {
    if (!feeds_itself() || steps == 0) return Session::decode(steps, next, done);
    const uint32_t batch = options_.batch;
    NPB_TRY(check_step(batch, uint64_t{steps}));
    RecordedList* const lists[kNextSlots] = {lists_.at(1).get(), second_.get()};
    // The device reads its input once: what follows it writes itself.
    begin_step();
    write_input(next);
    const uint64_t input_ns = now_ns() - step_begin_ns_;
    uint64_t dispatch_ns = 0;
    uint32_t submitted = 0, submissions = 0;
    const auto submit = [&]() -> Result<void> {
      const uint64_t begin = now_ns();
      NPB_TRY_ASSIGN(submissions, device_->submit(*lists[submitted % kNextSlots]));
      dispatch_ns += now_ns() - begin;
      ++submitted;
      return {};
    };
    NPB_TRY(submit());
    for (uint32_t step = 0; step < steps; ++step) {
      // One step waits in the device's queue while this one runs. If it can't, this one still ends:
      // nothing in flight may be freed.
      const Result<void> ahead = submitted < steps ? submit() : Result<void>();
      NPB_TRY_ASSIGN(const Finished finished, device_->finish(*lists[step % kNextSlots]));
      NPB_TRY(ahead);
      const uint64_t finished_ns = now_ns();
      std::memcpy(next.data(), device_->mapped(plan_->io()) + plan_->next_offset(step % kNextSlots),
                  batch * 4);
      StepTiming timing;
      host_copy_ns_ = step == 0 ? input_ns : 0;
      split_step(step_begin_ns_ + host_copy_ns_, dispatch_ns, finished_ns, finished, timing);
      timing.submissions = submissions;
      end_step(finished, finished_ns, timing);
      ++past_;
      last_rows_ = batch, last_step_tokens_ = 1;
      begin_step();
      dispatch_ns = 0;
      done(step, next, timing);
    }
    return {};
  }

  Result<void> embed(std::span<const int32_t> tokens, std::span<float> vectors,
                     StepTiming& timing) override {
    if (graph_->embedding == kNoValue)
      return Error{ErrorCode::invalid_argument,
                   "This model is a decoder: it makes tokens, not embeddings."};
    past_ = 0;
    NPB_TRY_ASSIGN(const Finished finished, step(tokens, timing));
    const uint64_t begin = now_ns();
    NPB_TRY(read_value(graph_->embedding, options_.batch, vectors));
    end_step(finished, begin, timing);
    return {};
  }

  Result<void> read_logits(std::span<float> logits) override {
    if (graph_->logits == kNoValue || last_rows_ == 0)
      return Error{ErrorCode::invalid_argument, "There are no logits yet: run forward() first."};
    return read_value(graph_->logits, last_rows_, logits);
  }

  void reset() override { past_ = 0; }
  OpenTimeline open_timeline() const override { return timeline_; }

  MemoryReport memory() const override {
    MemoryReport report = plan_->memory();
    report.counted_in_process = device_->info().software;
    return report;
  }

  std::vector<PlacementEntry> placement() const override;
  Result<std::vector<OpProfile>> profile() const override;

 private:
  Result<RecordedList*> recorded(uint32_t step_tokens) {
    std::unique_ptr<RecordedList>& list = lists_[step_tokens];
    if (!list) {
      auto made = device_->record(plan_->dispatches(step_tokens));
      if (!made.ok()) {
        lists_.erase(step_tokens);
        return made.error();
      }
      list = std::move(made).value();
    }
    return list.get();
  }

  /// Whether a step's tokens can be the next one's input without passing through the host. Where
  /// one device step makes tokens of all positions, there is no one token that follows.
  bool feeds_itself() const {
    return ahead_ && graph_->next_token != kNoValue &&
           graph_->values[graph_->logits].rows != Rows::per_token;
  }

  Result<void> check_step(size_t tokens, uint64_t positions) const {
    if (tokens == 0 || tokens % options_.batch != 0 ||
        tokens / options_.batch > options_.max_step_tokens)
      return Error{ErrorCode::invalid_argument, "A step of " + std::to_string(tokens) +
                                                    " tokens doesn't fit a session opened for " +
                                                    std::to_string(options_.batch) + " x " +
                                                    std::to_string(options_.max_step_tokens) + "."};
    if (graph_->next_token != kNoValue && past_ + positions > options_.max_tokens)
      return Error{ErrorCode::invalid_argument,
                   "The KV cache holds " + std::to_string(options_.max_tokens) +
                       " tokens; this step would need " + std::to_string(past_ + positions) + "."};
    return {};
  }

  void begin_step() {
    step_begin_ns_ = now_ns();
    step_begin_cpu_ns_ = device_->runs_ahead() ? thread_cpu_ns() : std::nullopt;
  }

  void write_input(std::span<const int32_t> tokens) {
    std::byte* io = device_->mapped(plan_->io());
    std::memcpy(io + plan_->tokens_offset(), tokens.data(), tokens.size() * 4);
    std::memcpy(io + plan_->step_offset(), &past_, 4);
  }

  /// Writes the inputs and runs the recorded list; end_step() follows once its output is copied.
  Result<Finished> step(std::span<const int32_t> tokens, StepTiming& timing) {
    timing = {};
    begin_step();
    const uint32_t step_tokens = static_cast<uint32_t>(tokens.size() / options_.batch);
    NPB_TRY(check_step(tokens.size(), step_tokens));
    NPB_TRY_ASSIGN(RecordedList * list, recorded(step_tokens));
    write_input(tokens);
    const uint64_t begin_ns = now_ns();
    host_copy_ns_ = begin_ns - step_begin_ns_;
    Finished finished;
    if (device_->runs_ahead()) {
      NPB_TRY_ASSIGN(timing.submissions, device_->submit(*list));
      const uint64_t submitted_ns = now_ns();
      NPB_TRY_ASSIGN(finished, device_->finish(*list));
      split_step(begin_ns, submitted_ns - begin_ns, now_ns(), finished, timing);
    } else {
      NPB_TRY(device_->execute(*list, timing));
    }
    last_rows_ =
        graph_->logits != kNoValue && graph_->values[graph_->logits].rows == Rows::per_token
            ? static_cast<uint32_t>(tokens.size())
            : options_.batch;
    last_step_tokens_ = step_tokens;
    return finished;
  }

  /// `copy_begin_ns`: when the device was done and the copy of its output began.
  void end_step(const Finished& finished, uint64_t copy_begin_ns, StepTiming& timing) const {
    const uint64_t end = now_ns();
    timing.transfer_ns = timing.transfer_ns.value_or(0) + host_copy_ns_ + (end - copy_begin_ns);
    timing.wall_ns = end - step_begin_ns_;
    if (step_begin_cpu_ns_ && finished.waiting_cpu_ns)
      timing.host_cpu_ns = *thread_cpu_ns() - *step_begin_cpu_ns_ - *finished.waiting_cpu_ns;
  }

  Result<void> read_value(ValueId value, uint32_t rows, std::span<float> out) {
    const Location& at = plan_->location(value);
    const uint32_t width = graph_->values[value].width;
    if (out.size() != uint64_t{rows} * width)
      return Error{ErrorCode::internal, "A value of " + std::to_string(rows) + " x " +
                                            std::to_string(width) + " was read into " +
                                            std::to_string(out.size()) + " floats"};
    for (uint32_t row = 0; row < rows; ++row)
      NPB_TRY(device_->read(plan_->activations(),
                            at.region_bytes_offset + (uint64_t{row} * at.stride + at.offset) * 4,
                            std::as_writable_bytes(out.subspan(uint64_t{row} * width, width))));
    return {};
  }

  std::unique_ptr<Device> device_;
  std::unique_ptr<Graph> graph_;  // the plan keeps pointers into it
  SessionOptions options_;
  std::unique_ptr<Plan> plan_;
  std::map<uint32_t, std::unique_ptr<RecordedList>> lists_;  // by step length
  std::unique_ptr<RecordedList> second_;  // a decode step that can be in flight beside the first
  bool ahead_ = false;
  OpenTimeline timeline_;
  uint32_t past_ = 0, last_rows_ = 0, last_step_tokens_ = 0;
  uint64_t step_begin_ns_ = 0, host_copy_ns_ = 0;
  std::optional<uint64_t> step_begin_cpu_ns_;
};

std::vector<PlacementEntry> GpuSession::placement() const {
  const std::string where = "gpu:" + device_->info().backend;
  const bool half = options_.precision == Precision::f16 && device_->limits().f16_arithmetic;
  const std::string arithmetic = half ? "f32 arithmetic, f16 products in tiles" : "f32 arithmetic";
  std::map<std::string, PlacementEntry> lines;
  for (const Dispatch& d : plan_->dispatches(1)) {
    const bool weighted = reads_matrix(d.kernel);
    const std::string kernel =
        std::string(name(d.kernel)) + (weighted ? std::string(".") + name(d.format) : "");
    const std::string stored = weighted && d.node->weight
                                   ? std::string(tensor_type_info(d.node->weight.tensor->type).name)
                                   : "";
    const std::string op = d.kernel == Kernel::embed ? "embed"
                           : weighted                ? "linear"
                                                     : name(d.node->kind);
    PlacementEntry& line = lines[op + kernel + stored];
    line.op = op;
    line.where = where;
    line.kernel = kernel;
    line.stored_type = stored;
    line.compute_format =
        weighted ? std::string(name(d.format)) + " weights, " + arithmetic : "f32";
    ++line.count;
    line.macs_per_token += d.flops / 2 / options_.batch;
    if (d.kernel != Kernel::embed) line.weight_bytes += d.bytes;
  }
  std::vector<PlacementEntry> entries;
  for (auto& [key, line] : lines) entries.push_back(std::move(line));
  return entries;
}

Result<std::vector<OpProfile>> GpuSession::profile() const {
  if (!options_.profile || last_step_tokens_ == 0) return std::vector<OpProfile>{};
  const std::vector<Dispatch> list = plan_->dispatches(last_step_tokens_);
  NPB_TRY_ASSIGN(const std::vector<uint64_t> times, device_->profile(list));
  std::vector<OpProfile> profiles;
  for (size_t i = 0; i < list.size(); ++i)
    profiles.push_back({.node = list[i].node->name,
                        .op = name(list[i].kernel),
                        .calls = 1,
                        .total_ns = times[i],
                        .bytes = list[i].bytes,
                        .flops = list[i].flops});
  return profiles;
}

}  // namespace

const char* name(Kernel kernel) {
  switch (kernel) {
    case Kernel::embed:
      return "embed";
    case Kernel::matvec:
      return "matvec";
    case Kernel::matmul:
      return "matmul";
    case Kernel::matmul_tiled:
      return "matmul_tiled";
    case Kernel::norm:
      return "norm";
    case Kernel::rope_append:
      return "rope_append";
    case Kernel::attention:
      return "attention";
    case Kernel::elementwise:
      return "elementwise";
    case Kernel::pool:
      return "pool";
    case Kernel::l2_norm:
      return "l2_norm";
    case Kernel::argmax_part:
      return "argmax_part";
    case Kernel::argmax_final:
      return "argmax_final";
    case Kernel::count:
      break;
  }
  return "?";
}

Error out_of_memory(uint64_t bytes, const std::string& cause, const std::string& available) {
  return {ErrorCode::out_of_memory,
          "The GPU refused " + std::to_string((bytes + (1u << 20) - 1) >> 20) + " MiB (" + cause +
              "; " + available +
              "); use a smaller model or quantisation, or reduce --batch-size or --input-length."};
}

std::string memory_in_all(std::optional<uint64_t> device_bytes, uint64_t held_bytes) {
  const std::string held = std::to_string(held_bytes >> 20);
  return device_bytes
             ? "it has " + std::to_string(*device_bytes >> 20) +
                   " MiB in all, of which this program holds " + held
             : "the driver doesn't say how much it has; this program holds " + held + " MiB";
}

Result<std::unique_ptr<Session>> open_session(std::unique_ptr<Device> device, Graph graph,
                                              const SessionOptions& options, uint64_t begin_ns,
                                              uint64_t opened_ns) {
  auto session = std::make_unique<GpuSession>(std::move(device), std::move(graph), options);
  NPB_TRY(session->open(begin_ns, opened_ns));
  return std::unique_ptr<Session>(std::move(session));
}

std::filesystem::path kernel_cache_folder(const SessionOptions& options) {
  const auto asked = options.extra.find("kernel_cache_dir");
  return asked == options.extra.end() ? default_kernel_cache_folder()
                                      : std::filesystem::path(asked->second);
}

ProbeResult unavailable_probe(const Error& error) {
  const size_t split = error.message.find("; ");
  ProbeResult result;
  result.unavailable =
      Unavailable{error.message.substr(0, split),
                  split == std::string::npos ? std::string() : error.message.substr(split + 2)};
  return result;
}

}  // namespace npb::gpu

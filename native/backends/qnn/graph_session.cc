#include "backends/qnn/graph_session.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "backends/qnn/context_model.h"
#include "backends/qnn/errors.h"
#include "backends/qnn/io_memory.h"
#include "backends/qnn/perf.h"
#include "backends/qnn/tensor_data.h"
#include "core/clock.h"

namespace npb::qnn {
namespace {

std::string value_of(const std::map<std::string, std::string>& extra, const char* key,
                     const char* fallback = "") {
  const auto found = extra.find(key);
  return found == extra.end() ? fallback : found->second;
}

struct LoadedGraph {
  explicit LoadedGraph(const BinaryGraph& graph) : described(&graph) {}

  const BinaryGraph* described;
  Handle handle = nullptr;
  std::vector<Tensor> inputs, outputs;
  std::vector<IoBlock> input_blocks, output_blocks;
  std::map<std::string, uint64_t> cycles;  // by node, of sessions opened for profiling
  uint64_t accelerator_us = 0, executions = 0;
};

class GraphSession final : public Session {
 public:
  GraphSession(const SessionOptions& options, std::unique_ptr<Device> device, ContextFile context,
               IoMemory memory)
      : options_(options),
        device_(std::move(device)),
        file_(std::move(context)),
        memory_(std::move(memory)) {}
  ~GraphSession() override { memory_.release(); }

  Result<void> open(OpenTimeline timeline);

  Result<void> forward(std::span<const int32_t>, std::span<int32_t>, StepTiming&) override {
    return no_tokens();
  }
  Result<void> embed(std::span<const int32_t>, std::span<float>, StepTiming&) override {
    return no_tokens();
  }
  Result<void> read_logits(std::span<float>) override { return no_tokens(); }
  void reset() override {}

  std::vector<std::string> graph_names() const override;
  Result<void> execute(uint32_t graph, StepTiming& timing) override;
  uint64_t output_digest() const override;

  OpenTimeline open_timeline() const override { return timeline_; }
  MemoryReport memory() const override;
  std::vector<PlacementEntry> placement() const override;
  Result<std::vector<OpProfile>> profile() const override;

 private:
  static Result<void> no_tokens() {
    return Error{ErrorCode::invalid_argument,
                 "A context binary's graphs take tensors, not tokens: they can only be executed."};
  }
  Result<void> choose_graphs();
  Result<void> bind(std::vector<Tensor>& tensors, std::vector<IoBlock>& blocks,
                    const std::vector<Port>& ports, const LoadedGraph& graph, bool input);

  SessionOptions options_;
  std::unique_ptr<Device> device_;
  ContextFile file_;
  std::unique_ptr<Context> context_;
  IoMemory memory_;  // goes before the context, by release()
  std::unique_ptr<PerfVote> vote_;
  std::unique_ptr<Profile> profile_;
  std::vector<LoadedGraph> graphs_;
  OpenTimeline timeline_;
};

Result<void> GraphSession::choose_graphs() {
  std::string rest = value_of(options_.extra, "graphs");
  if (rest.empty()) {
    for (const BinaryGraph& graph : file_.description.graphs) graphs_.emplace_back(graph);
    return {};
  }
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string name = rest.substr(0, end);
    rest.erase(0, end + 1);
    std::string known;
    for (const BinaryGraph& graph : file_.description.graphs) {
      if (graph.name == name) graphs_.emplace_back(graph);
      known += (known.empty() ? "" : ", ") + graph.name;
    }
    if (graphs_.empty() || graphs_.back().described->name != name)
      return Error{ErrorCode::invalid_argument,
                   "The context binary has no graph \"" + name + "\"; it has " + known + "."};
  }
  return {};
}

Result<void> GraphSession::bind(std::vector<Tensor>& tensors, std::vector<IoBlock>& blocks,
                                const std::vector<Port>& ports, const LoadedGraph& graph,
                                bool input) {
  const auto seed = std::strtoull(value_of(options_.extra, "seed", "0").c_str(), nullptr, 10);
  for (const Port& port : ports) {
    const uint32_t type = port.tensor.body.data_type;
    const uint64_t bytes = tensor_bytes(type, element_count(port.dims));
    if (bytes == 0 || bytes > UINT32_MAX)
      return Error{ErrorCode::unsupported,
                   "The tensor " + port.name + " of the graph " + graph.described->name + " has " +
                       data_type_name(type) + ", which this program can't fill; update npu-bench."};
    NPB_TRY_ASSIGN(const IoBlock block, memory_.allocate(bytes, port.name));
    if (input)
      generate_input(type, seed, port.name, {block.data, static_cast<size_t>(block.bytes)});
    Tensor& tensor = tensors.emplace_back(port.tensor);
    tensor.body.name = port.name.c_str();
    tensor.body.dimensions = const_cast<uint32_t*>(port.dims.data());  // the runtime only reads it
    NPB_TRY(memory_.attach(context_->handle(), block, tensor));
    blocks.push_back(block);
  }
  return {};
}

Result<void> GraphSession::open(OpenTimeline timeline) {
  timeline_ = timeline;
  NPB_TRY(choose_graphs());
  const Functions& f = device_->functions();
  const auto bytes = file_.bytes();
  timeline_.weight_read_bytes = bytes.size();
  timeline_.weights_ready_ns = now_ns();
  Handle handle = nullptr;
  Status status = f.context_create_from_binary(device_->backend(), device_->device(), nullptr,
                                               bytes.data(), bytes.size(), &handle, nullptr);
  if (code_of(status) != 0) return call_failed(f, status, "Loading the context binary");
  context_ = std::make_unique<Context>(*device_, handle);
  for (LoadedGraph& graph : graphs_) {
    const std::string& name = graph.described->name;
    status = f.graph_retrieve(handle, name.c_str(), &graph.handle);
    if (code_of(status) != 0)
      return call_failed(f, status, "Retrieving the graph \"" + name + "\"");
    NPB_TRY(bind(graph.inputs, graph.input_blocks, graph.described->ports.inputs, graph, true));
    NPB_TRY(bind(graph.outputs, graph.output_blocks, graph.described->ports.outputs, graph, false));
  }
  NPB_TRY_ASSIGN(vote_,
                 PerfVote::cast(*device_, value_of(options_.extra, "perf_profile", "burst")));
  profile_ = Profile::create(*device_,
                             options_.profile ? Profile::Level::detailed : Profile::Level::basic);
  timeline_.compile_ns = now_ns();
  return {};
}

std::vector<std::string> GraphSession::graph_names() const {
  std::vector<std::string> names;
  for (const LoadedGraph& graph : graphs_) names.push_back(graph.described->name);
  return names;
}

Result<void> GraphSession::execute(uint32_t index, StepTiming& timing) {
  if (index >= graphs_.size())
    return Error{ErrorCode::invalid_argument,
                 "There is no graph " + std::to_string(index) + " in this session."};
  LoadedGraph& graph = graphs_[index];
  const Functions& f = device_->functions();
  timing = {};
  const uint64_t begin_ns = now_ns();
  const Status status =
      f.graph_execute(graph.handle, graph.inputs.data(), static_cast<uint32_t>(graph.inputs.size()),
                      graph.outputs.data(), static_cast<uint32_t>(graph.outputs.size()),
                      profile_ ? profile_->handle() : nullptr, nullptr);
  timing.wall_ns = now_ns() - begin_ns;
  if (code_of(status) != 0)
    return call_failed(f, status, "Executing the graph \"" + graph.described->name + "\"");
  ++graph.executions;
  if (!profile_) return {};
  split_call(profile_->read(), timing.wall_ns, timing, &graph.accelerator_us);
  if (options_.profile) profile_->add_node_cycles(graph.cycles);
  return {};
}

uint64_t GraphSession::output_digest() const {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (const LoadedGraph& graph : graphs_)
    for (const IoBlock& block : graph.output_blocks)
      for (uint64_t i = 0; i < block.bytes; ++i)
        hash = (hash ^ static_cast<uint64_t>(block.data[i])) * 0x100000001b3ull;
  return hash;
}

MemoryReport GraphSession::memory() const {
  MemoryReport report;
  report.weights_bytes = file_.bytes().size();
  for (const LoadedGraph& graph : graphs_) {
    for (const IoBlock& block : graph.input_blocks) report.activations_bytes += block.bytes;
    for (const IoBlock& block : graph.output_blocks) report.activations_bytes += block.bytes;
  }
  report.counted_in_process = device_->library().simulated();
  return report;
}

std::vector<PlacementEntry> GraphSession::placement() const {
  const std::string where = device_->library().simulated() ? "npu:qnn (simulated)" : "npu:qnn";
  return {{.op = "compiled graph",
           .where = where,
           .kernel = memory_.shared() ? "context binary, shared memory"
                                      : "context binary, copied memory: " + memory_.fallback(),
           .stored_type = {},
           .compute_format = {},
           .count = static_cast<uint32_t>(graphs_.size()),
           .macs_per_token = 0,
           .weight_bytes = file_.bytes().size()}};
}

Result<std::vector<OpProfile>> GraphSession::profile() const {
  std::vector<OpProfile> lines;
  for (const LoadedGraph& graph : graphs_) {
    uint64_t total = 0;
    for (const auto& [node, cycles] : graph.cycles) total += cycles;
    for (const auto& [node, cycles] : graph.cycles) {
      // The accelerator's microseconds, by each node's share of the cycles.
      OpProfile line;
      line.node = graphs_.size() > 1 ? graph.described->name + "/" + node : node;
      line.op = "node";
      line.calls = graph.executions;
      line.total_ns = static_cast<uint64_t>(static_cast<double>(graph.accelerator_us) * 1000.0 *
                                            static_cast<double>(cycles) /
                                            static_cast<double>(std::max<uint64_t>(total, 1)));
      lines.push_back(std::move(line));
    }
  }
  return lines;
}

}  // namespace

Result<std::unique_ptr<Session>> open_graph_session(const std::string& path,
                                                    const SessionOptions& options) {
  OpenTimeline timeline;
  timeline.begin_ns = now_ns();
  NPB_TRY_ASSIGN(std::shared_ptr<const Library> library, Library::open(options.extra));
  const Functions& f = library->functions();
  if (!f.context_create_from_binary || !f.graph_retrieve)
    return Error{ErrorCode::unsupported,
                 "This QNN runtime loads no context binaries; install a complete one with "
                 "`npu-bench runtime install qnn`."};
  NPB_TRY_ASSIGN(ContextFile file, read_context_file(*library, path));
  // The simulator is any chip: the one that the binary was made for, unless another is named.
  std::map<std::string, std::string> extra = options.extra;
  const BinaryDescription& told = file.description;
  if (library->simulated() && told.soc_model && *told.soc_model && !extra.contains("qnn_soc") &&
      !std::getenv("NPU_BENCH_QNN_SOC"))
    extra["qnn_soc"] = std::to_string(*told.soc_model);
  NPB_TRY_ASSIGN(std::unique_ptr<Device> device, Device::open(extra));
  timeline.device_open_ns = now_ns();
  NPB_TRY(check_target(told, *library, device->platform(), value_of(extra, "any_soc") == "yes"));
  NPB_TRY_ASSIGN(IoMemory memory, IoMemory::open(*device, extra));
  auto session = std::make_unique<GraphSession>(options, std::move(device), std::move(file),
                                                std::move(memory));
  NPB_TRY(session->open(timeline));
  return std::unique_ptr<Session>(std::move(session));
}

}  // namespace npb::qnn

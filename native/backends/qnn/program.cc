#include "backends/qnn/program.h"

#include <utility>

#include "backends/qnn/context_binary.h"
#include "backends/qnn/errors.h"
#include "core/clock.h"

namespace npb::qnn {
namespace {

constexpr uint32_t kContextWeightSharing = 1;
constexpr uint32_t kGraphOptimization = 1, kGraphPrecision = 2;
constexpr uint32_t kFinalizeEffort = 3, kPrecisionF16 = 1;

/// With shared weights where the runtime can do that for these graphs, else without.
Result<std::unique_ptr<Context>> create_context(const Device& device, bool may_share,
                                                bool& shared) {
  const Functions& f = device.functions();
  HtpContextCustom sharing = {kContextWeightSharing, {1, 0}};
  Config config = {};
  config.custom = &sharing;
  const Config* configs[] = {&config, nullptr};
  Handle handle = nullptr;
  shared = may_share &&
           code_of(f.context_create(device.backend(), device.device(), configs, &handle)) == 0;
  if (!shared) {
    const Status status = f.context_create(device.backend(), device.device(), nullptr, &handle);
    if (code_of(status) != 0) return call_failed(f, status, "Creating a context on the NPU");
  }
  return std::make_unique<Context>(device, handle);
}

Result<Handle> create_graph(const Device& device, Handle context, const std::string& name) {
  const Functions& f = device.functions();
  HtpGraphCustom precision = {};
  precision.option = kGraphPrecision;
  precision.u32 = kPrecisionF16;
  HtpGraphCustom effort = {};
  effort.option = kGraphOptimization;
  effort.optimization = {kFinalizeEffort, 3.0f};
  Config first = {}, second = {};
  first.custom = &precision;
  second.custom = &effort;
  const Config* configs[] = {&first, &second, nullptr};
  Handle handle = nullptr;
  const Status status = f.graph_create(context, name.c_str(), configs, &handle);
  if (code_of(status) != 0)
    return call_failed(f, status, "Creating the NPU graph \"" + name + "\"");
  return handle;
}

}  // namespace

Result<Program> make_program(const Device& device, const Graph& graph,
                             const std::vector<GraphPlan>& plans, const FixedPoint* fixed,
                             const std::string& cache_dir) {
  BinaryCache cache(device, graph, plans, fixed, cache_dir);
  if (auto cached = cache.load()) {
    cached->from_cache = true;
    cached->weights_ready_ns = now_ns();
    return std::move(*cached);
  }
  Program program;
  // The simulator can't load a context binary whose graphs share weights.
  const bool may_share = plans.size() > 1 && (cache_dir.empty() || !device.library().simulated());
  NPB_TRY_ASSIGN(program.context, create_context(device, may_share, program.weights_shared));
  Weights weights(graph.model->weights);
  for (const GraphPlan& plan : plans) {
    Program::Part part;
    NPB_TRY_ASSIGN(part.handle, create_graph(device, program.context->handle(), plan.name));
    NPB_TRY_ASSIGN(part.ports, compile(device, part.handle, graph, plan.shape, fixed, weights));
    program.parts.push_back(std::move(part));
    program.weights_ready_ns = now_ns();
  }
  program.weight_bytes = weights.halves.bytes() + weights.quantized.bytes();
  program.weight_read_bytes = weights.halves.read_bytes() + weights.quantized.read_bytes();
  weights.halves.clear();
  weights.quantized.clear();
  cache.store(program);
  return program;
}

}  // namespace npb::qnn

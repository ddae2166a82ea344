// The fake system library: describes what the fake backend serialised, in the layout of the core
// API that it is told to imitate, or in a hostile way.
#include <cstring>
#include <deque>

#include "test/qnn/fake_graph.h"
#include "test/qnn/fake_qnn.h"

#define FAKE_EXPORT extern "C" __attribute__((visibility("default")))

namespace npb::qnn::fake {
namespace {

SystemControl g_control;

struct SystemContext {
  std::vector<FakeGraph> graphs;
  std::deque<std::vector<Tensor>> tensors;
  std::vector<uint8_t> infos;
  BinaryInfo info = {};
  uint32_t metadata[2] = {1, 75};
  std::vector<char> endless = std::vector<char>(8192, 'x');
};

Status context_create(Handle* out) {
  ++g_control.live_contexts;
  *out = new SystemContext;
  return 0;
}
Status context_free(Handle context) {
  --g_control.live_contexts;
  delete static_cast<SystemContext*>(context);
  return 0;
}

std::vector<Tensor>& describe(SystemContext& context, FakeGraph& graph, uint32_t type) {
  std::vector<Tensor>& list = context.tensors.emplace_back();
  for (auto& [id, tensor] : graph.tensors) {
    if (tensor.type != type) continue;
    Tensor& entry = list.emplace_back();
    entry = {};
    entry.version = 1;
    entry.body.id = id;
    entry.body.name = tensor.name.c_str();
    entry.body.type = type;
    entry.body.data_type = tensor.data_type;
    entry.body.quantization.definition = entry.body.quantization.encoding = kUndefined;
    if (g_control.quantization != kUndefined) {
      entry.body.quantization = {};
      entry.body.quantization.definition = 1;
      entry.body.quantization.encoding = g_control.quantization;
      for (uint64_t& word : entry.body.quantization.words) word = 0x3f8000003f800000ull;
    }
    entry.body.rank = static_cast<uint32_t>(tensor.dims.size());
    entry.body.dimensions = tensor.dims.data();
  }
  return list;
}

void spoil(SystemContext& context, GraphInfo& graph) {
  static uint32_t overflowing[] = {0x10000, 0x10000}, zero[] = {4, 0};
  Tensor& tensor = graph.inputs[0];
  switch (g_control.hostile) {
    case Hostile::null_name:
      graph.name = nullptr;
      break;
    case Hostile::endless_name:
      graph.name = context.endless.data();
      break;
    case Hostile::null_tensors:
      graph.inputs = nullptr;
      break;
    case Hostile::too_many_tensors:
      graph.input_count = 0x7fffffff;
      break;
    case Hostile::huge_rank:
      tensor.body.rank = 0x7fffffff;
      break;
    case Hostile::null_dims:
      tensor.body.dimensions = nullptr;
      break;
    case Hostile::overflowing_dims:
      tensor.body.rank = 2;
      tensor.body.dimensions = overflowing;
      break;
    case Hostile::zero_dim:
      tensor.body.rank = 2;
      tensor.body.dimensions = zero;
      break;
    default:
      break;
  }
}

Status get_metadata(Handle handle, const void* data, uint64_t bytes, const BinaryInfo** out) {
  auto& context = *static_cast<SystemContext*>(handle);
  if (!parse(static_cast<const uint8_t*>(data), bytes, context.graphs)) return 30010;
  const uint32_t minor = g_control.core_minor;
  const size_t stride = graph_info_stride(minor);
  context.infos.assign(stride * context.graphs.size(), 0);
  for (size_t i = 0; i < context.graphs.size(); ++i) {
    FakeGraph& graph = context.graphs[i];
    std::vector<Tensor>& inputs = describe(context, graph, kAppWrite);
    std::vector<Tensor>& outputs = describe(context, graph, kAppRead);
    GraphInfo info = {minor >= 21 ? 3u : minor >= 18 ? 2u : 1u, graph.name.c_str(),
                      static_cast<uint32_t>(inputs.size()),     inputs.data(),
                      static_cast<uint32_t>(outputs.size()),    outputs.data()};
    spoil(context, info);
    std::memcpy(context.infos.data() + i * stride, &info, sizeof info);
  }
  auto count = static_cast<uint32_t>(context.graphs.size());
  const void* graphs = context.infos.data();
  if (g_control.hostile == Hostile::no_graphs) count = 0;
  if (g_control.hostile == Hostile::too_many_graphs) count = 0x7fffffff;
  if (g_control.hostile == Hostile::null_graphs) graphs = nullptr;
  context.info.version = minor >= 21 ? 3 : 2;
  if (minor >= 21) {
    context.info.v3.build_id = g_control.build_id;
    context.info.v3.core = {2, minor, 0};
    context.info.v3.graph_count = count;
    context.info.v3.graphs = graphs;
    context.info.v3.metadata_bytes = sizeof context.metadata;
    context.info.v3.metadata = context.metadata;
    context.metadata[1] = g_control.arch;
    context.info.v3.soc_model = g_control.soc_model;
  } else {
    context.info.v1.build_id = g_control.build_id;
    context.info.v1.core = {2, minor, 0};
    context.info.v1.graph_count = count;
    context.info.v1.graphs = graphs;
  }
  if (g_control.hostile == Hostile::unknown_version) context.info.version = 9;
  *out = g_control.hostile == Hostile::null_info ? nullptr : &context.info;
  return 0;
}

}  // namespace
}  // namespace npb::qnn::fake

FAKE_EXPORT npb::qnn::fake::SystemControl* npb_fake_system_control() {
  return &npb::qnn::fake::g_control;
}

FAKE_EXPORT npb::qnn::Status QnnSystemInterface_getProviders(
    const npb::qnn::SystemInterface*** list, uint32_t* count) {
  using namespace npb::qnn;
  static const SystemInterface interface = {
      0,
      "SYSTEM_FAKE",
      {1, 15, 0},
      {fake::context_create, nullptr, fake::get_metadata, fake::context_free}};
  static const SystemInterface* providers[] = {&interface};
  *list = providers;
  *count = 1;
  return 0;
}

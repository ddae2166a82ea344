// The fake HTP backend library: the function table over FakeGraph.
#include <dlfcn.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>

#include "test/qnn/fake_graph.h"
#include "test/qnn/fake_qnn.h"

#define FAKE_EXPORT extern "C" __attribute__((visibility("default")))

namespace npb::qnn::fake {
namespace {

struct FakeContext {
  std::vector<std::unique_ptr<FakeGraph>> graphs;
};
/// Memory of the fake libcdsprpc, registered.
struct FakeMemory {
  void* data = nullptr;
  uint64_t bytes = 0;
};
struct FakeProfile {
  uint32_t level = 1;
};

/// NPB_FAKE_QNN_CRASH=N and NPB_FAKE_QNN_HANG=1 reach a process that no test can call into.
uint32_t from_environment(const char* name) {
  const char* text = std::getenv(name);
  return text ? static_cast<uint32_t>(std::atoi(text)) : 0;
}

Control g_control = [] {
  Control control;
  control.crash_at_execute = from_environment("NPB_FAKE_QNN_CRASH");
  if (from_environment("NPB_FAKE_QNN_HANG")) control.execute_sleep_ms = 3600 * 1000;
  return control;
}();
uint32_t g_failing_calls = 0;
LogCallback g_log = nullptr;

void log_error(const char* format, ...) {
  if (!g_log) return;
  va_list arguments;
  va_start(arguments, format);
  g_log(format, 1, 0, arguments);
  va_end(arguments);
}

/// The code that call `name` has been told to give; 0 to go on.
Status ordered_failure(const char* name) {
  ++g_control.calls;
  if (!g_control.fail_call || std::strcmp(name, g_control.fail_call) != 0) return 0;
  if (g_failing_calls++ != g_control.fail_at) return 0;
  log_error("fake: %s was told to fail\n", name);
  return g_control.fail_code;
}
#define MAY_FAIL(name) \
  if (const Status ordered = ordered_failure(name)) return ordered

template <class T>
Handle give(T* object, int32_t& live) {
  ++live;
  return object;
}

Status backend_create(Handle, const Config**, Handle* out) {
  MAY_FAIL("backendCreate");
  *out = give(new int(0), g_control.live_backends);
  return 0;
}
Status backend_get_build_id(const char** id) {
  MAY_FAIL("backendGetBuildId");
  *id = g_control.build_id;
  return 0;
}
Status backend_free(Handle backend) {
  MAY_FAIL("backendFree");
  delete static_cast<int*>(backend);
  --g_control.live_backends;
  return 0;
}
Status log_create(LogCallback callback, uint32_t, Handle* out) {
  MAY_FAIL("logCreate");
  g_log = callback;
  *out = give(new int(0), g_control.live_logs);
  return 0;
}
Status log_free(Handle log) {
  g_log = nullptr;
  delete static_cast<int*>(log);
  --g_control.live_logs;
  return 0;
}
Status device_create(Handle, const Config** configs, Handle* out) {
  MAY_FAIL("deviceCreate");
  // The chip's number must be readable under the old layout and the new one.
  const auto* option = configs ? static_cast<const uint32_t*>(configs[0]->custom) : nullptr;
  if (option && (option[0] != 0 || option[1] == 0 || option[1] != option[2])) return 14001;
  *out = give(new int(0), g_control.live_devices);
  return 0;
}
Status device_free(Handle device) {
  delete static_cast<int*>(device);
  --g_control.live_devices;
  return 0;
}
Status device_get_platform_info(Handle, const PlatformInfo** out) {
  MAY_FAIL("deviceGetPlatformInfo");
  static HtpDeviceExtension chip = {0, 8, 57, 0, 1, 75};
  static HardwareDevice device = {1, 0, 0, 0, 0, nullptr, &chip};
  static const PlatformInfo info = {1, 0, 1, &device};
  *out = &info;
  return 0;
}
Status device_free_platform_info(Handle, const PlatformInfo*) { return 0; }

Status create_power_config_id(uint32_t, uint32_t, uint32_t* id) {
  MAY_FAIL("createPowerConfigId");
  *id = 7;
  ++g_control.live_votes;
  return 0;
}
Status destroy_power_config_id(uint32_t id) {
  if (id != 7) return 13001;
  --g_control.live_votes;
  return 0;
}
Status set_power_config(uint32_t id, const PowerConfig** configs) {
  MAY_FAIL("setPowerConfig");
  if (id != 7 || !configs[0] || configs[1]) return 13002;
  if (configs[0]->option == 1) {
    if (configs[0]->words[0] != id) return 13002;
    ++g_control.votes_cast;
    g_control.last_corner = configs[0]->words[15];
  }
  return 0;
}
Status device_get_infrastructure(void** out) {
  MAY_FAIL("deviceGetInfrastructure");
  static PerfInfrastructure infrastructure = {0, create_power_config_id, destroy_power_config_id,
                                              set_power_config, nullptr};
  *out = &infrastructure;
  return 0;
}

Status context_create(Handle, Handle, const Config**, Handle* out) {
  MAY_FAIL("contextCreate");
  *out = give(new FakeContext, g_control.live_contexts);
  return 0;
}
Status context_free(Handle context, Handle) {
  delete static_cast<FakeContext*>(context);
  --g_control.live_contexts;
  return 0;
}
std::vector<uint8_t> binary_of(Handle context) {
  std::vector<const FakeGraph*> graphs;
  for (const auto& graph : static_cast<FakeContext*>(context)->graphs)
    graphs.push_back(graph.get());
  return serialize(graphs);
}
Status context_get_binary_size(Handle context, uint64_t* bytes) {
  MAY_FAIL("contextGetBinarySize");
  *bytes = binary_of(context).size();
  return 0;
}
Status context_get_binary(Handle context, void* data, uint64_t bytes, uint64_t* written) {
  MAY_FAIL("contextGetBinary");
  const std::vector<uint8_t> binary = binary_of(context);
  if (binary.size() > bytes) return 5000;
  std::memcpy(data, binary.data(), binary.size());
  *written = binary.size();
  return 0;
}
Status context_create_from_binary(Handle, Handle, const Config**, const void* data, uint64_t bytes,
                                  Handle* out, Handle) {
  MAY_FAIL("contextCreateFromBinary");
  std::vector<FakeGraph> graphs;
  if (!parse(static_cast<const uint8_t*>(data), bytes, graphs)) return 5005;
  auto* context = new FakeContext;
  for (FakeGraph& graph : graphs)
    context->graphs.push_back(std::make_unique<FakeGraph>(std::move(graph)));
  *out = give(context, g_control.live_contexts);
  return 0;
}

Status graph_create(Handle context, const char* name, const Config**, Handle* out) {
  MAY_FAIL("graphCreate");
  auto& graphs = static_cast<FakeContext*>(context)->graphs;
  graphs.push_back(std::make_unique<FakeGraph>());
  graphs.back()->name = name;
  *out = graphs.back().get();
  return 0;
}
Status graph_retrieve(Handle context, const char* name, Handle* out) {
  MAY_FAIL("graphRetrieve");
  for (const auto& graph : static_cast<FakeContext*>(context)->graphs) {
    if (graph->name == name) {
      *out = graph.get();
      return 0;
    }
  }
  return 6003;
}

Status tensor_create(Handle handle, Tensor* tensor) {
  MAY_FAIL("tensorCreateGraphTensor");
  auto& graph = *static_cast<FakeGraph*>(handle);
  const TensorV2& body = tensor->body;
  FakeTensor entry;
  entry.id = static_cast<uint32_t>(graph.tensors.size()) + 1;
  entry.type = body.type;
  entry.data_type = body.data_type;
  entry.name = body.name;
  for (const auto& [id, other] : graph.tensors)
    if (other.name == entry.name) return 7003;
  if (body.rank == 0 || body.rank > 5) return 7004;
  entry.dims.assign(body.dimensions, body.dimensions + body.rank);
  if (body.type == kStatic) {
    if (body.data_type == kSfixed8) {
      if (!read_quantized(body, entry)) return 7004;
      tensor->body.id = entry.id;
      graph.tensors[entry.id] = std::move(entry);
      return 0;
    }
    const size_t count = entry.count(), element = element_size(body.data_type);
    if (!body.buffer.data || body.buffer.bytes != count * element) return 7004;
    entry.data.resize(count);
    for (size_t i = 0; i < count; ++i)
      entry.data[i] = read_element(body.data_type, body.buffer.data, i);
  } else if (body.type == kNative && body.data_type == kUfixed16) {
    const Quantization& q = body.quantization;
    if (q.definition != kDefined || q.encoding != kScaleOffset || !(q.scale_offset.scale > 0))
      return 7004;
    entry.grid = q.scale_offset;
  }
  tensor->body.id = entry.id;
  graph.tensors[entry.id] = std::move(entry);
  return 0;
}

bool read_op(const OpConfig& op, FakeNode& node) {
  if (op.version != 1 || std::strcmp(op.package, "qti.aisw") != 0) return false;
  node.name = op.name;
  node.type = op.type;
  for (uint32_t i = 0; i < op.param_count; ++i) {
    const Param& param = op.params[i];
    if (param.kind == 1) {
      const auto* values = static_cast<const uint32_t*>(param.tensor.body.buffer.data);
      if (param.tensor.body.id == 0 || !values) return false;
      size_t count = 1;
      for (uint32_t axis = 0; axis < param.tensor.body.rank; ++axis)
        count *= param.tensor.body.dimensions[axis];
      node.lists[param.name].assign(values, values + count);
    } else if (param.scalar.data_type == kFloat32) {
      node.scalars[param.name] = param.scalar.f32;
    } else if (param.scalar.data_type == kBool8) {
      node.scalars[param.name] = param.scalar.bool8;
    } else {
      node.scalars[param.name] = static_cast<float>(param.scalar.u32);
    }
  }
  for (uint32_t i = 0; i < op.input_count; ++i) node.inputs.push_back(op.inputs[i].body.id);
  for (uint32_t i = 0; i < op.output_count; ++i) node.outputs.push_back(op.outputs[i].body.id);
  return !node.inputs.empty() && !node.outputs.empty();
}
Status validate_op(Handle, OpConfig op) {
  MAY_FAIL("backendValidateOpConfig");
  FakeNode node;
  if (!read_op(op, node)) return 6005;
  return g_control.refuse_type && node.type == g_control.refuse_type ? 3110 : 0;
}
Status graph_add_node(Handle handle, OpConfig op) {
  MAY_FAIL("graphAddNode");
  auto& graph = *static_cast<FakeGraph*>(handle);
  FakeNode node;
  if (!read_op(op, node)) return 6005;
  for (uint32_t id : node.inputs)
    if (!graph.tensors.count(id)) return 6004;
  if (!shapes_fit(graph, node)) {
    log_error("fake: shapes of %s %s don't fit\n", node.type.c_str(), node.name.c_str());
    return 6005;
  }
  graph.nodes.push_back(std::move(node));
  return 0;
}
Status graph_finalize(Handle handle, Handle, Handle) {
  MAY_FAIL("graphFinalize");
  auto& graph = *static_cast<FakeGraph*>(handle);
  if (graph.finalized) return 6024;
  graph.finalized = true;
  return 0;
}

Status graph_execute(Handle handle, const Tensor* inputs, uint32_t input_count, Tensor* outputs,
                     uint32_t output_count, Handle, Handle) {
  MAY_FAIL("graphExecute");
  if (++g_control.executions == g_control.crash_at_execute) std::raise(SIGSEGV);
  if (g_control.execute_sleep_ms)
    std::this_thread::sleep_for(std::chrono::milliseconds(g_control.execute_sleep_ms));
  const auto& graph = *static_cast<FakeGraph*>(handle);
  if (!graph.finalized) return 6023;
  if (input_count != graph.of_type(kAppWrite).size() ||
      output_count != graph.of_type(kAppRead).size())
    return 6000;
  const auto buffer = [&](const Tensor& tensor) -> void* {
    const auto known = graph.tensors.find(tensor.body.id);
    if (known == graph.tensors.end()) return nullptr;
    const size_t bytes = known->second.count() * element_size(known->second.data_type);
    if (tensor.body.memory == kMemoryHandle) {
      const auto& memory = *static_cast<FakeMemory*>(tensor.body.memory_handle);
      ++g_control.shared_reads;
      return memory.bytes == bytes ? memory.data : nullptr;
    }
    const bool fits = tensor.body.memory == kMemoryRaw && tensor.body.buffer.bytes == bytes;
    return fits ? tensor.body.buffer.data : nullptr;
  };
  std::map<uint32_t, std::vector<float>> values;
  for (uint32_t i = 0; i < input_count; ++i) {
    const void* data = buffer(inputs[i]);
    if (!data) return 6004;
    const FakeTensor& tensor = graph.tensors.at(inputs[i].body.id);
    std::vector<float>& value = values[tensor.id];
    value.resize(tensor.count());
    for (size_t k = 0; k < value.size(); ++k) value[k] = read_element(tensor.data_type, data, k);
  }
  for (const FakeNode& node : graph.nodes)
    if (!run_node(graph, node, values)) return 6031;
  for (uint32_t i = 0; i < output_count; ++i) {
    void* data = buffer(outputs[i]);
    if (!data) return 6004;
    const FakeTensor& tensor = graph.tensors.at(outputs[i].body.id);
    const std::vector<float>& value = values.at(tensor.id);
    for (size_t k = 0; k < value.size(); ++k) write_element(tensor.data_type, data, k, value[k]);
  }
  return 0;
}

Status profile_create(Handle, uint32_t level, Handle* out) {
  MAY_FAIL("profileCreate");
  *out = give(new FakeProfile{level}, g_control.live_profiles);
  return 0;
}
Status profile_free(Handle profile) {
  delete static_cast<FakeProfile*>(profile);
  --g_control.live_profiles;
  return 0;
}
// Events 1 to 3: the call, its RPC, the accelerator; 4: a node.
Status profile_get_events(Handle, const uint64_t** events, uint32_t* count) {
  MAY_FAIL("profileGetEvents");
  static const uint64_t all[] = {1, 2, 3};
  *events = all;
  *count = 3;
  return 0;
}
Status profile_get_sub_events(uint64_t event, const uint64_t** events, uint32_t* count) {
  static const uint64_t node[] = {4};
  *events = node;
  *count = event == 1 ? 1 : 0;
  return 0;
}
Status profile_get_event_data(uint64_t event, ProfileEvent* data) {
  static const ProfileEvent all[] = {{400, 1, 5, "execute"},
                                     {3001, 1, 4, "rpc"},
                                     {3004, 1, 3, "accelerator"},
                                     {404, 3, 1000, "blk.0.attn_q:OpId_1 (cycles)"}};
  if (event < 1 || event > 4) return 12000;
  *data = all[event - 1];
  return 0;
}
/// Where the fake libcdsprpc beside this library has the block of a file descriptor.
void* block_of(int fd) {
  Dl_info own = {};
  if (!dladdr(reinterpret_cast<void*>(&block_of), &own)) return nullptr;
  const std::string folder = std::filesystem::path(own.dli_fname).parent_path().string();
  void* library = dlopen((folder + "/libcdsprpc.so").c_str(), RTLD_NOW);
  if (!library) return nullptr;
  using Find = void* (*)(int);
  const auto find = reinterpret_cast<Find>(dlsym(library, "npb_fake_rpc_block"));
  return find ? find(fd) : nullptr;
}
Status memory_register(Handle context, const MemoryDescriptor* descriptors, uint32_t count,
                       Handle* handles) {
  MAY_FAIL("memRegister");
  if (!context || count != 1 || descriptors->memory != kMemoryIon || descriptors->rank == 0)
    return 8000;
  void* data = block_of(descriptors->fd);
  if (!data) return 8003;
  uint64_t bytes = element_size(descriptors->data_type);
  for (uint32_t i = 0; i < descriptors->rank; ++i) bytes *= descriptors->dimensions[i];
  *handles = give(new FakeMemory{data, bytes}, g_control.live_memory);
  return 0;
}
Status memory_deregister(const Handle* handles, uint32_t count) {
  MAY_FAIL("memDeRegister");
  for (uint32_t i = 0; i < count; ++i) {
    delete static_cast<FakeMemory*>(handles[i]);
    --g_control.live_memory;
  }
  return 0;
}
Status error_get_message(Status, const char** text) {
  *text = "a message of the fake";
  return 0;
}

}  // namespace
}  // namespace npb::qnn::fake

FAKE_EXPORT npb::qnn::fake::Control* npb_fake_control() { return &npb::qnn::fake::g_control; }

FAKE_EXPORT npb::qnn::Status QnnInterface_getProviders(const npb::qnn::Interface*** list,
                                                       uint32_t* count) {
  using namespace npb::qnn;
  using namespace npb::qnn::fake;
  static Interface interface;
  static const Interface* providers[] = {&interface};
  g_failing_calls = 0;
  Functions f = {};
  const struct {
    const char* name;
    void* slot;
    void* function;
  } entries[] = {
#define ENTRY(name, member, function) {name, &f.member, reinterpret_cast<void*>(&function)}
      ENTRY("backendCreate", backend_create, backend_create),
      ENTRY("backendGetBuildId", backend_get_build_id, backend_get_build_id),
      ENTRY("backendValidateOpConfig", backend_validate_op_config, validate_op),
      ENTRY("backendFree", backend_free, backend_free),
      ENTRY("contextCreate", context_create, context_create),
      ENTRY("contextGetBinarySize", context_get_binary_size, context_get_binary_size),
      ENTRY("contextGetBinary", context_get_binary, context_get_binary),
      ENTRY("contextCreateFromBinary", context_create_from_binary, context_create_from_binary),
      ENTRY("contextFree", context_free, context_free),
      ENTRY("graphCreate", graph_create, graph_create),
      ENTRY("graphAddNode", graph_add_node, graph_add_node),
      ENTRY("graphFinalize", graph_finalize, graph_finalize),
      ENTRY("graphRetrieve", graph_retrieve, graph_retrieve),
      ENTRY("graphExecute", graph_execute, graph_execute),
      ENTRY("tensorCreateGraphTensor", tensor_create_graph_tensor, tensor_create),
      ENTRY("logCreate", log_create, log_create),
      ENTRY("logFree", log_free, log_free),
      ENTRY("profileCreate", profile_create, profile_create),
      ENTRY("profileGetEvents", profile_get_events, profile_get_events),
      ENTRY("profileGetSubEvents", profile_get_sub_events, profile_get_sub_events),
      ENTRY("profileGetEventData", profile_get_event_data, profile_get_event_data),
      ENTRY("profileFree", profile_free, profile_free),
      ENTRY("memRegister", memory_register, memory_register),
      ENTRY("memDeRegister", memory_deregister, memory_deregister),
      ENTRY("deviceGetPlatformInfo", device_get_platform_info, device_get_platform_info),
      ENTRY("deviceFreePlatformInfo", device_free_platform_info, device_free_platform_info),
      ENTRY("deviceGetInfrastructure", device_get_infrastructure, device_get_infrastructure),
      ENTRY("deviceCreate", device_create, device_create),
      ENTRY("deviceFree", device_free, device_free),
      ENTRY("errorGetMessage", error_get_message, error_get_message),
#undef ENTRY
  };
  for (const auto& entry : entries) {
    if (g_control.missing_entry && std::strcmp(entry.name, g_control.missing_entry) == 0) continue;
    std::memcpy(entry.slot, &entry.function, sizeof entry.function);
  }
  interface.backend_id = 6;
  interface.provider = "HTP_FAKE";
  interface.version = {{g_control.core_major, g_control.core_minor, 0}, {5, 0, 0}};
  interface.functions = f;
  *list = providers;
  *count = g_control.no_provider ? 0 : 1;
  return 0;
}

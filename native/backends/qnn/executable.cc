#include "backends/qnn/executable.h"

#include <algorithm>
#include <utility>

#include "backends/qnn/errors.h"

namespace npb::qnn {
namespace {

// Event types of the HTP backend's profile.
constexpr uint32_t kExecute = 400, kNode = 404, kHostRpc = 3001, kAccelerator = 3004;
constexpr uint32_t kMicroseconds = 1, kCycles = 3;

}  // namespace

std::unique_ptr<Profile> Profile::create(const Device& device, Level level) {
  const Functions& f = device.functions();
  if (!f.profile_create || !f.profile_free || !f.profile_get_events || !f.profile_get_sub_events ||
      !f.profile_get_event_data)
    return nullptr;
  Handle handle = nullptr;
  if (f.profile_create(device.backend(), static_cast<uint32_t>(level), &handle) != 0)
    return nullptr;
  return std::unique_ptr<Profile>(new Profile(f, handle));
}

ExecutionProfile Profile::read() const {
  ExecutionProfile times;
  const uint64_t* events = nullptr;
  uint32_t count = 0;
  if (functions_.profile_get_events(handle_, &events, &count) != 0 || !events) return times;
  for (uint32_t i = 0; i < count; ++i) {
    ProfileEvent event = {};
    if (functions_.profile_get_event_data(events[i], &event) != 0) continue;
    if (event.unit != kMicroseconds) continue;
    if (event.type == kExecute) times.host_us = event.value;
    if (event.type == kHostRpc) times.rpc_us = event.value;
    if (event.type == kAccelerator) times.accelerator_us = event.value;
  }
  return times;
}

void split_call(const ExecutionProfile& told, uint64_t call_ns, StepTiming& timing,
                uint64_t* accelerator_us) {
  if (!told.accelerator_us) return;
  const uint64_t execute_ns = std::min(*told.accelerator_us * 1000, call_ns);
  timing.execute_ns = timing.execute_ns.value_or(0) + execute_ns;
  uint64_t wait_ns = 0;
  if (told.rpc_us) {
    wait_ns = std::min(*told.rpc_us * 1000, call_ns) - std::min(*told.rpc_us * 1000, execute_ns);
    timing.synchronize_ns = timing.synchronize_ns.value_or(0) + wait_ns;
  }
  timing.dispatch_ns = timing.dispatch_ns.value_or(0) + call_ns - execute_ns - wait_ns;
  *accelerator_us += *told.accelerator_us;
}

void Profile::add_node_cycles(std::map<std::string, uint64_t>& cycles) const {
  const uint64_t *events = nullptr, *parts = nullptr;
  uint32_t count = 0, part_count = 0;
  if (functions_.profile_get_events(handle_, &events, &count) != 0 || !events) return;
  for (uint32_t i = 0; i < count; ++i) {
    if (functions_.profile_get_sub_events(events[i], &parts, &part_count) != 0 || !parts) continue;
    for (uint32_t k = 0; k < part_count; ++k) {
      ProfileEvent event = {};
      if (functions_.profile_get_event_data(parts[k], &event) != 0 || event.type != kNode ||
          event.unit != kCycles || !event.identifier)
        continue;
      const std::string text = event.identifier;  // "blk.0.attn_q:OpId_17 (cycles)"
      cycles[text.substr(0, text.find(':'))] += event.value;
    }
  }
}

void Buffers::use(IoMemory memory, Handle context) {
  memory_ = std::move(memory);
  context_ = context;
}

Result<uint16_t*> Buffers::get(const std::string& name, uint32_t count) {
  if (const auto found = entries_.find(name); found != entries_.end()) {
    if (found->second.count == count) return reinterpret_cast<uint16_t*>(found->second.block.data);
    return Error{ErrorCode::internal, "Two NPU graphs disagree about the size of " + name + "."};
  }
  if (!memory_)
    return Error{ErrorCode::internal, "The NPU's buffers were asked for before their memory."};
  NPB_TRY_ASSIGN(const IoBlock block, memory_->allocate(uint64_t{count} * sizeof(uint16_t), name));
  entries_[name] = {block, count};
  return reinterpret_cast<uint16_t*>(block.data);
}

Result<void> Buffers::attach(const std::string& name, Tensor& tensor) {
  Entry& entry = entries_.at(name);
  if (entry.handle) {
    tensor.body.memory = kMemoryHandle;
    tensor.body.memory_handle = entry.handle;
    return {};
  }
  NPB_TRY(memory_->attach(context_, entry.block, tensor));
  if (tensor.body.memory == kMemoryHandle) entry.handle = tensor.body.memory_handle;
  return {};
}

std::string Buffers::kind() const {
  if (!memory_ || !memory_->shared())
    return "copied memory: " + (memory_ ? memory_->fallback() : std::string("not opened"));
  return "shared memory";
}

uint64_t Buffers::bytes(const std::string& prefix) const {
  uint64_t sum = 0;
  for (const auto& [name, entry] : entries_) {
    if (name.rfind(prefix, 0) == 0) sum += entry.count * sizeof(uint16_t);
  }
  return sum;
}

Result<Executable> Executable::bind(Handle graph, const Ports& ports, const std::string& prefix,
                                    Buffers& buffers) {
  Executable result;
  result.graph_ = graph;
  const auto add = [&](const Port& port, std::vector<Tensor>& tensors) -> Result<void> {
    const uint32_t count = element_count(port.dims);
    const TensorV2& body = port.tensor.body;
    if (count == 0 || body.data_type != kFloat16 || body.rank != port.dims.size())
      return Error{ErrorCode::invalid_model,
                   "The NPU graph's tensor " + port.name +
                       " has another shape or type than was compiled; delete the cached context "
                       "binary."};
    const std::string name = port.name.rfind("past_", 0) == 0 ? port.name : prefix + port.name;
    NPB_TRY_ASSIGN(uint16_t * data, buffers.get(name, count));
    Tensor& tensor = tensors.emplace_back(port.tensor);
    tensor.body.name =
        result.names_.emplace_back(std::make_unique<std::string>(port.name))->c_str();
    tensor.body.dimensions =
        result.dims_.emplace_back(std::make_unique<std::vector<uint32_t>>(port.dims))->data();
    NPB_TRY(buffers.attach(name, tensor));
    result.bound_[port.name] = {data, count};
    return {};
  };
  for (const Port& port : ports.inputs) NPB_TRY(add(port, result.inputs_));
  for (const Port& port : ports.outputs) NPB_TRY(add(port, result.outputs_));
  return result;
}

uint16_t* Executable::find(const std::string& name) const {
  const auto found = bound_.find(name);
  return found == bound_.end() ? nullptr : found->second.data;
}

uint32_t Executable::count(const std::string& name) const {
  const auto found = bound_.find(name);
  return found == bound_.end() ? 0 : found->second.count;
}

Result<void> Executable::execute(const Functions& functions, Handle profile) {
  const Status status = functions.graph_execute(
      graph_, inputs_.data(), static_cast<uint32_t>(inputs_.size()), outputs_.data(),
      static_cast<uint32_t>(outputs_.size()), profile, nullptr);
  if (code_of(status) != 0) return call_failed(functions, status, "Executing the model on the NPU");
  return {};
}

}  // namespace npb::qnn

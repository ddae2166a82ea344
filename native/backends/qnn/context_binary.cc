#include "backends/qnn/context_binary.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

#include "backends/qnn/errors.h"
#include "backends/qnn/tensor_data.h"
#include "core/file.h"

namespace npb::qnn {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kMostGraphs = 4096, kMostTensors = 65536, kMostRank = 8;
constexpr size_t kMostName = 4096;

Error malformed(const std::string& what) {
  return {ErrorCode::invalid_model, "The context binary is damaged: " + what +
                                        "; prepare it again with a matching QNN runtime."};
}

/// A name that ends within bounds; nothing otherwise.
std::optional<std::string> bounded(const char* text) {
  if (!text) return std::nullopt;
  const void* end = std::memchr(text, 0, kMostName);
  if (!end) return std::nullopt;
  return std::string(text, static_cast<const char*>(end));
}

Result<void> copy_ports(const Tensor* tensors, uint32_t count, std::vector<Port>& ports) {
  if (count > kMostTensors || (count > 0 && !tensors))
    return malformed("a graph's tensors are missing");
  for (uint32_t i = 0; i < count; ++i) {
    const TensorV2& body = tensors[i].body;
    const auto name = bounded(body.name);
    if ((tensors[i].version != 1 && tensors[i].version != 2) || !name || body.rank > kMostRank ||
        (body.rank > 0 && !body.dimensions))
      return malformed("tensor " + std::to_string(i) + " of a graph makes no sense");
    Port port;
    port.name = *name;
    port.dims.assign(body.dimensions, body.dimensions + body.rank);
    // An array of version 1 tensors may end before the members of version 2.
    std::memcpy(&port.tensor, &tensors[i], offsetof(Tensor, body.dynamic_dimensions));
    if (element_count(port.dims) == 0)
      return malformed("the shape of " + port.name + " is impossible");
    port.quantization = quantization_text(port.tensor.body.quantization);
    // Everything else points into the library's memory, which goes with its context.
    Quantization& quantization = port.tensor.body.quantization;
    if (quantization.encoding != 0 && quantization.encoding != 2) {
      quantization = {};
      quantization.definition = quantization.encoding = kUndefined;
    }
    port.tensor.body.memory = kMemoryRaw;
    port.tensor.body.buffer = {};
    port.tensor.body.name = nullptr;
    port.tensor.body.dimensions = nullptr;
    if (tensors[i].version == 2) port.tensor.body.sparse[0] = kUndefined;
    ports.push_back(std::move(port));
  }
  return {};
}

struct SystemContext {
  const SystemFunctions& functions;
  Handle handle = nullptr;
  ~SystemContext() {
    if (handle) functions.context_free(handle);
  }
};

struct Fnv {
  uint64_t state = 0xcbf29ce484222325ull;
  void bytes(const void* data, size_t count) {
    const auto* p = static_cast<const unsigned char*>(data);
    for (size_t i = 0; i < count; ++i) state = (state ^ p[i]) * 0x100000001b3ull;
  }
  void text(const std::string& value) {
    bytes(value.data(), value.size());
    bytes("", 1);
  }
  void number(uint64_t value) { bytes(&value, sizeof value); }
};

/// Names, types and shapes of all tensors and a sample of their rows: weights that differ anywhere
/// sensible (another seed, another fine-tune) differ here.
void add_model(Fnv& hash, const Graph& graph) {
  std::vector<std::byte> scratch;
  hash.text(graph.hp.architecture);
  for (const WeightInfo& tensor : graph.model->weights->tensors()) {
    hash.text(tensor.name);
    hash.number(static_cast<uint64_t>(tensor.type));
    hash.number(tensor.rows);
    hash.number(tensor.cols);
    for (uint64_t row : {uint64_t{0}, tensor.rows / 2, tensor.rows - 1}) {
      const auto sample = graph.model->weights->rows(tensor, row, 1, scratch);
      hash.bytes(sample.data(), sample.size());
    }
  }
  for (float frequency : graph.hp.rope_inv_freq) hash.bytes(&frequency, sizeof frequency);
  hash.bytes(&graph.hp.rope_magnitude, sizeof graph.hp.rope_magnitude);
  for (const Node& node : graph.nodes) {
    hash.text(node.name);
    hash.number(static_cast<uint64_t>(node.kind));
    hash.bytes(&node.scale, sizeof node.scale);
    hash.bytes(&node.eps, sizeof node.eps);
  }
}

}  // namespace

Result<BinaryDescription> describe_binary(const Library& library, std::span<const uint8_t> bytes) {
  NPB_TRY_ASSIGN(const SystemInterface* system, open_system(library));
  const SystemFunctions& f = system->functions;
  SystemContext context{f};
  if (const Status status = f.context_create(&context.handle); code_of(status) != 0)
    return call_failed(library.functions(), status, "Opening the reader of context binaries");
  const BinaryInfo* info = nullptr;
  const Status status = f.get_metadata(context.handle, bytes.data(), bytes.size(), &info);
  if (code_of(status) != 0)
    return call_failed(library.functions(), status, "Reading the context binary's description");
  if (!info || info->version < 1 || info->version > 3)
    return Error{ErrorCode::unsupported,
                 "The context binary's description has a version that this program doesn't know; "
                 "update npu-bench."};

  BinaryDescription description;
  const bool v3 = info->version == 3;
  description.build_id = bounded(info->v1.build_id).value_or("");
  description.core = info->v1.core;
  if (v3) {
    description.soc_model = info->v3.soc_model;
    uint32_t arch[2] = {};
    if (info->v3.metadata && info->v3.metadata_bytes >= sizeof arch) {
      std::memcpy(arch, info->v3.metadata, sizeof arch);
      description.arch = arch[1];
    }
  }
  const uint32_t count = v3 ? info->v3.graph_count : info->v1.graph_count;
  const auto* first = static_cast<const uint8_t*>(v3 ? info->v3.graphs : info->v1.graphs);
  if (count == 0 || count > kMostGraphs || !first) return malformed("it lists no graphs");
  const size_t stride = graph_info_stride(library.version().core.minor);
  for (uint32_t i = 0; i < count; ++i) {
    GraphInfo entry;
    std::memcpy(&entry, first + i * stride, sizeof entry);
    const auto name = bounded(entry.name);
    if (entry.version < 1 || entry.version > 3 || !name)
      return malformed("graph " + std::to_string(i) + " makes no sense");
    BinaryGraph& graph = description.graphs.emplace_back();
    graph.name = *name;
    NPB_TRY(copy_ports(entry.inputs, entry.input_count, graph.ports.inputs));
    NPB_TRY(copy_ports(entry.outputs, entry.output_count, graph.ports.outputs));
  }
  return description;
}

uint64_t hash_of(const Graph& graph) {
  Fnv hash;
  add_model(hash, graph);
  return hash.state;
}

BinaryCache::BinaryCache(const Device& device, const Graph& graph,
                         const std::vector<GraphPlan>& plans, const FixedPoint* fixed,
                         const std::string& folder)
    : device_(device), plans_(plans) {
  if (folder.empty()) return;
  Fnv hash;
  hash.text(NPB_VERSION);
  hash.text(device.library().build_id());
  hash.text(device.library().version_text());
  hash.number(device.platform().soc_model.value_or(0));
  hash.number(device.platform().arch.value_or(0));
  for (const GraphPlan& plan : plans) {
    hash.text(plan.name);
    hash.number(plan.shape.batch);
    hash.number(plan.shape.tokens);
    hash.number(plan.shape.past);
  }
  add_model(hash, graph);
  if (fixed) {
    hash.number(static_cast<uint64_t>(fixed->format) + 1);
    for (const auto& [name, range] : fixed->ranges) {
      hash.text(name);
      hash.bytes(&range, sizeof range);
    }
  }
  char name[32];
  std::snprintf(name, sizeof name, "qnn-%016llx.bin", static_cast<unsigned long long>(hash.state));
  path_ = utf8_path(folder) / name;
}

std::optional<Program> BinaryCache::load() const {
  if (path_.empty() || !device_.functions().context_create_from_binary ||
      !device_.functions().graph_retrieve)
    return std::nullopt;
  std::ifstream file(path_, std::ios::binary | std::ios::ate);
  if (!file) return std::nullopt;
  std::vector<uint8_t> bytes(static_cast<size_t>(file.tellg()));
  file.seekg(0);
  if (!file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size())))
    return std::nullopt;
  auto program = restore(std::move(bytes));
  if (program.ok()) return std::move(*program);
  if (std::getenv("NPU_BENCH_QNN_LOG"))
    std::fprintf(stderr, "qnn: cache entry not used: %s\n", program.error().message.c_str());
  std::error_code ignored;  // an entry that can't be removed is written over
  fs::remove(path_, ignored);
  return std::nullopt;
}

Result<Program> BinaryCache::restore(std::vector<uint8_t> bytes) const {
  NPB_TRY_ASSIGN(const BinaryDescription description, describe_binary(device_.library(), bytes));
  const Functions& f = device_.functions();
  Program program;
  program.binary = std::move(bytes);
  Handle handle = nullptr;
  Status status =
      f.context_create_from_binary(device_.backend(), device_.device(), nullptr,
                                   program.binary.data(), program.binary.size(), &handle, nullptr);
  if (code_of(status) != 0) return call_failed(f, status, "Loading the cached context binary");
  program.context = std::make_unique<Context>(device_, handle);
  for (const GraphPlan& plan : plans_) {
    Program::Part part;
    for (const BinaryGraph& graph : description.graphs) {
      if (graph.name == plan.name) part.ports = graph.ports;
    }
    status = f.graph_retrieve(handle, plan.name.c_str(), &part.handle);
    if (code_of(status) != 0 || part.ports.inputs.empty())
      return malformed("it has no graph \"" + plan.name + "\"");
    program.parts.push_back(std::move(part));
  }
  return program;
}

void BinaryCache::store(const Program& program) const {
  const Functions& f = device_.functions();
  uint64_t size = 0, written = 0;
  if (path_.empty() || !f.context_get_binary_size || !f.context_get_binary ||
      f.context_get_binary_size(program.context->handle(), &size) != 0 || size == 0)
    return;
  std::vector<uint8_t> bytes(size);
  if (f.context_get_binary(program.context->handle(), bytes.data(), size, &written) != 0 ||
      written > size)
    return;
  std::error_code ignored;  // a folder that can't be made shows when the file is opened
  fs::create_directories(path_.parent_path(), ignored);
  const fs::path part = path_.string() + ".part";
  std::ofstream file(part, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(written));
  file.close();
  if (!file) {
    fs::remove(part, ignored);
    return;
  }
  fs::rename(part, path_, ignored);
}

}  // namespace npb::qnn

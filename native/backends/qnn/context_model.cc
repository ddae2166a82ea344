#include "backends/qnn/context_model.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "backends/qnn/soc.h"
#include "backends/qnn/tensor_data.h"

namespace npb::qnn {
namespace {

/// 2, 51, 0 of "v2.51.0.260929181845"; nothing for another form.
std::optional<std::array<uint32_t, 3>> build_version(const std::string& build_id) {
  std::array<uint32_t, 3> parts = {};
  if (std::sscanf(build_id.c_str(), "v%u.%u.%u", &parts[0], &parts[1], &parts[2]) != 3)
    return std::nullopt;
  return parts;
}

std::string version_text(const Version& version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor) + "." +
         std::to_string(version.patch);
}

std::vector<StoredTensor> tensors_of(const std::vector<Port>& ports) {
  std::vector<StoredTensor> tensors;
  for (const Port& port : ports) {
    const uint32_t type = port.tensor.body.data_type;
    tensors.push_back({.name = port.name,
                       .type = data_type_name(type),
                       .dims = port.dims,
                       .quantization = port.quantization,
                       .bytes = tensor_bytes(type, element_count(port.dims))});
  }
  return tensors;
}

Error refused(const std::string& what, const std::string& remedy) {
  return {ErrorCode::unsupported, "The context binary was made " + what + "; " + remedy};
}

}  // namespace

Result<ContextFile> read_context_file(const Library& library, const std::string& path) {
  ContextFile result;
  NPB_TRY_ASSIGN(result.file, MappedFile::open(path));
  if (result.file->bytes().empty())
    return Error{ErrorCode::invalid_model, path + " is empty; prepare or copy it again."};
  NPB_TRY_ASSIGN(result.description, describe_binary(library, result.bytes()));
  return result;
}

std::shared_ptr<const Model> model_of(const ContextFile& context) {
  const BinaryDescription& told = context.description;
  auto model = std::make_shared<Model>();
  model->hp.family = ModelFamily::graph;
  model->hp.architecture = "compiled graphs";
  model->format = "qnn-context";
  model->name = utf8_text(utf8_path(context.file->path()).stem());
  model->tokenizer_problem = "A context binary holds no tokenizer.";
  model->file_size_bytes = context.file->bytes().size();
  for (const BinaryGraph& graph : told.graphs)
    model->graphs.push_back(
        {graph.name, tensors_of(graph.ports.inputs), tensors_of(graph.ports.outputs)});
  const std::string unknown = "not told";
  model->metadata = {
      {"made by", told.build_id.empty() ? unknown : "QNN " + told.build_id},
      {"core API", version_text(told.core)},
      {"SoC", told.soc_model && *told.soc_model ? soc_name(*told.soc_model) : unknown},
      {"Hexagon", told.arch && *told.arch ? "v" + std::to_string(*told.arch) : unknown},
  };
  // What most inputs are in says best what the graphs compute in.
  std::map<std::string, size_t> types;
  for (const StoredGraph& graph : model->graphs)
    for (const StoredTensor& tensor : graph.inputs) ++types[tensor.type];
  const auto most = std::max_element(
      types.begin(), types.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  model->quantization = most == types.end() ? "none" : most->first;
  return model;
}

Result<void> check_target(const BinaryDescription& description, const Library& library,
                          const Platform& platform, bool any_soc) {
  const auto made = build_version(description.build_id), here = build_version(library.build_id());
  const Version &core = description.core, &own = library.version().core;
  const bool later =
      made && here ? *made > *here
                   : core.major > own.major || (core.major == own.major && core.minor > own.minor);
  if (later)
    return refused("by a later runtime (" +
                       (made ? "QNN " + description.build_id : "core API " + version_text(core)) +
                       ") than this one (" +
                       (here ? "QNN " + library.build_id() : "core API " + version_text(own)) + ")",
                   "install that version or a later one with `npu-bench runtime install qnn`.");
  const bool other_arch =
      description.arch && *description.arch && platform.arch && *description.arch != *platform.arch;
  if (other_arch)
    return refused("for Hexagon v" + std::to_string(*description.arch) + ", but this chip has v" +
                       std::to_string(*platform.arch),
                   "prepare it for this one.");
  const bool other_soc = description.soc_model && *description.soc_model && platform.soc_model &&
                         *description.soc_model != *platform.soc_model;
  if (other_soc && !any_soc)
    return refused("for " + soc_name(*description.soc_model) + ", but this is " +
                       soc_name(*platform.soc_model),
                   "prepare it for this one, or let the runtime decide with --any-soc.");
  return {};
}

}  // namespace npb::qnn

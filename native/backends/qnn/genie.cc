#include "backends/qnn/genie.h"

#include <filesystem>

#include "backends/qnn/library.h"
#include "backends/qnn/shared_library.h"
#include "core/file.h"

namespace npb::qnn {
namespace {

namespace fs = std::filesystem;

#ifdef _WIN32
constexpr const char* kGenieName = "Genie.dll";
#else
constexpr const char* kGenieName = "libGenie.so";
#endif
constexpr uint64_t kMostConfigBytes = 1 << 20;

struct Entry {
  const char* name;
  void** slot;
  bool needed;
};

uint32_t number(const Json* object, const char* key) {
  const Json* value = object ? object->find(key) : nullptr;
  const auto told = value ? value->as_unsigned() : std::nullopt;
  return told && *told <= UINT32_MAX ? static_cast<uint32_t>(*told) : 0;
}

std::string shown(const Json& value) {
  if (const std::string* text = value.as_string()) return *text;
  if (const auto flag = value.as_bool()) return *flag ? "true" : "false";
  const auto told = value.as_number();
  if (!told) return "…";
  std::string text = std::to_string(*told);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace

std::string genie_status_name(GenieStatus status) {
  static const std::map<GenieStatus, const char*> names = {
      {1, "aborted"},
      {2, "bound handle"},
      {3, "paused"},
      {4, "context exceeded"},
      {-1, "general error"},
      {-2, "invalid argument"},
      {-3, "memory allocation"},
      {-4, "invalid configuration"},
      {-5, "invalid handle"},
      {-6, "query failed"},
      {-7, "JSON format"},
      {-8, "JSON schema"},
      {-9, "JSON value"},
      {-10, "generation failed"},
      {-11, "handle unavailable"},
      {-12, "configuration not applied"},
      {-13, "parameters not set"},
      {-14, "bound handle"},
  };
  const auto found = names.find(status);
  return std::string(found == names.end() ? "unknown status" : found->second) + " (" +
         std::to_string(status) + ")";
}

Error genie_failed(GenieStatus status, const std::string& doing) {
  const std::string what = doing + " failed: Genie says " + genie_status_name(status);
  if (status == 4)
    return {ErrorCode::invalid_argument,
            what + "; shorten --input-length or --output-length to fit the bundle's context."};
  if (status == -3) return {ErrorCode::out_of_memory, what + "; use a smaller bundle."};
  if (status == -4 || (status <= -7 && status >= -9))
    return {
        ErrorCode::invalid_model,
        what + "; correct genie_config.json (Genie's own message is above, on standard error)."};
  return {ErrorCode::device_lost, what +
                                      "; `npu-bench doctor` lists what the NPU needs, and the "
                                      "bundle must be made for this chip and runtime."};
}

Result<std::shared_ptr<const Genie>> Genie::open(const std::map<std::string, std::string>& extra) {
  for (const fs::path& folder : library_folders(extra)) {
    std::error_code ignored;  // what can't be looked at can't be opened either
    const fs::path path = folder / kGenieName;
    if (!folder.empty() && !fs::exists(path, ignored)) continue;
    void* library = open_library(path);
    if (!library) {
      if (folder.empty()) break;
      return Error{ErrorCode::device_unavailable,
                   utf8_text(path) + " can't be loaded (" + library_problem() +
                       "); it needs the other libraries of its runtime beside it."};
    }
    auto genie = std::make_shared<Genie>();
    GenieFunctions& f = genie->functions_;
    const auto slot = [](auto& member) { return reinterpret_cast<void**>(&member); };
    const Entry entries[] = {
        {"Genie_getApiMajorVersion", slot(f.api_major), true},
        {"Genie_getApiMinorVersion", slot(f.api_minor), true},
        {"Genie_getApiPatchVersion", slot(f.api_patch), true},
        {"GenieDialogConfig_createFromJson", slot(f.dialog_config_create), true},
        {"GenieDialogConfig_free", slot(f.dialog_config_free), true},
        {"GenieDialog_create", slot(f.dialog_create), true},
        {"GenieDialog_free", slot(f.dialog_free), true},
        {"GenieDialog_reset", slot(f.dialog_reset), true},
        {"GenieDialog_tokenQuery", slot(f.dialog_token_query), true},
        {"GenieDialog_setMaxNumTokens", slot(f.dialog_set_max_tokens), false},
        {"GenieDialog_setPerformancePolicy", slot(f.dialog_set_policy), false},
        {"GenieDialogConfig_bindProfiler", slot(f.dialog_bind_profiler), false},
        {"GenieProfile_create", slot(f.profile_create), false},
        {"GenieProfile_free", slot(f.profile_free), false},
        {"GenieProfile_getJsonData", slot(f.profile_json), false},
        {"GenieEmbeddingConfig_createFromJson", slot(f.embedding_config_create), false},
        {"GenieEmbeddingConfig_free", slot(f.embedding_config_free), false},
        {"GenieEmbedding_create", slot(f.embedding_create), false},
        {"GenieEmbedding_free", slot(f.embedding_free), false},
        {"GenieEmbedding_generate", slot(f.embedding_generate), false},
        {"GenieEmbeddingConfig_bindProfiler", slot(f.embedding_bind_profiler), false},
    };
    for (const Entry& entry : entries) {
      *entry.slot = library_address(library, entry.name);
      if (!*entry.slot && entry.needed)
        return Error{ErrorCode::unsupported,
                     utf8_text(path) + " has no function " + entry.name +
                         "; install a newer runtime with `npu-bench runtime install qnn`."};
    }
    if (f.api_major() != 1)
      return Error{ErrorCode::unsupported, utf8_text(path) + " speaks Genie API " +
                                               std::to_string(f.api_major()) +
                                               ", but this program knows version 1; update "
                                               "npu-bench."};
    genie->version_ = std::to_string(f.api_major()) + "." + std::to_string(f.api_minor()) + "." +
                      std::to_string(f.api_patch());
    genie->path_ = utf8_text(path);
    return std::shared_ptr<const Genie>(std::move(genie));
  }
  return Error{ErrorCode::device_unavailable,
               std::string("Qualcomm's Genie library (") + kGenieName +
                   ") was not found; fetch it with `npu-bench runtime install qnn`, or name its "
                   "folder with --qnn-lib."};
}

Result<GenieBundle> read_genie_bundle(const std::string& folder) {
  GenieBundle bundle;
  bundle.folder = folder;
  const std::string path = utf8_text(utf8_path(folder) / "genie_config.json");
  NPB_TRY_ASSIGN(bundle.text, read_text_file(path, kMostConfigBytes));
  NPB_TRY_ASSIGN(const Json config, Json::parse(bundle.text, path));
  const Json* dialog = config.find("dialog");
  const Json* embedding = config.find("embedding");
  const Json* whole = dialog ? dialog : embedding;
  if (!whole || !whole->is_object())
    return Error{ErrorCode::invalid_model, path +
                                               " describes no dialog and no embedding; name the "
                                               "folder of a Genie bundle."};
  bundle.embedding = whole == embedding;
  const Json* context = whole->find("context");
  bundle.vocab_size = number(context, "n-vocab");
  bundle.context_tokens = number(context, bundle.embedding ? "ctx-length" : "size");
  if (bundle.context_tokens == 0) bundle.context_tokens = number(context, "size");
  if (!bundle.embedding && (bundle.vocab_size == 0 || bundle.context_tokens == 0))
    return Error{ErrorCode::invalid_model,
                 path + " lacks the context's n-vocab or size; complete it."};
  if (const Json* sampler = whole->find("sampler")) {
    for (const auto& [key, value] : sampler->members())
      bundle.sampler += (bundle.sampler.empty() ? "" : ", ") + key + " " + shown(value);
  }
  return bundle;
}

std::shared_ptr<const Model> model_of(const GenieBundle& bundle) {
  auto model = std::make_shared<Model>();
  model->hp.family = bundle.embedding ? ModelFamily::encoder : ModelFamily::decoder;
  model->hp.architecture = "Genie bundle";
  model->hp.vocab_size = bundle.vocab_size;
  model->hp.context_length = bundle.context_tokens;
  model->format = "genie";
  model->name = utf8_text(utf8_path(bundle.folder).filename());
  model->quantization = "as compiled";
  model->tokenizer_problem = "Genie keeps its tokenizer to itself; give the prompt as token ids.";
  std::error_code ignored;  // a file that vanishes meanwhile is missed when Genie opens it
  for (const auto& entry : std::filesystem::directory_iterator(utf8_path(bundle.folder), ignored)) {
    if (entry.path().extension() == ".bin") model->file_size_bytes += entry.file_size(ignored);
  }
  model->metadata = {{"kind", bundle.embedding ? "embedding" : "dialog"}};
  if (!bundle.sampler.empty()) model->metadata.emplace_back("sampler", bundle.sampler);
  return model;
}

Result<void> check_genie_config(const Genie& genie, const GenieBundle& bundle) {
  const GenieFunctions& f = genie.functions();
  const auto create = bundle.embedding ? f.embedding_config_create : f.dialog_config_create;
  const auto free = bundle.embedding ? f.embedding_config_free : f.dialog_config_free;
  if (!create || !free)
    return Error{ErrorCode::unsupported,
                 "This Genie knows no embeddings; install a newer runtime with `npu-bench runtime "
                 "install qnn`."};
  GenieHandle config = nullptr;
  if (const GenieStatus status = create(bundle.text.c_str(), &config); status != 0)
    return genie_failed(status, "Reading " + bundle.folder + "'s genie_config.json");
  free(config);
  return {};
}

}  // namespace npb::qnn

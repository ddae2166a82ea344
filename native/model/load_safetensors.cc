#include <filesystem>

#include "core/file.h"
#include "core/json.h"
#include "model/hyperparameters.h"
#include "model/load.h"
#include "model/safetensors.h"
#include "model/tokenizer_files.h"

namespace npb {

namespace {

constexpr uint64_t kMaxConfigBytes = 4 << 20;

Result<Json> read_json(const std::string& path) {
  NPB_TRY_ASSIGN(const std::string text, read_text_file(path, kMaxConfigBytes));
  return Json::parse(text, path);
}

bool flag(const Json& json, const char* name) {
  const Json* value = json.find(name);
  return value && value->as_bool().value_or(false);
}

// sentence-transformers keeps pooling in 1_Pooling/config.json and lists a Normalize step in
// modules.json. Without these files: the mean, normalised, as most embedding models are used.
Result<void> read_pooling(const std::string& folder, Hyperparameters& hp) {
  hp.pooling = Pooling::mean;
  hp.l2_normalize = true;
  std::error_code error;
  const std::string modules_path = folder + "/modules.json";
  if (std::filesystem::exists(utf8_path(modules_path), error)) {
    NPB_TRY_ASSIGN(const Json modules, read_json(modules_path));
    hp.l2_normalize = false;
    for (const Json& module : modules.elements()) {
      const Json* type = module.find("type");
      if (type && type->is_string() && type->as_string()->ends_with("Normalize"))
        hp.l2_normalize = true;
    }
  }
  const std::string pooling_path = folder + "/1_Pooling/config.json";
  if (!std::filesystem::exists(utf8_path(pooling_path), error)) return {};
  NPB_TRY_ASSIGN(const Json pooling, read_json(pooling_path));
  const Json* mode = pooling.find("pooling_mode");
  const std::string named = mode && mode->is_string() ? *mode->as_string() : std::string();
  if (flag(pooling, "pooling_mode_cls_token") || named == "cls") {
    hp.pooling = Pooling::cls;
  } else if (flag(pooling, "pooling_mode_mean_tokens") || named == "mean") {
    hp.pooling = Pooling::mean;
  } else if (flag(pooling, "pooling_mode_lasttoken") || named == "lasttoken") {
    hp.pooling = Pooling::last;
  } else {
    return Error{
        ErrorCode::unsupported,
        pooling_path +
            " asks for a pooling that is not supported; supported are cls, mean and last token."};
  }
  return {};
}

std::string shown(const Json& value) {
  if (const std::string* text = value.as_string())
    return describe(GgufValue{std::string_view(*text)});
  if (const auto number = value.as_unsigned()) return std::to_string(*number);
  if (const auto number = value.as_number()) return describe(GgufValue{*number});
  if (const auto boolean = value.as_bool()) return *boolean ? "true" : "false";
  if (value.is_array()) return "list[" + std::to_string(value.elements().size()) + "]";
  return value.is_object() ? "object" : "null";
}

}  // namespace

Result<std::shared_ptr<const Model>> load_safetensors_folder(const std::string& folder,
                                                             const LoadOptions& options) {
  constexpr size_t kMaxMetadataShown = 256;
  const std::string config_path = folder + "/config.json";
  NPB_TRY_ASSIGN(const Json config, read_json(config_path));
  NPB_TRY_ASSIGN(const SafetensorsFolder files,
                 open_safetensors_folder(folder, flag(config, "tie_word_embeddings")));
  auto model = std::make_shared<Model>();
  model->weights = files.weights;
  NPB_TRY_ASSIGN(model->hp,
                 hugging_face_hyperparameters(config, *model->weights, options, config_path));
  if (model->hp.family == ModelFamily::encoder) NPB_TRY(read_pooling(folder, model->hp));
  set_tokenizer(*model, options, [&] { return folder_tokenizer(folder); });
  model->name =
      utf8_text(std::filesystem::absolute(utf8_path(folder)).lexically_normal().filename());
  model->format = "safetensors";
  model->file_size_bytes = files.file_bytes;
  for (const auto& [key, value] : config.members()) {
    if (model->metadata.size() == kMaxMetadataShown) break;
    model->metadata.emplace_back(describe(GgufValue{std::string_view(key)}), shown(value));
  }
  summarize_weights(*model);
  return std::shared_ptr<const Model>(std::move(model));
}

}  // namespace npb

#include "model/load.h"

#include <filesystem>
#include <map>
#include <system_error>

#include "core/file.h"

namespace npb {

Result<std::shared_ptr<const Model>> load_model(const std::string& path,
                                                const LoadOptions& options) {
  std::error_code error;
  if (std::filesystem::is_directory(utf8_path(path), error)) {
    return load_safetensors_folder(path, options);
  }
  if (path.ends_with(".safetensors")) {
    return Error{ErrorCode::invalid_argument,
                 path + " holds weights only; give the folder that has config.json beside it."};
  }
  return load_gguf(path, options);
}

void set_tokenizer(Model& model, const LoadOptions& options,
                   const std::function<Result<std::shared_ptr<const Tokenizer>>()>& make) {
  if (!options.with_tokenizer) {
    model.tokenizer_problem = "The tokenizer was not asked for.";
    return;
  }
  const auto tokenizer = make();
  if (tokenizer.ok()) {
    model.tokenizer = *tokenizer;
  } else {
    model.tokenizer_problem = tokenizer.error().message;
  }
}

void summarize_weights(Model& model) {
  std::map<TensorType, uint64_t> weights_by_type;
  model.parameter_count = 0;
  model.weight_bytes = 0;
  for (const WeightInfo& tensor : model.weights->tensors()) {
    const uint64_t weights = tensor.rows * tensor.cols;
    weights_by_type[tensor.type] += weights;
    model.parameter_count += weights;
    model.weight_bytes += tensor.bytes();
  }
  uint64_t most = 0;
  for (const auto& [type, weights] : weights_by_type) {
    if (weights <= most) continue;
    most = weights;
    model.quantization = tensor_type_info(type).name;
  }
}

}  // namespace npb

// Formats behind load_model(), and what they share.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/result.h"
#include "model/model.h"

namespace npb {

Result<std::shared_ptr<const Model>> load_gguf(const std::string& path, const LoadOptions& options);
Result<std::shared_ptr<const Model>> load_safetensors_folder(const std::string& path,
                                                             const LoadOptions& options);

/// Fills tokenizer or tokenizer_problem from what `make` returns; doesn't call it if the options
/// say so.
void set_tokenizer(Model& model, const LoadOptions& options,
                   const std::function<Result<std::shared_ptr<const Tokenizer>>()>& make);

/// Fills parameter_count, weight_bytes and quantization from the model's tensors.
void summarize_weights(Model& model);

}  // namespace npb

// Hyper-parameters from the two file formats, checked for plausibility.
#pragma once

#include <string>

#include "core/json.h"
#include "core/result.h"
#include "model/gguf.h"
#include "model/model.h"

namespace npb {

/// From GGUF metadata. `weights` gives the shapes and the RoPE factors that GGUF keeps as tensors.
/// `path` names the file in messages. Errors: invalid_model, unsupported (architecture).
Result<Hyperparameters> gguf_hyperparameters(const GgufFile& gguf, const WeightSource& weights,
                                             const LoadOptions& options, const std::string& path);

/// From a Hugging Face config.json (the transformers library's names). Pooling is left at its
/// default.
Result<Hyperparameters> hugging_face_hyperparameters(const Json& config,
                                                     const WeightSource& weights,
                                                     const LoadOptions& options,
                                                     const std::string& path);

/// What must hold for every model, whatever its format: ranges, divisibility, the embedding's shape
/// (which sets vocab_size and tied_embeddings).
Result<void> finish_hyperparameters(Hyperparameters& hp, const WeightSource& weights,
                                    const std::string& path);

}  // namespace npb

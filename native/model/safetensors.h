// The safetensors format: an 8-byte length, a JSON directory, raw data. As untrusted as GGUF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "model/weights.h"

namespace npb {

/// A tensor under its GGUF name.
struct SafetensorsEntry {
  WeightInfo info;
  uint64_t offset = 0;  // of its data, from the file's start
};

/// The GGUF name of a Hugging Face tensor of a llama-like or BERT model; empty for tensors that
/// inference doesn't need (poolers, position ids, stored RoPE frequencies).
std::string gguf_name(std::string_view hugging_face_name);

/// The tensors of one file that have a GGUF name. Errors: invalid_model, unsupported (element
/// type).
Result<std::vector<SafetensorsEntry>> parse_safetensors(std::span<const std::byte> bytes,
                                                        const std::string& path);

/// All weights of a folder: model.safetensors, or the files that model.safetensors.index.json names
/// (in the folder itself only). `output_is_tied`: lm_head is a copy of the embedding and is left
/// out.
struct SafetensorsFolder {
  std::shared_ptr<const WeightSource> weights;
  uint64_t file_bytes = 0;
};
Result<SafetensorsFolder> open_safetensors_folder(const std::string& folder, bool output_is_tied);

}  // namespace npb

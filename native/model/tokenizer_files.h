// Tokenizers from the files that carry them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"
#include "model/gguf.h"
#include "model/tokenizer.h"

namespace npb {

/// From GGUF's tokenizer.ggml.* metadata; the result doesn't refer to the file. Errors: unsupported
/// (no tokenizer or an unknown kind), invalid_model (inconsistent tables).
Result<std::shared_ptr<const Tokenizer>> gguf_tokenizer(const GgufFile& gguf);

/// From the text of a tokenizer.json; `path` names it in messages. Errors: unsupported,
/// invalid_model.
Result<std::shared_ptr<const Tokenizer>> json_tokenizer(std::string_view text,
                                                        const std::string& path);

/// From a Hugging Face folder: tokenizer.json, or vocab.txt. Errors: unsupported, invalid_model,
/// io.
Result<std::shared_ptr<const Tokenizer>> folder_tokenizer(const std::string& folder);

}  // namespace npb

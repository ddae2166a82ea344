// How byte-level BPE models cut text into words before merging. The published regular expressions,
// written out as code.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace npb {

enum class PreTokenizer { gpt2, smollm, llama3, qwen2 };

/// "gpt2", "smollm", "llama3", "qwen2".
const char* name(PreTokenizer kind);
/// From GGUF's tokenizer.ggml.pre ("llama-bpe", "smollm", ...).
std::optional<PreTokenizer> pre_tokenizer_from_gguf(std::string_view name);
/// From the pattern of a Split step in tokenizer.json.
std::optional<PreTokenizer> pre_tokenizer_from_pattern(std::string_view pattern);

/// Calls `word` for each piece of `text`, in order; the pieces cover the text.
void pre_tokenize(PreTokenizer kind, std::string_view text,
                  const std::function<void(std::string_view)>& word);

}  // namespace npb

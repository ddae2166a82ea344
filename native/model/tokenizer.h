// Text to token ids and back, enough to prompt a model and to show what it says.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace npb {

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  /// Adds the model's own begin (and, for encoders, end) tokens as the model file asks for.
  virtual std::vector<int32_t> encode(std::string_view text) const = 0;
  /// Special tokens are left out. Incomplete UTF-8 at the end is kept as it is.
  virtual std::string decode(std::span<const int32_t> ids) const = 0;
  virtual int32_t bos_id() const = 0;    // -1 if none
  virtual int32_t eos_id() const = 0;    // -1 if none
  virtual std::string kind() const = 0;  // "gpt2-bpe/smollm", "spm", "wordpiece"
};

}  // namespace npb

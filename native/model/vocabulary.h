// The token table that every kind of tokenizer shares.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "core/result.h"

namespace npb {

/// As GGUF numbers tokenizer.ggml.token_type.
enum class TokenKind : uint8_t {
  normal = 1,
  unknown = 2,
  control = 3,       // never shown; matched in the text as a whole
  user_defined = 4,  // plain text that is matched as a whole
  unused = 5,
  byte = 6,  // "<0x0A>": one byte
};

struct VocabularyOptions {
  int32_t bos = -1;
  int32_t eos = -1;
  int32_t unknown = -1;
  std::vector<int32_t> prefix;  // put before every text
  std::vector<int32_t> suffix;  // and after it
};

class Vocabulary {
 public:
  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;

  /// `kinds` is empty (all normal) or has one entry per token. Every id of `options` must be -1 or
  /// that of a token. Errors: invalid_model.
  static Result<Vocabulary> make(const std::vector<std::string_view>& tokens,
                                 std::vector<TokenKind> kinds, VocabularyOptions options);

  size_t size() const { return kinds_.size(); }
  std::string_view text(int32_t id) const;  // id must be valid
  TokenKind kind(int32_t id) const { return kinds_[static_cast<size_t>(id)]; }
  bool valid(int32_t id) const { return id >= 0 && static_cast<size_t>(id) < kinds_.size(); }
  /// -1 if there is no such token. Of equal texts the first counts.
  int32_t find(std::string_view text) const;
  const VocabularyOptions& options() const { return options_; }

  /// Text between special tokens, or the id of one.
  using Fragment = std::variant<std::string_view, int32_t>;
  /// Cuts `text` at control and user-defined tokens, the longest match first.
  std::vector<Fragment> split(std::string_view text) const;

 private:
  Vocabulary() = default;

  std::vector<char> arena_;  // all texts, one after the other; the views in ids_ point into it
  std::vector<size_t> ends_;
  std::vector<TokenKind> kinds_;
  std::unordered_map<std::string_view, int32_t> ids_;
  std::vector<int32_t> special_[256];  // by first byte, longest first
  VocabularyOptions options_;
};

}  // namespace npb

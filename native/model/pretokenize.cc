#include "model/pretokenize.h"

#include <array>
#include <utility>
#include <vector>

#include "model/unicode.h"

namespace npb {

namespace {

// One code point of the text and where its bytes begin.
struct Point {
  uint32_t code;
  size_t begin;
};

// Matches one word at a time; `at` and `end` are positions in points_. Position count() reads as
// code 0, which is in none of the classes the patterns name, and the callers check the end where
// that matters.
class Matcher {
 public:
  explicit Matcher(std::string_view text) : text_(text) {
    points_.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
      size_t length = 0;
      const uint32_t code = unicode::decode(text, at, length);
      points_.push_back({code, at});
      at += length;
    }
  }

  size_t count() const { return points_.size(); }
  std::string_view slice(size_t from, size_t to) const {
    const size_t begin = byte(from);
    return text_.substr(begin, byte(to) - begin);
  }

  // '(?:s|t|re|ve|m|ll|d)
  size_t contraction(size_t at, bool any_case) const {
    if (code(at) != '\'') return at;
    const auto letter = [&](size_t i) {
      const uint32_t c = code(i);
      return any_case && c >= 'A' && c <= 'Z' ? c + 32 : c;
    };
    const uint32_t a = letter(at + 1);
    const uint32_t b = letter(at + 2);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return at + 2;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return at + 3;
    return at;
  }

  // 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
  size_t gpt2(size_t at) const {
    if (const size_t end = contraction(at, false); end > at) return end;
    const size_t body = code(at) == ' ' ? at + 1 : at;
    if (const size_t end = letters(body); end > body) return end;
    if (const size_t end = numbers(body, count()); end > body) return end;
    if (const size_t end = others(body); end > body) return end;
    return spaces(at);
  }

  // (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,most}| ?[^\s\p{L}\p{N}]+[\r\n]*|
  // \s*[\r\n]+|\s+(?!\S)|\s+
  size_t llama3(size_t at, size_t most_digits) const {
    if (const size_t end = contraction(at, true); end > at) return end;
    const bool lead = !letter(at) && !number(at) && !line_break(at);
    const size_t word = lead ? at + 1 : at;
    if (const size_t end = letters(word); end > word) return end;
    if (const size_t end = numbers(at, at + most_digits); end > at) return end;
    const size_t body = code(at) == ' ' ? at + 1 : at;
    if (size_t end = others(body); end > body) {
      while (line_break(end)) ++end;
      return end;
    }
    size_t last_break = at;
    for (size_t end = at; space(end); ++end) {
      if (line_break(end)) last_break = end + 1;
    }
    return last_break > at ? last_break : spaces(at);
  }

  bool number(size_t at) const { return at < count() && unicode::is_number(points_[at].code); }

 private:
  size_t byte(size_t at) const { return at < count() ? points_[at].begin : text_.size(); }
  uint32_t code(size_t at) const { return at < count() ? points_[at].code : 0; }
  bool letter(size_t at) const { return at < count() && unicode::is_letter(points_[at].code); }
  bool space(size_t at) const { return at < count() && unicode::is_space(points_[at].code); }
  bool line_break(size_t at) const { return code(at) == '\r' || code(at) == '\n'; }

  size_t letters(size_t at) const {
    while (letter(at)) ++at;
    return at;
  }
  size_t numbers(size_t at, size_t limit) const {
    while (at < limit && number(at)) ++at;
    return at;
  }
  size_t others(size_t at) const {
    while (at < count() && !letter(at) && !number(at) && !space(at)) ++at;
    return at;
  }
  // \s+(?!\S)|\s+ : all of the white space, but its last one is left to a word that follows.
  size_t spaces(size_t at) const {
    size_t end = at;
    while (space(end)) ++end;
    return end < count() && end - at > 1 ? end - 1 : end;
  }

  std::string_view text_;
  std::vector<Point> points_;
};

void gpt2_words(std::string_view text, const std::function<void(std::string_view)>& word) {
  const Matcher matcher(text);
  for (size_t at = 0; at < matcher.count();) {
    const size_t end = matcher.gpt2(at);
    word(matcher.slice(at, end));
    at = end;
  }
}

// Every digit is a word of its own; what lies between is cut as gpt2 does, each stretch by itself.
void smollm_words(std::string_view text, const std::function<void(std::string_view)>& word) {
  const Matcher matcher(text);
  size_t start = 0;
  for (size_t at = 0; at <= matcher.count(); ++at) {
    const bool digit = matcher.number(at);
    if (!digit && at < matcher.count()) continue;
    if (at > start) gpt2_words(matcher.slice(start, at), word);
    if (digit) word(matcher.slice(at, at + 1));
    start = at + 1;
  }
}

void llama3_words(std::string_view text, size_t most_digits,
                  const std::function<void(std::string_view)>& word) {
  const Matcher matcher(text);
  for (size_t at = 0; at < matcher.count();) {
    const size_t end = matcher.llama3(at, most_digits);
    word(matcher.slice(at, end));
    at = end;
  }
}

}  // namespace

const char* name(PreTokenizer kind) {
  switch (kind) {
    case PreTokenizer::gpt2:
      return "gpt2";
    case PreTokenizer::smollm:
      return "smollm";
    case PreTokenizer::llama3:
      return "llama3";
    case PreTokenizer::qwen2:
      return "qwen2";
  }
  return "gpt2";
}

std::optional<PreTokenizer> pre_tokenizer_from_gguf(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, PreTokenizer>, 10> kNames{{
      {"gpt-2", PreTokenizer::gpt2},
      {"gpt2", PreTokenizer::gpt2},
      {"phi-2", PreTokenizer::gpt2},
      {"smollm", PreTokenizer::smollm},
      {"starcoder", PreTokenizer::smollm},
      {"refact", PreTokenizer::smollm},
      {"llama-bpe", PreTokenizer::llama3},
      {"llama3", PreTokenizer::llama3},
      {"llama-v3", PreTokenizer::llama3},
      {"qwen2", PreTokenizer::qwen2},
  }};
  for (const auto& [known, kind] : kNames) {
    if (known == name) return kind;
  }
  return std::nullopt;
}

std::optional<PreTokenizer> pre_tokenizer_from_pattern(std::string_view pattern) {
  constexpr std::string_view kHead =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})";
  constexpr std::string_view kTail = R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  if (!pattern.starts_with(kHead) || !pattern.ends_with(kTail) ||
      pattern.size() < kHead.size() + kTail.size()) {
    return std::nullopt;
  }
  const std::string_view digits =
      pattern.substr(kHead.size(), pattern.size() - kHead.size() - kTail.size());
  if (digits.empty()) return PreTokenizer::qwen2;
  if (digits == "{1,3}") return PreTokenizer::llama3;
  return std::nullopt;
}

void pre_tokenize(PreTokenizer kind, std::string_view text,
                  const std::function<void(std::string_view)>& word) {
  switch (kind) {
    case PreTokenizer::gpt2:
      return gpt2_words(text, word);
    case PreTokenizer::smollm:
      return smollm_words(text, word);
    case PreTokenizer::llama3:
      return llama3_words(text, 3, word);
    case PreTokenizer::qwen2:
      return llama3_words(text, 1, word);
  }
}

}  // namespace npb

#include "model/tokenizers.h"
#include "model/unicode.h"

namespace npb {

namespace {

using unicode::CharClass;

constexpr size_t kLongestWord = 100;  // code points; longer ones become the unknown token

bool is_punctuation(uint32_t code) {
  const bool ascii_symbol = (code >= 33 && code <= 47) || (code >= 58 && code <= 64) ||
                            (code >= 91 && code <= 96) || (code >= 123 && code <= 126);
  return ascii_symbol || unicode::class_of(code) == CharClass::punctuation;
}

// Ideographs are words of their own (BERT's list of blocks).
bool is_ideograph(uint32_t code) {
  return (code >= 0x4e00 && code <= 0x9fff) || (code >= 0x3400 && code <= 0x4dbf) ||
         (code >= 0x20000 && code <= 0x2a6df) || (code >= 0x2a700 && code <= 0x2b73f) ||
         (code >= 0x2b740 && code <= 0x2b81f) || (code >= 0x2b920 && code <= 0x2ceaf) ||
         (code >= 0xf900 && code <= 0xfaff) || (code >= 0x2f800 && code <= 0x2fa1f);
}

class WordpieceTokenizer final : public VocabularyTokenizer {
 public:
  WordpieceTokenizer(Vocabulary vocabulary, std::string start, std::string continuation,
                     bool lowercase)
      : VocabularyTokenizer(std::move(vocabulary)),
        start_(std::move(start)),
        continuation_(std::move(continuation)),
        lowercase_(lowercase) {}

  std::string kind() const override { return "wordpiece"; }

 protected:
  void encode_text(std::string_view text, bool, std::vector<int32_t>& ids) const override {
    std::vector<uint32_t> word;
    std::vector<uint32_t> parts;
    const auto finish = [&] {
      if (!word.empty()) encode_word(word, ids);
      word.clear();
    };
    for (size_t at = 0; at < text.size();) {
      size_t length = 0;
      const uint32_t raw = unicode::decode(text, at, length);
      at += length;
      // Control characters are removed first, the white ones among them as well, but for these
      // three.
      const bool blank = raw == '\t' || raw == '\n' || raw == '\r';
      const bool removed =
          raw == 0 || raw == unicode::kReplacement || unicode::class_of(raw) == CharClass::control;
      if (removed && !blank) continue;
      if (unicode::is_space(raw)) {
        finish();
        continue;
      }
      parts.clear();
      if (lowercase_) {
        unicode::append_decomposed(parts, raw);
      } else {
        parts.push_back(raw);
      }
      for (const uint32_t code : parts) {
        if (lowercase_ && unicode::class_of(code) == CharClass::nonspacing_mark) continue;
        const bool alone = is_punctuation(code) || is_ideograph(raw);
        if (alone) finish();
        word.push_back(code);
        if (alone) finish();
      }
    }
    finish();
  }

  void decode_token(int32_t id, std::string& text) const override {
    std::string_view token = vocabulary_.text(id);
    const bool begins =
        continuation_.empty() ? token.starts_with(start_) : !token.starts_with(continuation_);
    token.remove_prefix(begins ? (start_.empty() ? 0 : start_.size()) : continuation_.size());
    if (begins && !text.empty()) text += ' ';
    text += token;
  }

 private:
  void encode_word(const std::vector<uint32_t>& codes, std::vector<int32_t>& ids) const {
    const int32_t unknown = vocabulary_.options().unknown;
    std::string word;
    std::vector<size_t> ends{0};  // byte positions between letters
    for (const uint32_t code : codes) {
      if (lowercase_) {
        unicode::append_lower(word, code);
      } else {
        unicode::append(word, code);
      }
      ends.push_back(word.size());
    }
    const size_t before = ids.size();
    size_t from = codes.size() > kLongestWord ? codes.size() + 1 : 0;
    while (from < codes.size()) {
      const std::string& mark = from == 0 ? start_ : continuation_;
      size_t to = codes.size();
      int32_t id = -1;
      for (; to > from && id < 0; --to) {
        id = vocabulary_.find(mark + word.substr(ends[from], ends[to] - ends[from]));
      }
      if (id < 0) break;
      ids.push_back(id);
      from = to + 1;
    }
    if (from == codes.size()) return;
    ids.resize(before);
    if (unknown >= 0) ids.push_back(unknown);
  }

  std::string start_;
  std::string continuation_;
  bool lowercase_;
};

}  // namespace

Result<std::shared_ptr<const Tokenizer>> make_wordpiece_tokenizer(Vocabulary vocabulary,
                                                                  std::string start,
                                                                  std::string continuation,
                                                                  bool lowercase) {
  return std::shared_ptr<const Tokenizer>(std::make_shared<WordpieceTokenizer>(
      std::move(vocabulary), std::move(start), std::move(continuation), lowercase));
}

}  // namespace npb

#include <array>
#include <unordered_map>

#include "model/merge.h"
#include "model/tokenizers.h"
#include "model/unicode.h"

namespace npb {

namespace {

// GPT-2's alphabet: printable bytes of Latin-1 stand for themselves, the others for U+0100 and on.
std::array<uint32_t, 256> byte_letters() {
  std::array<uint32_t, 256> letters{};
  uint32_t next = 0x100;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad);
    letters[byte] = printable ? byte : next++;
  }
  return letters;
}

class BpeTokenizer final : public VocabularyTokenizer {
 public:
  BpeTokenizer(Vocabulary vocabulary, PreTokenizer pre, bool whole_words)
      : VocabularyTokenizer(std::move(vocabulary)), pre_(pre), whole_words_(whole_words) {
    const std::array<uint32_t, 256> letters = byte_letters();
    for (uint32_t byte = 0; byte < 256; ++byte) {
      unicode::append(letters_[byte], letters[byte]);
      byte_ids_[byte] = vocabulary_.find(letters_[byte]);
      if (letters[byte] < bytes_.size()) bytes_[letters[byte]] = static_cast<int16_t>(byte);
    }
  }

  Result<void> add_merges(const std::vector<MergePair>& merges) {
    merges_.reserve(merges.size());
    std::string joined;
    for (size_t rank = 0; rank < merges.size(); ++rank) {
      const auto [left, right] = merges[rank];
      joined.assign(left).append(right);
      const int32_t left_id = vocabulary_.find(left);
      const int32_t right_id = vocabulary_.find(right);
      const int32_t id = vocabulary_.find(joined);
      if (left_id < 0 || right_id < 0 || id < 0) {
        return Error{ErrorCode::invalid_model, "The tokenizer is damaged: merge " +
                                                   std::to_string(rank + 1) +
                                                   " names a token that does not exist."};
      }
      merges_.emplace(pair(left_id, right_id), Merge{static_cast<double>(rank), id});
    }
    return {};
  }

  std::string kind() const override { return std::string("gpt2-bpe/") + name(pre_); }

 protected:
  void encode_text(std::string_view text, bool, std::vector<int32_t>& ids) const override {
    std::vector<Piece> pieces;
    std::string spelled;
    pre_tokenize(pre_, text, [&](std::string_view word) {
      if (whole_words_) {
        spelled.clear();
        for (const char c : word) spelled += letters_[static_cast<unsigned char>(c)];
        if (const int32_t id = vocabulary_.find(spelled); id >= 0) {
          ids.push_back(id);
          return;
        }
      }
      pieces.clear();
      for (size_t i = 0; i < word.size(); ++i) {
        pieces.push_back(
            {static_cast<uint32_t>(i), 1, byte_ids_[static_cast<unsigned char>(word[i])]});
      }
      merge_pieces(pieces,
                   [&](const Piece& left, const Piece& right) { return find(left, right); });
      for (const Piece& piece : pieces) {
        if (piece.length == 0) continue;
        const int32_t id = piece.id >= 0 ? piece.id : vocabulary_.options().unknown;
        if (id >= 0) ids.push_back(id);
      }
    });
  }

  void decode_token(int32_t id, std::string& text) const override {
    const std::string_view token = vocabulary_.text(id);
    for (size_t at = 0; at < token.size();) {
      size_t length = 0;
      const uint32_t code = unicode::decode(token, at, length);
      if (code < bytes_.size() && bytes_[code] >= 0) {
        text += static_cast<char>(bytes_[code]);
      } else {
        text += token.substr(at, length);
      }
      at += length;
    }
  }

 private:
  static uint64_t pair(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  std::optional<Merge> find(const Piece& left, const Piece& right) const {
    const auto found = merges_.find(pair(left.id, right.id));
    return found == merges_.end() ? std::nullopt : std::optional(found->second);
  }

  PreTokenizer pre_;
  bool whole_words_;
  std::array<std::string, 256> letters_;
  std::array<int32_t, 256> byte_ids_{};
  std::array<int16_t, 0x144> bytes_ = [] {
    std::array<int16_t, 0x144> none{};
    none.fill(-1);
    return none;
  }();
  std::unordered_map<uint64_t, Merge> merges_;
};

}  // namespace

Result<std::shared_ptr<const Tokenizer>> make_bpe_tokenizer(Vocabulary vocabulary,
                                                            const std::vector<MergePair>& merges,
                                                            PreTokenizer pre, bool whole_words) {
  auto tokenizer = std::make_shared<BpeTokenizer>(std::move(vocabulary), pre, whole_words);
  NPB_TRY(tokenizer->add_merges(merges));
  return std::shared_ptr<const Tokenizer>(std::move(tokenizer));
}

}  // namespace npb

#include <array>
#include <cstdio>

#include "model/merge.h"
#include "model/tokenizers.h"
#include "model/unicode.h"

namespace npb {

namespace {

constexpr std::string_view kSpace = "\xe2\x96\x81";  // U+2581 stands for a space

class SpmTokenizer final : public VocabularyTokenizer {
 public:
  SpmTokenizer(Vocabulary vocabulary, std::vector<float> scores, bool space_prefix)
      : VocabularyTokenizer(std::move(vocabulary)),
        scores_(std::move(scores)),
        space_prefix_(space_prefix) {
    for (uint32_t byte = 0; byte < 256; ++byte) {
      char name[8];
      std::snprintf(name, sizeof name, "<0x%02X>", byte);
      byte_ids_[byte] = vocabulary_.find(name);
    }
  }

  std::string kind() const override { return "spm"; }

 protected:
  void encode_text(std::string_view raw, bool first, std::vector<int32_t>& ids) const override {
    std::string text;
    if (first && space_prefix_) text += kSpace;
    for (const char c : raw) {
      if (c == ' ') {
        text += kSpace;
      } else {
        text += c;
      }
    }
    std::vector<Piece> pieces;
    for (size_t at = 0; at < text.size();) {
      size_t length = 0;
      unicode::decode(text, at, length);
      const std::string_view letter = std::string_view(text).substr(at, length);
      pieces.push_back(
          {static_cast<uint32_t>(at), static_cast<uint32_t>(length), vocabulary_.find(letter)});
      at += length;
    }
    merge_pieces(pieces, [&](const Piece& left, const Piece& right) -> std::optional<Merge> {
      const std::string_view joined(text.data() + left.begin, left.length + right.length);
      const int32_t id = vocabulary_.find(joined);
      if (id < 0 || vocabulary_.kind(id) == TokenKind::unused) return std::nullopt;
      return Merge{-static_cast<double>(scores_[static_cast<size_t>(id)]), id};
    });
    for (const Piece& piece : pieces) {
      if (piece.length == 0) continue;
      if (piece.id >= 0) {
        ids.push_back(piece.id);
      } else {
        append_bytes(std::string_view(text).substr(piece.begin, piece.length), ids);
      }
    }
  }

  void decode_token(int32_t id, std::string& text) const override {
    std::string_view token = vocabulary_.text(id);
    unsigned byte = 0;
    if (vocabulary_.kind(id) == TokenKind::byte &&
        std::sscanf(std::string(token).c_str(), "<0x%2X>", &byte) == 1) {
      text += static_cast<char>(byte);
      return;
    }
    for (size_t at = token.find(kSpace); at != token.npos; at = token.find(kSpace)) {
      text.append(token.substr(0, at)).append(" ");
      token.remove_prefix(at + kSpace.size());
    }
    text += token;
  }

 private:
  void append_bytes(std::string_view text, std::vector<int32_t>& ids) const {
    for (const char c : text) {
      int32_t id = byte_ids_[static_cast<unsigned char>(c)];
      if (id < 0) id = vocabulary_.options().unknown;
      if (id >= 0) ids.push_back(id);
    }
  }

  std::vector<float> scores_;
  bool space_prefix_;
  std::array<int32_t, 256> byte_ids_{};
};

}  // namespace

Result<std::shared_ptr<const Tokenizer>> make_spm_tokenizer(Vocabulary vocabulary,
                                                            std::vector<float> scores,
                                                            bool space_prefix) {
  if (scores.size() != vocabulary.size()) {
    return Error{ErrorCode::invalid_model, "The tokenizer is damaged: it has " +
                                               std::to_string(vocabulary.size()) + " tokens but " +
                                               std::to_string(scores.size()) + " scores."};
  }
  for (const float score : scores) {
    if (score != score) {
      return Error{ErrorCode::invalid_model, "The tokenizer is damaged: a score is not a number."};
    }
  }
  return std::shared_ptr<const Tokenizer>(
      std::make_shared<SpmTokenizer>(std::move(vocabulary), std::move(scores), space_prefix));
}

}  // namespace npb

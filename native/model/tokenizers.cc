#include "model/tokenizers.h"

namespace npb {

std::vector<int32_t> VocabularyTokenizer::encode(std::string_view text) const {
  const VocabularyOptions& options = vocabulary_.options();
  std::vector<int32_t> ids = options.prefix;
  bool first = true;
  for (const Vocabulary::Fragment& fragment : vocabulary_.split(text)) {
    if (const auto* id = std::get_if<int32_t>(&fragment)) {
      ids.push_back(*id);
    } else {
      encode_text(std::get<std::string_view>(fragment), first, ids);
    }
    first = false;
  }
  ids.insert(ids.end(), options.suffix.begin(), options.suffix.end());
  return ids;
}

std::string VocabularyTokenizer::decode(std::span<const int32_t> ids) const {
  std::string text;
  for (const int32_t id : ids) {
    if (!vocabulary_.valid(id)) continue;  // padding of an embedding table beyond the vocabulary
    switch (vocabulary_.kind(id)) {
      case TokenKind::control:
      case TokenKind::unused:
        break;
      case TokenKind::user_defined:
        text += vocabulary_.text(id);
        break;
      case TokenKind::normal:
      case TokenKind::unknown:
      case TokenKind::byte:
        decode_token(id, text);
        break;
    }
  }
  return text;
}

}  // namespace npb

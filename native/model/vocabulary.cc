#include "model/vocabulary.h"

#include <algorithm>

namespace npb {

Result<Vocabulary> Vocabulary::make(const std::vector<std::string_view>& tokens,
                                    std::vector<TokenKind> kinds, VocabularyOptions options) {
  const auto bad = [](const std::string& problem) {
    return Error{ErrorCode::invalid_model, "The tokenizer is damaged: " + problem + "."};
  };
  constexpr size_t kMostTokens = 1 << 24;
  if (tokens.empty() || tokens.size() > kMostTokens) {
    return bad("it has " + std::to_string(tokens.size()) + " tokens");
  }
  if (kinds.empty()) kinds.assign(tokens.size(), TokenKind::normal);
  if (kinds.size() != tokens.size()) {
    return bad("it has " + std::to_string(tokens.size()) + " tokens but " +
               std::to_string(kinds.size()) + " token types");
  }
  Vocabulary result;
  result.kinds_ = std::move(kinds);
  result.options_ = std::move(options);
  std::vector<int32_t> named = result.options_.prefix;
  named.insert(named.end(), result.options_.suffix.begin(), result.options_.suffix.end());
  for (const int32_t id : {result.options_.bos, result.options_.eos, result.options_.unknown}) {
    if (id != -1) named.push_back(id);
  }
  for (const int32_t id : named) {
    if (!result.valid(id))
      return bad("a special token has the id " + std::to_string(id) + ", which does not exist");
  }

  size_t bytes = 0;
  for (const std::string_view token : tokens) bytes += token.size();
  result.arena_.reserve(bytes);
  result.ends_.reserve(tokens.size());
  for (const std::string_view token : tokens) {
    result.arena_.insert(result.arena_.end(), token.begin(), token.end());
    result.ends_.push_back(result.arena_.size());
  }
  result.ids_.reserve(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    const std::string_view text = result.text(id);
    result.ids_.emplace(text, id);
    const TokenKind kind = result.kinds_[i];
    if (!text.empty() && (kind == TokenKind::control || kind == TokenKind::user_defined)) {
      result.special_[static_cast<unsigned char>(text[0])].push_back(id);
    }
  }
  for (auto& ids : result.special_) {
    std::stable_sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) {
      return result.text(a).size() > result.text(b).size();
    });
  }
  return result;
}

std::string_view Vocabulary::text(int32_t id) const {
  const auto i = static_cast<size_t>(id);
  const size_t begin = i == 0 ? 0 : ends_[i - 1];
  return {arena_.data() + begin, ends_[i] - begin};
}

int32_t Vocabulary::find(std::string_view text) const {
  const auto found = ids_.find(text);
  return found == ids_.end() ? -1 : found->second;
}

std::vector<Vocabulary::Fragment> Vocabulary::split(std::string_view text) const {
  std::vector<Fragment> fragments;
  size_t start = 0;
  size_t at = 0;
  while (at < text.size()) {
    const auto& candidates = special_[static_cast<unsigned char>(text[at])];
    const auto match = std::find_if(candidates.begin(), candidates.end(), [&](int32_t id) {
      return text.substr(at).starts_with(this->text(id));
    });
    if (match == candidates.end()) {
      ++at;
      continue;
    }
    if (at > start) fragments.emplace_back(text.substr(start, at - start));
    fragments.emplace_back(*match);
    at += this->text(*match).size();
    start = at;
  }
  if (at > start) fragments.emplace_back(text.substr(start, at - start));
  return fragments;
}

}  // namespace npb

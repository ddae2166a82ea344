// The kinds of tokenizer, made from tables that some file gave.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "model/pretokenize.h"
#include "model/tokenizer.h"
#include "model/vocabulary.h"

namespace npb {

/// What all kinds do alike: prefix and suffix, special tokens in the text, leaving them out of it.
class VocabularyTokenizer : public Tokenizer {
 public:
  explicit VocabularyTokenizer(Vocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {}

  std::vector<int32_t> encode(std::string_view text) const final;
  std::string decode(std::span<const int32_t> ids) const final;
  int32_t bos_id() const final { return vocabulary_.options().bos; }
  int32_t eos_id() const final { return vocabulary_.options().eos; }

 protected:
  /// Appends the ids of text without special tokens; `first`: nothing stands before it.
  virtual void encode_text(std::string_view text, bool first, std::vector<int32_t>& ids) const = 0;
  /// Appends what a token that is not special looks like.
  virtual void decode_token(int32_t id, std::string& text) const = 0;

  const Vocabulary vocabulary_;
};

struct MergePair {
  std::string_view left;
  std::string_view right;
};

/// Byte-level BPE (GPT-2's byte alphabet). `merges` in order of rank. With `whole_words`, a word
/// that is a token is taken as it is. Errors: invalid_model (a merge of tokens that don't exist).
Result<std::shared_ptr<const Tokenizer>> make_bpe_tokenizer(Vocabulary vocabulary,
                                                            const std::vector<MergePair>& merges,
                                                            PreTokenizer pre, bool whole_words);

/// SentencePiece: joins by `scores` (one per token, the highest first), spaces are U+2581, what
/// isn't in the table becomes bytes. `space_prefix`: a space is put before the text.
Result<std::shared_ptr<const Tokenizer>> make_spm_tokenizer(Vocabulary vocabulary,
                                                            std::vector<float> scores,
                                                            bool space_prefix);

/// BERT's: words are cut at spaces and punctuation, then greedily into the longest known pieces.
/// `continuation` marks pieces inside a word ("##"), `start` those at its beginning (U+2581 in
/// GGUF); either may be empty. `lowercase` also strips accents.
Result<std::shared_ptr<const Tokenizer>> make_wordpiece_tokenizer(Vocabulary vocabulary,
                                                                  std::string start,
                                                                  std::string continuation,
                                                                  bool lowercase);

}  // namespace npb

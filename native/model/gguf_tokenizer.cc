#include "model/tokenizer_files.h"
#include "model/tokenizers.h"

namespace npb {

namespace {

Error unsupported(const std::string& problem) {
  return {ErrorCode::unsupported, problem + "; give the prompt as token ids."};
}
Error damaged(const std::string& problem) {
  return {ErrorCode::invalid_model, "The tokenizer is damaged: " + problem + "."};
}

class GgufTables {
 public:
  explicit GgufTables(const GgufFile& gguf)
      : gguf_(gguf), tokens(gguf.texts("tokenizer.ggml.tokens")) {}

  int32_t id(const char* key) const {
    const auto value = gguf_.unsigned_number(key);
    return value && *value < tokens.size() ? static_cast<int32_t>(*value) : -1;
  }

  Result<std::vector<TokenKind>> kinds() const {
    std::vector<TokenKind> result;
    for (const double number : gguf_.numbers("tokenizer.ggml.token_type")) {
      if (!(number >= 1.0 && number <= 6.0)) return damaged("a token has an unknown type");
      result.push_back(static_cast<TokenKind>(static_cast<int>(number)));
    }
    return result;
  }

  Result<Vocabulary> vocabulary(bool bos_by_default, bool eos_by_default) const {
    VocabularyOptions options;
    options.bos = id("tokenizer.ggml.bos_token_id");
    options.eos = id("tokenizer.ggml.eos_token_id");
    options.unknown = id("tokenizer.ggml.unknown_token_id");
    const bool add_bos = gguf_.boolean("tokenizer.ggml.add_bos_token").value_or(bos_by_default);
    const bool add_eos = gguf_.boolean("tokenizer.ggml.add_eos_token").value_or(eos_by_default);
    if (add_bos && options.bos >= 0) options.prefix.push_back(options.bos);
    if (add_eos && options.eos >= 0) options.suffix.push_back(options.eos);
    NPB_TRY_ASSIGN(auto token_kinds, kinds());
    return Vocabulary::make(tokens, std::move(token_kinds), std::move(options));
  }

  // BERT frames a text in [CLS] and [SEP], which older files call bos and eos, or don't name at
  // all.
  Result<Vocabulary> bert_vocabulary() const {
    const auto first_of = [&](std::initializer_list<const char*> keys, std::string_view text) {
      for (const char* key : keys) {
        if (const int32_t found = id(key); found >= 0) return found;
      }
      for (size_t i = 0; i < tokens.size(); ++i) {
        if (tokens[i] == text) return static_cast<int32_t>(i);
      }
      return -1;
    };
    VocabularyOptions options;
    options.bos = first_of({"tokenizer.ggml.cls_token_id", "tokenizer.ggml.bos_token_id"}, "[CLS]");
    options.eos = first_of({"tokenizer.ggml.seperator_token_id",
                            "tokenizer.ggml.separator_token_id", "tokenizer.ggml.eos_token_id"},
                           "[SEP]");
    options.unknown = first_of({"tokenizer.ggml.unknown_token_id"}, "[UNK]");
    if (options.bos >= 0) options.prefix.push_back(options.bos);
    if (options.eos >= 0) options.suffix.push_back(options.eos);
    NPB_TRY_ASSIGN(auto token_kinds, kinds());
    return Vocabulary::make(tokens, std::move(token_kinds), std::move(options));
  }

  Result<std::vector<MergePair>> merges() const {
    std::vector<MergePair> result;
    for (const std::string_view line : gguf_.texts("tokenizer.ggml.merges")) {
      const size_t space = line.find(' ', 1);
      if (space == line.npos) return damaged("a merge is not two tokens");
      result.push_back({line.substr(0, space), line.substr(space + 1)});
    }
    return result;
  }

 private:
  const GgufFile& gguf_;

 public:
  const std::vector<std::string_view> tokens;
};

}  // namespace

Result<std::shared_ptr<const Tokenizer>> gguf_tokenizer(const GgufFile& gguf) {
  const auto model = gguf.text("tokenizer.ggml.model");
  if (!model) return unsupported("The file has no tokenizer");
  const GgufTables tables(gguf);
  if (tables.tokens.empty()) return unsupported("The file's tokenizer has no tokens");
  if (*model == "gpt2") {
    const std::string pre(gguf.text("tokenizer.ggml.pre").value_or("gpt-2"));
    const auto kind = pre_tokenizer_from_gguf(pre);
    if (!kind) {
      return unsupported("The pre-tokenizer \"" + describe(*gguf.find("tokenizer.ggml.pre")) +
                         "\" is not supported");
    }
    const bool llama3 = *kind == PreTokenizer::llama3;
    NPB_TRY_ASSIGN(auto merges, tables.merges());
    NPB_TRY_ASSIGN(auto vocabulary, tables.vocabulary(llama3, false));
    return make_bpe_tokenizer(std::move(vocabulary), merges, *kind, llama3);
  }
  if (*model == "llama") {
    std::vector<float> scores;
    for (const double score : gguf.numbers("tokenizer.ggml.scores")) {
      scores.push_back(static_cast<float>(score));
    }
    NPB_TRY_ASSIGN(auto vocabulary, tables.vocabulary(true, false));
    return make_spm_tokenizer(std::move(vocabulary), std::move(scores),
                              gguf.boolean("tokenizer.ggml.add_space_prefix").value_or(true));
  }
  if (*model == "bert") {
    NPB_TRY_ASSIGN(auto vocabulary, tables.bert_vocabulary());
    return make_wordpiece_tokenizer(std::move(vocabulary), "\xe2\x96\x81", "", true);
  }
  return unsupported("The tokenizer \"" + describe(*gguf.find("tokenizer.ggml.model")) +
                     "\" is not supported");
}

}  // namespace npb

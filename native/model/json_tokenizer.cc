// tokenizer.json of Hugging Face's tokenizers library, and BERT's older vocab.txt.
#include <algorithm>

#include "core/file.h"
#include "core/json.h"
#include "model/tokenizer_files.h"
#include "model/tokenizers.h"

namespace npb {

namespace {

constexpr uint64_t kMaxTokenizerBytes = 256 << 20;
constexpr uint64_t kMaxTokens = 1 << 24;

Error unsupported(const std::string& problem) {
  return {ErrorCode::unsupported, problem + "; give the prompt as token ids."};
}
Error damaged(const std::string& problem) {
  return {ErrorCode::invalid_model, "The tokenizer is damaged: " + problem + "."};
}

std::string text(const Json* json, const char* name) {
  const Json* value = json ? json->find(name) : nullptr;
  const std::string* string = value ? value->as_string() : nullptr;
  return string ? *string : std::string();
}
bool flag(const Json* json, const char* name, bool fallback) {
  const Json* value = json ? json->find(name) : nullptr;
  return value ? value->as_bool().value_or(fallback) : fallback;
}

// A step of the file, or the steps of a Sequence.
std::vector<const Json*> steps(const Json* json, const char* list) {
  std::vector<const Json*> result;
  if (json == nullptr || !json->is_object()) return result;
  if (text(json, "type") != "Sequence") return {json};
  for (const Json& step : json->elements(list)) result.push_back(&step);
  return result;
}

class TokenizerJson {
 public:
  explicit TokenizerJson(const Json& json) : json_(json), model_(json.find("model")) {}

  Result<std::shared_ptr<const Tokenizer>> make() {
    const std::string type = text(model_, "type");
    const bool merges = model_ && model_->find("merges");
    if (type == "WordPiece") return wordpiece();
    if (type == "BPE" || (type.empty() && merges)) return bpe();
    return unsupported("The tokenizer model \"" + type.substr(0, 32) + "\" is not supported");
  }

 private:
  // Tokens by id: the model's own, then those added to it.
  Result<void> read_tokens() {
    const Json* vocabulary = model_->find("vocab");
    if (vocabulary == nullptr || !vocabulary->is_object()) return damaged("it has no vocabulary");
    for (const auto& [token, id] : vocabulary->members()) {
      NPB_TRY(put(token, id.as_unsigned(), TokenKind::normal));
    }
    for (const Json& token : json_.elements("added_tokens")) {
      const Json* content = token.find("content");
      const Json* id = token.find("id");
      if (content == nullptr || !content->is_string() || id == nullptr)
        return damaged("an added token has no text");
      const bool special = flag(&token, "special", false);
      NPB_TRY(put(*content->as_string(), id->as_unsigned(),
                  special ? TokenKind::control : TokenKind::user_defined));
    }
    return {};
  }
  Result<void> put(const std::string& token, std::optional<uint64_t> id, TokenKind kind) {
    if (!id || *id >= kMaxTokens) return damaged("a token has no valid id");
    if (*id >= tokens_.size()) {
      tokens_.resize(*id + 1);
      kinds_.resize(*id + 1, TokenKind::unused);
    }
    tokens_[*id] = token;
    kinds_[*id] = kind;
    return {};
  }

  int32_t id_of(std::string_view token) const {
    const auto found = std::find(tokens_.begin(), tokens_.end(), token);
    return token.empty() || found == tokens_.end() ? -1
                                                   : static_cast<int32_t>(found - tokens_.begin());
  }

  // What the post-processor puts around a single text.
  void read_frame(VocabularyOptions& options) const {
    for (const Json* step : steps(json_.find("post_processor"), "processors")) {
      const std::string type = text(step, "type");
      if (type == "TemplateProcessing") {
        bool before = true;
        for (const Json& piece : step->elements("single")) {
          if (piece.find("Sequence")) before = false;
          const int32_t id = id_of(text(piece.find("SpecialToken"), "id"));
          if (id >= 0) (before ? options.prefix : options.suffix).push_back(id);
        }
      } else if (type == "BertProcessing" || type == "RobertaProcessing") {
        const auto named = [&](const char* name) {
          const Json* pair = step->find(name);
          const bool valid = pair && !pair->elements().empty() && pair->elements()[0].is_string();
          return valid ? id_of(*pair->elements()[0].as_string()) : -1;
        };
        if (const int32_t id = named("cls"); id >= 0) options.prefix.push_back(id);
        if (const int32_t id = named("sep"); id >= 0) options.suffix.push_back(id);
      }
    }
  }

  Result<Vocabulary> vocabulary() {
    VocabularyOptions options;
    read_frame(options);
    options.unknown = id_of(text(model_, "unk_token"));
    if (!options.prefix.empty()) options.bos = options.prefix.front();
    for (const char* name :
         {"<|eot_id|>", "<|im_end|>", "<|end|>", "<|endoftext|>", "<|end_of_text|>", "</s>"}) {
      if (options.eos < 0) options.eos = id_of(name);
    }
    if (!options.suffix.empty()) options.eos = options.suffix.back();
    const std::vector<std::string_view> views(tokens_.begin(), tokens_.end());
    return Vocabulary::make(views, kinds_, std::move(options));
  }

  Result<std::shared_ptr<const Tokenizer>> wordpiece() {
    NPB_TRY(read_tokens());
    const Json* normalizer = json_.find("normalizer");
    const bool lowercase = flag(normalizer, "lowercase", true);
    // Null means "as lowercase"; no known model sets them apart.
    if (text(normalizer, "type") != "BertNormalizer" ||
        flag(normalizer, "strip_accents", lowercase) != lowercase) {
      return unsupported("The tokenizer's normalizer is not supported");
    }
    std::string continuation = text(model_, "continuing_subword_prefix");
    if (continuation.empty()) continuation = "##";
    NPB_TRY_ASSIGN(auto words, vocabulary());
    return make_wordpiece_tokenizer(std::move(words), "", std::move(continuation), lowercase);
  }

  Result<std::shared_ptr<const Tokenizer>> bpe() {
    NPB_TRY(read_tokens());
    if (flag(model_, "byte_fallback", false)) return sentencepiece();
    std::optional<PreTokenizer> pre;
    bool digits = false;
    bool byte_level = false;
    for (const Json* step : steps(json_.find("pre_tokenizer"), "pretokenizers")) {
      const std::string type = text(step, "type");
      if (type == "Digits") digits = flag(step, "individual_digits", false);
      if (type == "Split") pre = pre_tokenizer_from_pattern(text(step->find("pattern"), "Regex"));
      if (type == "ByteLevel") {
        byte_level = !flag(step, "add_prefix_space", false);
        if (!pre && flag(step, "use_regex", true))
          pre = digits ? PreTokenizer::smollm : PreTokenizer::gpt2;
      }
    }
    if (!pre || !byte_level) return unsupported("The tokenizer's pre-tokenizer is not supported");
    NPB_TRY_ASSIGN(auto merges, read_merges());
    NPB_TRY_ASSIGN(auto words, vocabulary());
    return make_bpe_tokenizer(std::move(words), merges, *pre, flag(model_, "ignore_merges", false));
  }

  // Llama 2's form: the order of merges is the order of ids, which serve as scores.
  Result<std::shared_ptr<const Tokenizer>> sentencepiece() {
    NPB_TRY_ASSIGN(const auto merges, read_merges());
    std::vector<float> scores(tokens_.size(), -static_cast<float>(kMaxTokens));
    std::unordered_map<std::string_view, size_t> ids;
    for (size_t i = 0; i < tokens_.size(); ++i) ids.emplace(tokens_[i], i);
    std::string joined;
    for (size_t rank = 0; rank < merges.size(); ++rank) {
      joined.assign(merges[rank].left).append(merges[rank].right);
      const auto found = ids.find(joined);
      if (found == ids.end()) return damaged("a merge makes a token that does not exist");
      scores[found->second] = std::max(scores[found->second], -static_cast<float>(rank));
    }
    for (size_t i = 0; i < tokens_.size(); ++i) {
      const std::string& token = tokens_[i];
      if (kinds_[i] == TokenKind::normal && token.size() == 6 && token.starts_with("<0x"))
        kinds_[i] = TokenKind::byte;
    }
    bool prefix = false;
    for (const Json* step : steps(json_.find("normalizer"), "normalizers")) {
      if (text(step, "type") == "Prepend") prefix = true;
    }
    for (const Json* step : steps(json_.find("pre_tokenizer"), "pretokenizers")) {
      if (text(step, "type") == "Metaspace") prefix = text(step, "prepend_scheme") != "never";
    }
    NPB_TRY_ASSIGN(auto words, vocabulary());
    return make_spm_tokenizer(std::move(words), std::move(scores), prefix);
  }

  // "left right", or since tokenizers 0.20 ["left", "right"].
  Result<std::vector<MergePair>> read_merges() const {
    std::vector<MergePair> result;
    for (const Json& merge : model_->elements("merges")) {
      if (const std::string* line = merge.as_string()) {
        const size_t space = line->find(' ', 1);
        if (space == line->npos) return damaged("a merge is not two tokens");
        result.push_back(
            {std::string_view(*line).substr(0, space), std::string_view(*line).substr(space + 1)});
      } else {
        const auto& pair = merge.elements();
        if (pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string())
          return damaged("a merge is not two tokens");
        result.push_back({*pair[0].as_string(), *pair[1].as_string()});
      }
    }
    return result;
  }

  const Json& json_;
  const Json* model_;
  std::vector<std::string> tokens_;
  std::vector<TokenKind> kinds_;
};

Result<std::shared_ptr<const Tokenizer>> vocabulary_file(const std::string& path) {
  NPB_TRY_ASSIGN(const std::string lines, read_text_file(path, kMaxTokenizerBytes));
  std::vector<std::string_view> tokens;
  std::vector<TokenKind> kinds;
  VocabularyOptions options;
  for (size_t at = 0; at < lines.size();) {
    const size_t end = std::min(lines.find('\n', at), lines.size());
    std::string_view token = std::string_view(lines).substr(at, end - at);
    if (token.ends_with('\r')) token.remove_suffix(1);
    const auto id = static_cast<int32_t>(tokens.size());
    if (token == "[CLS]") options.bos = id;
    if (token == "[SEP]") options.eos = id;
    if (token == "[UNK]") options.unknown = id;
    const bool special = token == "[CLS]" || token == "[SEP]" || token == "[UNK]" ||
                         token == "[PAD]" || token == "[MASK]";
    kinds.push_back(special ? TokenKind::control : TokenKind::normal);
    tokens.push_back(token);
    at = end + 1;
  }
  if (options.bos < 0 || options.eos < 0) return damaged(path + " has no [CLS] and [SEP]");
  options.prefix = {options.bos};
  options.suffix = {options.eos};
  NPB_TRY_ASSIGN(auto vocabulary, Vocabulary::make(tokens, std::move(kinds), std::move(options)));
  return make_wordpiece_tokenizer(std::move(vocabulary), "", "##", true);
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> json_tokenizer(std::string_view content,
                                                        const std::string& path) {
  NPB_TRY_ASSIGN(const Json json, Json::parse(content, path));
  return TokenizerJson(json).make();
}

Result<std::shared_ptr<const Tokenizer>> folder_tokenizer(const std::string& folder) {
  std::error_code error;
  const std::string path = folder + "/tokenizer.json";
  if (std::filesystem::exists(utf8_path(path), error)) {
    NPB_TRY_ASSIGN(const std::string content, read_text_file(path, kMaxTokenizerBytes));
    return json_tokenizer(content, path);
  }
  const std::string words = folder + "/vocab.txt";
  if (std::filesystem::exists(utf8_path(words), error)) return vocabulary_file(words);
  return unsupported("The folder has neither tokenizer.json nor vocab.txt");
}

}  // namespace npb

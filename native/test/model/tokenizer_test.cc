// Tokenizers against the ids of Hugging Face's library (scripts/make-tokenizer-goldens.py).
#include "model/tokenizer.h"

#include <doctest/doctest.h>

#include "core/file.h"
#include "core/json.h"
#include "model/load.h"
#include "model/tokenizer_files.h"
#include "test/reference/golden.h"

using namespace npb;

namespace {

std::string fixture(const std::string& name) {
  return std::string(NPB_SOURCE_DIR) + "/native/test/model/tokenizers/" + name;
}

// Texts in which no special token occurs decode to themselves.
void check_ids(const Tokenizer& tokenizer, const std::string& name, bool lossless) {
  const auto text = read_text_file(fixture(name) + "/ids.json", 1 << 20);
  REQUIRE(text.ok());
  const auto cases = Json::parse(*text, name);
  REQUIRE(cases.ok());
  REQUIRE(cases->elements().size() > 10);
  for (const Json& each : cases->elements()) {
    const std::string& input = *each.elements()[0].as_string();
    std::vector<int32_t> expected;
    for (const Json& id : each.elements()[1].elements()) {
      expected.push_back(static_cast<int32_t>(*id.as_unsigned()));
    }
    const std::vector<int32_t> ids = tokenizer.encode(input);
    CHECK_MESSAGE(ids == expected, name << ": " << input);
    if (lossless && input.find("<|im_") == std::string::npos) {
      CHECK_MESSAGE(tokenizer.decode(ids) == input, name << ": " << input);
    }
  }
}

}  // namespace

TEST_CASE("tokenizer.json of each kind gives the library's ids") {
  for (const std::string name : {"gpt2", "smollm", "llama3", "qwen2", "llama2", "bert"}) {
    const auto tokenizer = folder_tokenizer(fixture(name));
    REQUIRE_MESSAGE(tokenizer.ok(), (tokenizer.ok() ? "" : tokenizer.error().message));
    const bool bytes = name != "llama2" && name != "bert";
    CHECK((*tokenizer)->kind() == (bytes            ? "gpt2-bpe/" + name
                                   : name == "bert" ? "wordpiece"
                                                    : "spm"));
    check_ids(**tokenizer, name, bytes);
  }
}

TEST_CASE("The tokenizers of real models give the library's ids") {
  if (const auto file = test::find_test_model("SmolLM2-135M-Instruct.Q4_1.gguf")) {
    const auto model = load_model(utf8_text(*file), {});
    REQUIRE(model.ok());
    REQUIRE((*model)->tokenizer);
    check_ids(*(*model)->tokenizer, "smollm2-135m", true);
    CHECK((*model)->tokenizer->eos_id() == 2);
  } else {
    MESSAGE("skipped: SmolLM2-135M-Instruct.Q4_1.gguf is not in the model folder");
  }
  if (const auto folder = test::find_test_model("all-MiniLM-L6-v2")) {
    const auto model = load_model(utf8_text(*folder), {});
    REQUIRE(model.ok());
    REQUIRE((*model)->tokenizer);
    check_ids(*(*model)->tokenizer, "minilm-l6", false);
    CHECK((*model)->hp.pooling == Pooling::mean);
    CHECK((*model)->hp.l2_normalize);
    CHECK((*model)->parameter_count == 22565376);
  } else {
    MESSAGE("skipped: all-MiniLM-L6-v2 is not in the model folder");
  }
}

TEST_CASE("Text that is no UTF-8 survives byte-level encoding") {
  const auto tokenizer = folder_tokenizer(fixture("gpt2"));
  REQUIRE(tokenizer.ok());
  const std::string text = "a\xff\xc3(\xe2\x82 b\xed\xa0\x80";
  CHECK((*tokenizer)->decode((*tokenizer)->encode(text)) == text);
}

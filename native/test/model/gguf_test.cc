// GGUF: what a healthy file reads as, and that every way to damage one is a sentence.
#include "model/gguf.h"

#include <doctest/doctest.h>

#include <cstring>

#include "core/file.h"
#include "model/load.h"
#include "test/support/gguf_writer.h"

using namespace npb;
using namespace npb::test;

namespace {

std::string write_temp(const char* name, const Bytes& bytes) {
  const auto path = std::filesystem::temp_directory_path() / name;
  GgufWriter::write(path, bytes);
  return utf8_text(path);
}

}  // namespace

TEST_CASE("A small model of every architecture loads with its hyper-parameters") {
  for (const char* architecture : {"llama", "qwen2", "qwen3", "phi3", "bert"}) {
    CAPTURE(architecture);
    TinyModel tiny;
    tiny.architecture = architecture;
    const std::string path = write_temp("npb-tiny.gguf", tiny_gguf(tiny).build());
    const auto loaded = load_model(path, {});
    REQUIRE_MESSAGE(loaded.ok(), (loaded.ok() ? "" : loaded.error().message));
    const Model& model = **loaded;
    const bool bert = model.hp.architecture == "bert";
    CHECK(model.hp.architecture == architecture);
    CHECK(model.hp.n_layers == 2);
    CHECK(model.hp.d_model == 64);
    CHECK(model.hp.n_kv_heads == (bert ? 4 : 2));
    CHECK(model.hp.vocab_size == 96);
    CHECK(model.hp.context_length == 128);
    CHECK(model.hp.rope_inv_freq.size() == (bert ? 0 : 8));
    CHECK((model.hp.rope_style == RopeStyle::interleaved) ==
          (bert || model.hp.architecture == "llama"));
    CHECK(model.hp.attention_scale == 0.25f);
    CHECK(model.quantization == "F32");
    CHECK(model.name == std::string("tiny ") + architecture);
    CHECK(!model.tokenizer);
    CHECK(!model.tokenizer_problem.empty());
  }
}

TEST_CASE("Rows of a tensor are the bytes that were written") {
  GgufWriter writer = tiny_gguf({.type = TensorType::q8_0});
  const std::string path = write_temp("npb-rows.gguf", writer.build());
  const auto loaded = load_model(path, {});
  REQUIRE(loaded.ok());
  const WeightSource& weights = *(*loaded)->weights;
  const WeightInfo* tensor = weights.find("blk.1.ffn_up.weight");
  REQUIRE(tensor != nullptr);
  CHECK(tensor->rows == 128);
  CHECK(tensor->cols == 64);
  std::mt19937_64 random(std::hash<std::string_view>{}("blk.1.ffn_up.weight"));
  const Bytes expected = random_blocks(TensorType::q8_0, 128 * 64, 0.125f, random);
  std::vector<std::byte> scratch;
  const auto rows = weights.rows(*tensor, 3, 5, scratch);
  REQUIRE(rows.size() == 5 * 2 * 34);
  CHECK(std::memcmp(rows.data(), expected.data() + 3 * 2 * 34, rows.size()) == 0);
  weights.release(*tensor, 0, 128);
  CHECK(std::memcmp(rows.data(), expected.data() + 3 * 2 * 34, rows.size()) == 0);
}

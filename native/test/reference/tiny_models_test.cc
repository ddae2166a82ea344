// The reference interpreter against PyTorch transformers, on a tiny model of each architecture and
// RoPE scaling, through both file formats.
#include <doctest/doctest.h>

#include <sstream>

#include "graph/interpreter.h"
#include "test/reference/golden.h"
#include "test/support/error.h"
#include "test/support/random_model.h"

namespace npb {
namespace {

using test::Bytes;

struct TinyTensor {
  std::string gguf, hf;
  uint64_t rows, cols;
  uint32_t permuted_heads;
  std::vector<float> values;  // in Hugging Face's row order
};

std::vector<TinyTensor> tensors_of(const Json& golden) {
  std::vector<TinyTensor> result;
  for (const Json& t : golden.find("tensors")->elements()) {
    TinyTensor tensor{test::text(t, "gguf"),
                      test::text(t, "hf"),
                      t.find("rows")->as_unsigned().value(),
                      t.find("cols")->as_unsigned().value(),
                      static_cast<uint32_t>(test::number(t, "permuted_heads")),
                      {}};
    tensor.values = test::hashed_weights(tensor.gguf, tensor.rows * tensor.cols,
                                         static_cast<float>(test::number(t, "center")),
                                         static_cast<float>(test::number(t, "amplitude")));
    result.push_back(std::move(tensor));
  }
  return result;
}

Bytes bytes_of(const std::vector<float>& values) {
  const auto* first = reinterpret_cast<const std::byte*>(values.data());
  return Bytes(first, first + values.size() * sizeof(float));
}

/// Row 2i + j of a head in GGUF's llama is row i + j * half of Hugging Face's.
std::vector<float> gguf_order(const TinyTensor& tensor) {
  if (tensor.permuted_heads == 0) return tensor.values;
  std::vector<float> result;
  const uint64_t head_rows = tensor.rows / tensor.permuted_heads;
  for (uint64_t row = 0; row < tensor.rows; ++row) {
    const uint64_t head = row / head_rows, in_head = row % head_rows;
    const uint64_t from = head * head_rows + in_head / 2 + (in_head % 2) * head_rows / 2;
    const auto first = tensor.values.begin() + static_cast<ptrdiff_t>(from * tensor.cols);
    result.insert(result.end(), first, first + static_cast<ptrdiff_t>(tensor.cols));
  }
  return result;
}

Result<std::shared_ptr<const Model>> load_gguf(const Json& golden, const test::TempFolder& folder) {
  test::GgufWriter writer;
  for (const Json& row : golden.find("metadata")->elements()) {
    const std::string& key = *row.elements()[0].as_string();
    const std::string& kind = *row.elements()[1].as_string();
    const Json& value = row.elements()[2];
    if (kind == "text") writer.text(key, *value.as_string());
    if (kind == "u32") writer.u32(key, static_cast<uint32_t>(value.as_unsigned().value()));
    if (kind == "f32") writer.f32(key, static_cast<float>(value.as_number().value()));
  }
  for (const TinyTensor& tensor : tensors_of(golden)) {
    const std::vector<uint64_t> dims =
        tensor.rows == 1 ? std::vector{tensor.cols} : std::vector{tensor.cols, tensor.rows};
    writer.tensor(tensor.gguf, TensorType::f32, dims, bytes_of(gguf_order(tensor)));
  }
  for (const auto& [name, factors] : golden.find("factors")->members()) {
    std::vector<float> values;
    for (const Json& factor : factors.elements()) values.push_back(float(*factor.as_number()));
    writer.tensor(name, TensorType::f32, {values.size()}, bytes_of(values));
  }
  writer.write(folder.path() / "model.gguf");
  return load_model((folder.path() / "model.gguf").string(), {});
}

/// The "config" member of a golden file as it stands there: the parser keeps no text.
std::string config_text(const std::string& golden_text) {
  const size_t begin = golden_text.find("\"config\": ") + 10;
  size_t end = begin, depth = 0;
  do {
    if (golden_text[end] == '{') ++depth;
    if (golden_text[end] == '}') --depth;
    ++end;
  } while (depth > 0);
  return golden_text.substr(begin, end - begin);
}

Result<std::shared_ptr<const Model>> load_folder(const Json& golden, const std::string& golden_text,
                                                 const test::TempFolder& folder) {
  std::string header = "{";
  Bytes data;
  for (const TinyTensor& tensor : tensors_of(golden)) {
    const Bytes bytes = bytes_of(tensor.values);
    std::ostringstream entry;
    entry << (header.size() == 1 ? "" : ",") << '"' << tensor.hf << R"(":{"dtype":"F32","shape":[)";
    if (tensor.rows != 1) entry << tensor.rows << ',';
    entry << tensor.cols << R"(],"data_offsets":[)" << data.size() << ','
          << data.size() + bytes.size() << "]}";
    header += entry.str();
    data.insert(data.end(), bytes.begin(), bytes.end());
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  Bytes file;
  test::append(file, static_cast<uint64_t>(header.size()));
  for (const char c : header) file.push_back(static_cast<std::byte>(c));
  file.insert(file.end(), data.begin(), data.end());
  test::GgufWriter::write(folder.path() / "model.safetensors", file);
  std::ofstream(folder.path() / "config.json") << config_text(golden_text);
  if (golden.find("config")->find("model_type")->as_string()->compare("bert") == 0) {
    const bool cls = test::text(golden, "case") == "bert_cls";
    std::filesystem::create_directories(folder.path() / "1_Pooling");
    std::ofstream(folder.path() / "1_Pooling" / "config.json")
        << "{\"word_embedding_dimension\": 32, \"pooling_mode_cls_token\": "
        << (cls ? "true" : "false")
        << ", \"pooling_mode_mean_tokens\": " << (cls ? "false" : "true") << "}";
    std::ofstream(folder.path() / "modules.json")
        << R"([{"idx":0,"name":"0","path":"","type":"sentence_transformers.models.Transformer"},)"
        << R"({"idx":1,"name":"1","path":"1_Pooling","type":"sentence_transformers.models.Pooling"},)"
        << R"({"idx":2,"name":"2","path":"2_Normalize","type":"sentence_transformers.models.Normalize"}])";
  }
  return load_model(folder.path().string(), {});
}

/// Tokens [begin, end) of each of the two sequences.
std::vector<int32_t> columns(const std::vector<int32_t>& ids, size_t batch, size_t begin,
                             size_t end) {
  std::vector<int32_t> result;
  const size_t length = ids.size() / batch;
  for (size_t b = 0; b < batch; ++b) {
    for (size_t t = begin; t < end; ++t) result.push_back(ids[b * length + t]);
  }
  return result;
}

void check_decoder(std::shared_ptr<const Model> model, const Json& golden) {
  const auto ids = test::numbers<int32_t>(golden, "ids");
  const auto expected = test::numbers<float>(golden, "expected");
  const uint32_t batch = 2;
  const size_t length = ids.size() / batch, vocab = expected.size() / ids.size();

  auto graph = build_graph(model, {.all_logits = true});
  REQUIRE_MESSAGE(graph.ok(), test::error_text(graph));
  Interpreter whole(*graph, {.batch = batch, .max_tokens = 9, .threads = 2});
  REQUIRE(whole.step(ids).ok());
  const double error = test::normalized_error(whole.value(graph->logits), expected);
  CHECK(error < 2e-6);

  // A prefill of five tokens, then one at a time: the logits of the last position after each.
  auto last = build_graph(model, {});
  REQUIRE_MESSAGE(last.ok(), test::error_text(last));
  Interpreter steps(*last,
                    {.batch = batch, .max_tokens = 9, .threads = 1, .weight_budget_bytes = 0});
  for (size_t begin = 0, end = 5; end <= length; begin = end++) {
    REQUIRE(steps.step(columns(ids, batch, begin, end)).ok());
    std::vector<float> wanted;
    for (size_t b = 0; b < batch; ++b) {
      const auto row = expected.begin() + static_cast<ptrdiff_t>((b * length + end - 1) * vocab);
      wanted.insert(wanted.end(), row, row + static_cast<ptrdiff_t>(vocab));
    }
    CHECK(test::normalized_error(steps.value(last->logits), wanted) < 2e-6);
  }
  CHECK_FALSE(steps.step(columns(ids, batch, 0, 1)).ok());  // the cache holds nine tokens
}

void check_encoder(std::shared_ptr<const Model> model, const Json& golden) {
  auto graph = build_graph(model, {});
  REQUIRE_MESSAGE(graph.ok(), test::error_text(graph));
  Interpreter interpreter(*graph, {.batch = 2, .threads = 2});
  REQUIRE(interpreter.step(test::numbers<int32_t>(golden, "ids")).ok());
  const auto expected = test::numbers<float>(golden, "expected");
  const double error = test::normalized_error(interpreter.value(graph->embedding), expected);
  CHECK(error < 2e-6);
}

}  // namespace

TEST_CASE("tiny models compute what transformers computes") {
  for (const std::string name :
       {"llama", "llama_tied", "mistral", "llama_linear", "llama_llama3", "llama_yarn", "qwen2",
        "qwen2_yarn", "qwen3", "phi3", "bert_mean", "bert_cls"}) {
    const std::string file = "tiny/" + name + ".json";
    const auto golden = test::read_golden(file);
    REQUIRE_MESSAGE(golden.ok(), test::error_text(golden));
    for (const bool gguf : {true, false}) {
      CAPTURE(name);
      CAPTURE(gguf);
      test::TempFolder folder;
      const std::string text =
          test::read_text(std::filesystem::path(NPB_SOURCE_DIR) / "test/fixtures/reference" / file);
      const auto model = gguf ? load_gguf(*golden, folder) : load_folder(*golden, text, folder);
      REQUIRE_MESSAGE(model.ok(), test::error_text(model));
      if ((*model)->hp.family == ModelFamily::encoder) {
        check_encoder(*model, *golden);
      } else {
        check_decoder(*model, *golden);
      }
    }
  }
}

}  // namespace npb

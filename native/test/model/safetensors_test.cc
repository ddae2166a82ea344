// Hugging Face folders: healthy ones, and what must not be believed.
#include "model/safetensors.h"

#include <doctest/doctest.h>

#include <cstring>

#include "model/load.h"
#include "test/support/temp_folder.h"

using namespace npb;
using namespace npb::test;

namespace {

constexpr const char* kConfig =
    R"({"model_type":"llama","num_hidden_layers":1,"hidden_size":4,"intermediate_size":8,
        "max_position_embeddings":16,"num_attention_heads":2,"num_key_value_heads":1,
        "hidden_act":"silu","rms_norm_eps":1e-5,"tie_word_embeddings":true,"rope_scaling":null})";

std::string file_of(const std::string& header, size_t data_bytes) {
  const uint64_t length = header.size();
  std::string file(reinterpret_cast<const char*>(&length), 8);
  file += header;
  for (size_t i = 0; i < data_bytes; ++i) file += static_cast<char>(i);
  return file;
}

std::string tensor(const std::string& name, const std::string& rest) {
  return "\"" + name + "\":{" + rest + "}";
}
const std::string kEmbedding =
    tensor("model.embed_tokens.weight", R"("dtype":"F16","shape":[8,4],"data_offsets":[2,66])");

std::string refusal(const TempFolder& folder) {
  const auto loaded = load_model(folder.path().string(), {});
  REQUIRE(!loaded.ok());
  return loaded.error().message;
}

std::string refusal_of_header(const std::string& header) {
  const TempFolder folder;
  folder.write("config.json", kConfig);
  folder.write("model.safetensors", file_of(header, 128));
  const std::string message = refusal(folder);
  CHECK_MESSAGE(message.find("model.safetensors") != std::string::npos, message);
  return message;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

}  // namespace

TEST_CASE("A folder loads under GGUF's names, with data that is not aligned") {
  const TempFolder folder;
  folder.write("config.json", kConfig);
  const std::string header =
      "{\"__metadata__\":{\"format\":\"pt\"}," + kEmbedding + "," +
      tensor("lm_head.weight", R"("dtype":"F16","shape":[8,4],"data_offsets":[2,66])") + "," +
      tensor("model.layers.0.self_attn.rotary_emb.inv_freq",
             R"("dtype":"F64","shape":[1],"data_offsets":[0,8])") +
      "}";
  folder.write("model.safetensors", file_of(header, 66));
  const auto loaded = load_model(folder.path().string(), {});
  REQUIRE_MESSAGE(loaded.ok(), (loaded.ok() ? "" : loaded.error().message));
  const Model& model = **loaded;
  CHECK(model.format == "safetensors");
  CHECK(model.hp.tied_embeddings);  // lm_head is a copy of the embedding
  CHECK(model.hp.vocab_size == 8);
  CHECK(model.hp.rope_style == RopeStyle::half);
  REQUIRE(model.weights->tensors().size() == 1);
  std::vector<std::byte> scratch;
  const auto row = model.weights->rows(model.weights->tensors()[0], 1, 1, scratch);
  REQUIRE(row.size() == 8);
  CHECK(row[0] == std::byte{10});
  CHECK(row[7] == std::byte{17});
}

TEST_CASE("Names of both families") {
  CHECK(gguf_name("model.layers.11.self_attn.q_proj.weight") == "blk.11.attn_q.weight");
  CHECK(gguf_name("model.layers.0.mlp.gate_up_proj.weight") == "blk.0.ffn_up.weight");
  CHECK(gguf_name("bert.encoder.layer.3.output.LayerNorm.gamma") ==
        "blk.3.layer_output_norm.weight");
  CHECK(gguf_name("embeddings.token_type_embeddings.weight") == "token_types.weight");
  CHECK(gguf_name("embeddings.position_ids") == "");
  CHECK(gguf_name("pooler.dense.weight") == "");
  CHECK(gguf_name("model.layers..mlp.up_proj.weight") == "");
  CHECK(gguf_name("model.layers.99999.mlp.up_proj.weight") == "");
}

TEST_CASE("Headers that must not be believed") {
  const auto with = [](const std::string& rest) {
    return refusal_of_header("{" + tensor("model.embed_tokens.weight", rest) + "}");
  };
  CHECK(contains(with(R"("dtype":"F16","shape":[8,4],"data_offsets":[0,63])"), "needs 64 bytes"));
  CHECK(contains(with(R"("dtype":"F16","shape":[8,4],"data_offsets":[96,160])"),
                 "beyond the file's end"));
  CHECK(contains(with(R"("dtype":"F16","shape":[8,4],"data_offsets":[64,0])"), "data_offsets"));
  CHECK(contains(with(R"("dtype":"F16","shape":[8,4],"data_offsets":[-1,63])"), "data_offsets"));
  CHECK(contains(with(R"("dtype":"F16","shape":[18446744073709551615,2],"data_offsets":[0,64])"),
                 "impossible shape"));
  CHECK(contains(with(R"("dtype":"F16","shape":[0,2],"data_offsets":[0,0])"), "impossible shape"));
  CHECK(contains(with(R"("dtype":"F16","shape":[2,2,2],"data_offsets":[0,16])"),
                 "neither a vector nor a matrix"));
  CHECK(contains(with(R"("dtype":"I8","shape":[8,4],"data_offsets":[0,32])"), "neither F32"));
  CHECK(contains(with(R"("shape":[8,4])"), "no type"));
  CHECK(contains(refusal_of_header("{"), "not valid JSON"));
  CHECK(contains(refusal_of_header("[]"), "not a JSON object"));
  const TempFolder folder;
  folder.write("config.json", kConfig);
  folder.write("model.safetensors", std::string("\xff\xff\xff\xff\xff\xff\xff\xff", 8));
  CHECK(contains(refusal(folder), "claims"));
}

TEST_CASE("A sharded folder is read, but never a path outside of it") {
  const TempFolder folder;
  folder.write("config.json", kConfig);
  folder.write("model-1.safetensors", file_of("{" + kEmbedding + "}", 66));
  folder.write("model.safetensors.index.json",
               R"({"weight_map":{"model.embed_tokens.weight":"model-1.safetensors"}})");
  CHECK(load_model(folder.path().string(), {}).ok());
  for (const char* name :
       {"../model-1.safetensors", "/etc/passwd", "sub/model.safetensors", "..", "", "C:x"}) {
    folder.write("model.safetensors.index.json",
                 std::string(R"({"weight_map":{"a":")") + name + "\"}}");
    CHECK_MESSAGE(contains(refusal(folder), "outside its folder"), name);
  }
}

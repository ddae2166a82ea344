// Every way to damage a GGUF file ends with one sentence that names the file and what is wrong.
#include <doctest/doctest.h>

#include <cstring>
#include <functional>

#include "model/load.h"
#include "test/support/gguf_writer.h"
#include "test/support/temp_folder.h"

using namespace npb;
using namespace npb::test;

namespace {

// Loads `bytes`, which must fail with one sentence that names the file; returns the sentence.
std::string refusal(const Bytes& bytes, ErrorCode code = ErrorCode::invalid_model) {
  const TempFolder folder;
  const std::string path = folder.file("broken.gguf");
  GgufWriter::write(path, bytes);
  const auto loaded = load_model(path, {});
  REQUIRE(!loaded.ok());
  const std::string& message = loaded.error().message;
  CHECK_MESSAGE(loaded.error().code == code, message);
  CHECK_MESSAGE(message.starts_with(path), message);
  CHECK_MESSAGE(message.ends_with("."), message);
  CHECK_MESSAGE(message.find('\n') == std::string::npos, message);
  return message;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

// The refusal says `part`.
void refuses(const Bytes& bytes, std::string_view part, ErrorCode code = ErrorCode::invalid_model) {
  const std::string message = refusal(bytes, code);
  CHECK_MESSAGE(contains(message, part), message);
}

void put_u64(Bytes& bytes, size_t at, uint64_t value) { std::memcpy(&bytes[at], &value, 8); }
void put_u32(Bytes& bytes, size_t at, uint32_t value) { std::memcpy(&bytes[at], &value, 4); }

// Position just behind the first occurrence of `text`.
size_t after(const Bytes& bytes, std::string_view text) {
  const auto* data = reinterpret_cast<const char*>(bytes.data());
  const size_t at = std::string_view(data, bytes.size()).find(text);
  REQUIRE(at != std::string_view::npos);
  return at + text.size();
}

GgufWriter healthy() {
  TinyModel tiny;
  tiny.type = TensorType::q4_0;
  tiny.n_layers = 1;
  GgufWriter writer = tiny_gguf(tiny);
  writer.text("tokenizer.ggml.model", "gpt2").texts("tokenizer.ggml.tokens", {"a", "b", "ab"});
  writer.texts("tokenizer.ggml.merges", {"a b"});
  return writer;
}

// A file whose only metadata entry has these bytes after its type.
Bytes with_entry(uint32_t type, const std::function<void(Bytes&)>& fill) {
  Bytes value;
  fill(value);
  return GgufWriter().raw("key", type, value).build();
}

}  // namespace

TEST_CASE("A file cut anywhere is refused") {
  const Bytes whole = healthy().build();
  const size_t directory_end = after(whole, "ffn_norm.weight") + 4 + 8 + 4 + 8;
  for (size_t length = 0; length < directory_end; ++length) {
    refusal(Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(length)));
  }
  for (size_t length = directory_end; length < whole.size(); length += 997) {
    const std::string message =
        refusal(Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(length)));
    const bool says_why =
        contains(message, "beyond the file's end") || contains(message, "of a file of");
    CHECK_MESSAGE(says_why, message);
  }
}

TEST_CASE("Headers that cannot be") {
  const Bytes whole = healthy().build();
  Bytes bytes = whole;
  bytes[0] = std::byte{'X'};
  refuses(bytes, "not a GGUF file");
  for (const uint32_t version : {0u, 1u, 4u, 0xffffffffu}) {
    bytes = whole;
    put_u32(bytes, 4, version);
    refuses(bytes, "version", ErrorCode::unsupported);
  }
  bytes = whole;
  put_u32(bytes, 4, 0x03000000);
  refuses(bytes, "big-endian", ErrorCode::unsupported);
  for (const uint64_t count : {uint64_t{1} << 20, uint64_t{1} << 62, UINT64_MAX}) {
    bytes = whole;
    put_u64(bytes, 8, count);
    refuses(bytes, "tensors, more than");
    bytes = whole;
    put_u64(bytes, 16, count);
    refuses(bytes, "metadata entries, more than");
  }
}

TEST_CASE("Metadata that cannot be") {
  const auto huge = uint64_t{1} << 63;
  refuses(with_entry(13, [](Bytes&) {}), "unknown value type 13");
  refuses(with_entry(8, [&](Bytes& b) { append(b, huge); }), "within metadata \"key\"");
  refuses(with_entry(9, [&](Bytes& b) { append(b, 4u), append(b, huge); }), "elements");
  refuses(with_entry(9, [&](Bytes& b) { append(b, 8u), append(b, huge); }), "elements");
  refuses(with_entry(9, [&](Bytes& b) { append(b, 77u), append(b, huge); }),
          "unknown value type 77");
  // An array of arrays of arrays ..., each one element long: a loop for a careless reader.
  const Bytes nested = with_entry(9, [](Bytes& b) {
    for (int i = 0; i < 1000; ++i) append(b, 9u), append(b, uint64_t{1});
  });
  refuses(nested, "too deeply");
  refuses(GgufWriter().u32("key", 1).u32("key", 2).build(), "appears twice");
  refuses(GgufWriter().u32("", 1).build(), "0 bytes long");
  refuses(GgufWriter().u32(std::string(70000, 'k'), 1).build(), "70000 bytes long");
  for (const uint32_t alignment : {0u, 1u, 24u, 1u << 30}) {
    refuses(healthy().u32("general.alignment", alignment).build(), "general.alignment");
  }
}

TEST_CASE("Tensors that cannot be") {
  const Bytes whole = healthy().build();
  const size_t q =
      after(whole, "blk.0.attn_q.weight");  // dimensions u32, sizes 2 x u64, type u32, offset u64
  const auto altered = [&](const std::function<void(Bytes&)>& alter) {
    Bytes bytes = whole;
    alter(bytes);
    return bytes;
  };
  refuses(altered([&](Bytes& b) { put_u32(b, q, 0); }), "0 dimensions");
  refuses(altered([&](Bytes& b) { put_u32(b, q, 5); }), "5 dimensions");
  refuses(altered([&](Bytes& b) { put_u64(b, q + 4, 0); }), "size 0");
  refuses(altered([&](Bytes& b) { put_u64(b, q + 4, 65); }), "no multiple");
  refuses(altered([&](Bytes& b) { put_u64(b, q + 12, UINT64_MAX); }), "overflow");
  refuses(altered([&](Bytes& b) {
            put_u64(b, q + 4, uint64_t{1} << 40);
            put_u64(b, q + 12, uint64_t{1} << 40);
          }),
          "overflow");
  refuses(altered([&](Bytes& b) { put_u64(b, q + 12, uint64_t{1} << 30); }), "would take");
  refuses(altered([&](Bytes& b) { put_u32(b, q + 20, 99); }), "type number 99",
          ErrorCode::unsupported);
  refuses(altered([&](Bytes& b) { put_u64(b, q + 24, 7); }), "not on a multiple of 32");
  refuses(altered([&](Bytes& b) { put_u64(b, q + 24, UINT64_MAX - 31); }), "beyond the file's end");
  refuses(altered([&](Bytes& b) { put_u64(b, q + 24, 0); }), "overlap");
  refuses(healthy().vector("output_norm.weight", 64, 1, 0).build(), "appears twice");
  refuses(healthy().vector(std::string(300, 'n'), 64, 1, 0).build(), "300 bytes long");
}

TEST_CASE("Hyper-parameters that cannot be") {
  const auto without = [](std::string_view key) {
    Bytes bytes = healthy().build();
    bytes[after(bytes, key) - 1] ^= std::byte{0x20};  // another key
    return bytes;
  };
  for (const char* key :
       {"general.architecture", "llama.block_count", "llama.embedding_length",
        "llama.feed_forward_length", "llama.context_length", "llama.attention.head_count"}) {
    refuses(without(key), key);
  }
  const auto with_u32 = [](std::string_view key, uint32_t value) {
    Bytes bytes = healthy().build();
    put_u32(bytes, after(bytes, key) + 4, value);
    return bytes;
  };
  refuses(with_u32("llama.block_count", 0), "llama.block_count");
  refuses(with_u32("llama.block_count", 1 << 30), "llama.block_count");
  refuses(with_u32("llama.attention.head_count_kv", 3), "cannot share");
  refuses(with_u32("llama.embedding_length", 128), "64 wide");
  refuses(with_u32("llama.attention.key_length", 0), "llama.attention.key_length");
  refuses(with_u32("llama.attention.value_length", 8), "differ in width", ErrorCode::unsupported);
  refuses(healthy().u32("llama.rope.dimension_count", 1000).build(), "rotates 1000");
  refuses(healthy().f32("llama.rope.scaling.factor", NAN).build(), "finite");
  refuses(healthy().text("llama.rope.scaling.type", "spiral").build(), "spiral",
          ErrorCode::unsupported);
  refuses(healthy().u32("llama.expert_count", 8).build(), "experts", ErrorCode::unsupported);
  refuses(healthy().vector("rope_freqs.weight", 5, 1, 0).build(), "rope_freqs.weight");
  TinyModel other;
  other.architecture = "mamba";
  refuses(tiny_gguf(other).build(), "\"mamba\"", ErrorCode::unsupported);
}

TEST_CASE("What is no file") {
  const auto missing = load_model("/no/such/model.gguf", {});
  REQUIRE(!missing.ok());
  CHECK(missing.error().code == ErrorCode::not_found);
  const TempFolder folder;
  const auto empty_folder = load_model(folder.path().string(), {});
  REQUIRE(!empty_folder.ok());
  CHECK(empty_folder.error().code == ErrorCode::not_found);
  CHECK(contains(empty_folder.error().message, "config.json"));
}

TEST_CASE("A damaged tokenizer does not stop the model") {
  const auto tells = [](const GgufWriter& writer, std::string_view part) {
    const TempFolder folder;
    const std::string path = folder.file("model.gguf");
    writer.write(path);
    const auto loaded = load_model(path, {});
    REQUIRE_MESSAGE(loaded.ok(), (loaded.ok() ? "" : loaded.error().message));
    CHECK(!(*loaded)->tokenizer);
    CHECK_MESSAGE(contains((*loaded)->tokenizer_problem, part), (*loaded)->tokenizer_problem);
  };
  const auto base = [] { return tiny_gguf({}).text("tokenizer.ggml.model", "gpt2"); };
  const std::vector<std::string> tokens{"a", "b", "ab"};
  tells(tiny_gguf({}), "no tokenizer");
  tells(base(), "no tokens");
  tells(base().texts("tokenizer.ggml.tokens", tokens).texts("tokenizer.ggml.merges", {"ab"}),
        "not two tokens");
  tells(base().texts("tokenizer.ggml.tokens", tokens).texts("tokenizer.ggml.merges", {"a c"}),
        "does not exist");
  tells(base().texts("tokenizer.ggml.tokens", tokens).ints("tokenizer.ggml.token_type", {1}),
        "1 token types");
  tells(base().texts("tokenizer.ggml.tokens", tokens).ints("tokenizer.ggml.token_type", {1, 1, 9}),
        "unknown type");
  tells(base().text("tokenizer.ggml.pre", "martian").texts("tokenizer.ggml.tokens", tokens),
        "martian");
  tells(tiny_gguf({}).text("tokenizer.ggml.model", "llama").texts("tokenizer.ggml.tokens", tokens),
        "scores");
}

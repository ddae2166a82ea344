// Everything that reads bytes of a model's files, on hostile bytes. The first byte chooses the
// reader; the rest is the file. Beyond crashes it checks what a caller relies on: every tensor lies
// within the file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "core/json.h"
#include "model/gguf.h"
#include "model/hyperparameters.h"
#include "model/safetensors.h"
#include "model/tokenizer.h"
#include "model/tokenizer_files.h"
#include "model/weight_index.h"

using namespace npb;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

// The weights of a parsed file, without the file on disk that the real source maps.
class BytesWeights final : public WeightSource {
 public:
  BytesWeights(std::span<const std::byte> bytes, std::vector<WeightInfo> tensors,
               std::vector<uint64_t> offsets)
      : bytes_(bytes), index_(std::move(tensors)), offsets_(std::move(offsets)) {}
  const std::vector<WeightInfo>& tensors() const override { return index_.tensors(); }
  const WeightInfo* find(std::string_view name) const override { return index_.find(name); }
  std::span<const std::byte> rows(const WeightInfo& tensor, uint64_t row, uint64_t count,
                                  std::vector<std::byte>&) const override {
    const uint64_t stride = row_bytes(tensor_type_info(tensor.type), tensor.cols);
    return bytes_.subspan(offsets_[index_.position(tensor)] + row * stride, count * stride);
  }
  void release(const WeightInfo&, uint64_t, uint64_t) const override {}

 private:
  std::span<const std::byte> bytes_;
  WeightIndex index_;
  std::vector<uint64_t> offsets_;
};

void use_tokenizer(const Tokenizer& tokenizer, std::string_view text) {
  const auto ids = tokenizer.encode(text.substr(0, 256));
  tokenizer.decode(ids);
}

void read_gguf(std::span<const std::byte> bytes, std::string_view text) {
  const std::string path = "fuzz.gguf";
  const auto gguf = parse_gguf(bytes, path);
  if (!gguf.ok()) return;
  for (const auto& entry : gguf->metadata) describe(entry.second);
  for (size_t i = 0; i < gguf->tensors.size(); ++i) {
    const uint64_t offset = gguf->offsets[i];
    require(offset <= bytes.size() && gguf->tensors[i].bytes() <= bytes.size() - offset);
  }
  const BytesWeights weights(bytes, gguf->tensors, gguf->offsets);
  for (const WeightInfo& tensor : weights.tensors()) {
    std::vector<float> row(tensor.cols);
    dequantize_rows(weights, tensor, tensor.rows - 1, 1, row.data());
  }
  const auto hp = gguf_hyperparameters(*gguf, weights, {}, path);
  if (hp.ok()) require(hp->n_kv_heads > 0 && hp->n_heads % hp->n_kv_heads == 0 && hp->head_dim > 0);
  const auto tokenizer = gguf_tokenizer(*gguf);
  if (tokenizer.ok()) use_tokenizer(**tokenizer, text);
}

void read_safetensors(std::span<const std::byte> bytes) {
  const auto entries = parse_safetensors(bytes, "fuzz.safetensors");
  if (!entries.ok()) return;
  for (const SafetensorsEntry& entry : *entries) {
    require(entry.offset <= bytes.size() && entry.info.bytes() <= bytes.size() - entry.offset);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data + 1), size - 1);
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 4) {
    case 0:
      read_gguf(bytes, text);
      break;
    case 1:
      read_safetensors(bytes);
      break;
    case 2: {
      const auto json = Json::parse(text, "config.json");
      if (!json.ok()) break;
      const BytesWeights none({}, {{"token_embd.weight", TensorType::f32, 8, 8}}, {0});
      (void)hugging_face_hyperparameters(*json, none, {}, "config.json");
      break;
    }
    case 3: {
      const auto tokenizer = json_tokenizer(text, "tokenizer.json");
      if (tokenizer.ok()) use_tokenizer(**tokenizer, text);
      break;
    }
  }
  return 0;
}

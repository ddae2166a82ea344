// A model whose matrices are those that the NPU gets after quantisation, as f32: the reference of
// it tells the loss of the weights apart from everything else.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/qnn/quantize.h"
#include "model/model.h"

namespace npb::test {

class QuantizedSource final : public WeightSource {
 public:
  QuantizedSource(std::shared_ptr<const WeightSource> original, qnn::WeightFormat format)
      : original_(std::move(original)) {
    bool output = false;
    for (const WeightInfo& info : original_->tensors()) {
      const bool table = info.name.rfind("token_", 0) == 0 || info.name.rfind("position_", 0) == 0;
      output = output || info.name == "output.weight";
      if (table || info.rows == 1)
        keep(info, info.name);
      else
        quantize(info, info.name,
                 info.name == "output.weight" ? qnn::WeightFormat::int8_channel : format);
    }
    // The tied output matrix becomes one of its own: embeddings are looked up exactly.
    if (const WeightInfo* table = original_->find("token_embd.weight"); table && !output)
      quantize(*table, "output.weight", qnn::WeightFormat::int8_channel);
  }
  const std::vector<WeightInfo>& tensors() const override { return infos_; }
  const WeightInfo* find(std::string_view name) const override {
    for (const WeightInfo& info : infos_)
      if (info.name == name) return &info;
    return nullptr;
  }
  std::span<const std::byte> rows(const WeightInfo& tensor, uint64_t row, uint64_t count,
                                  std::vector<std::byte>& scratch) const override {
    const size_t at = static_cast<size_t>(&tensor - infos_.data());
    if (values_[at].empty())
      return original_->rows(*original_->find(tensor.name), row, count, scratch);
    return std::as_bytes(std::span(values_[at]).subspan(row * tensor.cols, count * tensor.cols));
  }
  void release(const WeightInfo&, uint64_t, uint64_t) const override {}

 private:
  void keep(const WeightInfo& info, const std::string& name) {
    infos_.push_back(info);
    infos_.back().name = name;
    values_.emplace_back();
  }
  void quantize(const WeightInfo& info, const std::string& name, qnn::WeightFormat format) {
    keep(info, name);
    infos_.back().type = TensorType::f32;
    std::vector<float>& values = values_.back();
    values.resize(info.rows * info.cols);
    dequantize_rows(*original_, info, 0, info.rows, values.data());
    const auto rows = static_cast<uint32_t>(info.rows), cols = static_cast<uint32_t>(info.cols);
    const auto matrix = qnn::quantize(format, rows, cols, values.data());
    if (!matrix.ok()) return;  // the session refuses it, too
    for (uint32_t r = 0; r < rows; ++r)
      for (uint32_t c = 0; c < cols; ++c) values[size_t{r} * cols + c] = matrix->value(r, c);
  }

  std::shared_ptr<const WeightSource> original_;
  std::vector<WeightInfo> infos_;
  std::vector<std::vector<float>> values_;
};

inline std::shared_ptr<const Model> quantized_model(const Model& model, qnn::WeightFormat format) {
  auto copy = std::make_shared<Model>(model);
  copy->weights = std::make_shared<QuantizedSource>(model.weights, format);
  copy->hp.tied_embeddings = false;
  return copy;
}

}  // namespace npb::test

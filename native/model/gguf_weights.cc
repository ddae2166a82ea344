#include "model/gguf_weights.h"

namespace npb {

namespace {

class GgufWeights final : public WeightSource {
 public:
  GgufWeights(std::shared_ptr<const MappedFile> file, const GgufFile& gguf)
      : file_(std::move(file)), index_(gguf.tensors), offsets_(gguf.offsets) {}

  const std::vector<WeightInfo>& tensors() const override { return index_.tensors(); }
  const WeightInfo* find(std::string_view name) const override { return index_.find(name); }

  std::span<const std::byte> rows(const WeightInfo& tensor, uint64_t row, uint64_t count,
                                  std::vector<std::byte>&) const override {
    const uint64_t stride = row_bytes(tensor_type_info(tensor.type), tensor.cols);
    return file_->bytes().subspan(offset(tensor) + row * stride, count * stride);
  }

  std::span<const std::byte> copy(const WeightInfo& tensor, uint64_t row, uint64_t count,
                                  std::vector<std::byte>& scratch) const override {
    const uint64_t stride = row_bytes(tensor_type_info(tensor.type), tensor.cols);
    scratch.resize(count * stride);
    file_->read(offset(tensor) + row * stride, scratch);
    return scratch;
  }

  void release(const WeightInfo& tensor, uint64_t row, uint64_t count) const override {
    const uint64_t stride = row_bytes(tensor_type_info(tensor.type), tensor.cols);
    file_->release(offset(tensor) + row * stride, count * stride);
  }

 private:
  uint64_t offset(const WeightInfo& tensor) const { return offsets_[index_.position(tensor)]; }

  std::shared_ptr<const MappedFile> file_;
  WeightIndex index_;
  std::vector<uint64_t> offsets_;
};

}  // namespace

std::shared_ptr<const WeightSource> make_gguf_weights(std::shared_ptr<const MappedFile> file,
                                                      const GgufFile& gguf) {
  return std::make_shared<GgufWeights>(std::move(file), gguf);
}

}  // namespace npb

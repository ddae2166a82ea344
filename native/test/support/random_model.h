// Small models and single tensors with random weights, for tests of ops and of backends.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "model/model.h"
#include "test/support/gguf_writer.h"

namespace npb::test {

/// A folder of its own that goes when the test ends.
class TempFolder {
 public:
  TempFolder() {
    static std::atomic<uint64_t> counter{0};
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    path_ = std::filesystem::temp_directory_path() /
            ("npb-test-" + std::to_string(now) + "-" + std::to_string(counter++));
    std::filesystem::create_directories(path_);
  }
  ~TempFolder() {
    std::error_code ignored;  // a file that stays in the temporary folder fails no test
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Tensors held in memory. Add all of them before any is looked up: tensors() may move.
class MemoryWeights final : public WeightSource {
 public:
  MemoryWeights& add(std::string name, TensorType type, uint64_t rows, uint64_t cols, Bytes data) {
    infos_.push_back(WeightInfo{std::move(name), type, rows, cols});
    data_.push_back(std::move(data));
    return *this;
  }
  /// Random weights with the standard deviation `scale`, the same for the same seed.
  MemoryWeights& add_random(std::string name, TensorType type, uint64_t rows, uint64_t cols,
                            float scale, uint64_t seed) {
    std::mt19937_64 random(seed);
    return add(std::move(name), type, rows, cols, random_blocks(type, rows * cols, scale, random));
  }
  MemoryWeights& add_f32(std::string name, uint64_t rows, uint64_t cols,
                         std::span<const float> values) {
    const auto* first = reinterpret_cast<const std::byte*>(values.data());
    return add(std::move(name), TensorType::f32, rows, cols,
               Bytes(first, first + values.size_bytes()));
  }

  const std::vector<WeightInfo>& tensors() const override { return infos_; }
  const WeightInfo* find(std::string_view name) const override {
    for (const WeightInfo& info : infos_) {
      if (info.name == name) return &info;
    }
    return nullptr;
  }
  std::span<const std::byte> rows(const WeightInfo& tensor, uint64_t row, uint64_t count,
                                  std::vector<std::byte>&) const override {
    const uint64_t stride = row_bytes(tensor_type_info(tensor.type), tensor.cols);
    return std::span(data_[static_cast<size_t>(&tensor - infos_.data())])
        .subspan(row * stride, count * stride);
  }
  void release(const WeightInfo&, uint64_t, uint64_t) const override {}

 private:
  std::vector<WeightInfo> infos_;
  std::vector<Bytes> data_;
};

/// A tiny model of any architecture and weight type, written as GGUF and loaded like a user's file.
inline Result<std::shared_ptr<const Model>> load_tiny(const TinyModel& tiny,
                                                      const TempFolder& folder) {
  const std::filesystem::path path = folder.path() / (tiny.architecture + ".gguf");
  tiny_gguf(tiny).write(path);
  return load_model(path.string(), {});
}

/// Deterministic token ids below `vocabulary`.
inline std::vector<int32_t> random_tokens(size_t count, uint32_t vocabulary, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<int32_t> tokens(count);
  for (int32_t& token : tokens) token = static_cast<int32_t>(random() % vocabulary);
  return tokens;
}

/// Uniform in [-1, 1), the same on every machine.
inline std::vector<float> random_values(size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<float> values(count);
  for (float& value : values) {
    value = static_cast<float>(random() >> 40) / static_cast<float>(1 << 23) - 1.0f;
  }
  return values;
}

}  // namespace npb::test

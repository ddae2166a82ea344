// Where weights come from: a GGUF file, a safetensors file, or a generator of synthetic ones.
// Names are GGUF's ("blk.0.attn_q.weight"); other formats map theirs to them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "model/tensor_type.h"

namespace npb {

/// A matrix [rows, cols], cols contiguous (GGUF's ne[0]); a vector is [1, cols].
struct WeightInfo {
  std::string name;
  TensorType type = TensorType::f32;
  uint64_t rows = 0;
  uint64_t cols = 0;
  uint64_t bytes() const { return rows * row_bytes(tensor_type_info(type), cols); }
};

/// Thread-safe for reading: backends pack several tensors at once.
class WeightSource {
 public:
  virtual ~WeightSource() = default;

  virtual const std::vector<WeightInfo>& tensors() const = 0;
  /// Null if there is no tensor of that name. The pointer lives as long as the source.
  virtual const WeightInfo* find(std::string_view name) const = 0;

  /// The bytes of rows [row, row + count) in the tensor's own block format. Either a view into the
  /// mapped file, or bytes produced into `scratch` (resized as needed). Valid until `scratch`
  /// changes.
  virtual std::span<const std::byte> rows(const WeightInfo& tensor, uint64_t row, uint64_t count,
                                          std::vector<std::byte>& scratch) const = 0;

  /// The same bytes, for single rows read now and then: of a mapped file they are a copy in
  /// `scratch`, so that the pages around them do not become part of this process's memory.
  virtual std::span<const std::byte> copy(const WeightInfo& tensor, uint64_t row, uint64_t count,
                                          std::vector<std::byte>& scratch) const {
    return rows(tensor, row, count, scratch);
  }

  /// The caller will not read these rows again: their file pages may leave this process's memory.
  virtual void release(const WeightInfo& tensor, uint64_t row, uint64_t count) const = 0;
};

/// Dequantises `count` weights (a multiple of the type's block) exactly as GGUF defines the type.
void dequantize(TensorType type, const std::byte* source, uint64_t count, float* target);

/// Convenience: rows [row, row + count) of a tensor as f32, [count, cols].
void dequantize_rows(const WeightSource& source, const WeightInfo& tensor, uint64_t row,
                     uint64_t count, float* target);

/// The same for single rows read now and then (WeightSource::copy).
void dequantize_copied_rows(const WeightSource& source, const WeightInfo& tensor, uint64_t row,
                            uint64_t count, float* target);

}  // namespace npb

// The model's matrices and vectors in device memory.
#pragma once

#include <map>
#include <tuple>
#include <vector>

#include "backends/gpu/device.h"
#include "backends/gpu/lower.h"

namespace npb::gpu {

/// Consecutive rows of a (concatenated) matrix that fit one storage-buffer binding.
struct WeightChunk {
  Format format = Format::f32;
  uint64_t row = 0;  // first row within the whole matrix
  uint64_t rows = 0;
  uint64_t cols = 0;
  Binding quants;
  Binding scales;  // equal to quants for formats without scales
};

struct Matrix {
  std::vector<WeightChunk> chunks;
  uint64_t rows = 0, cols = 0, bytes = 0;
};

/// Uploads everything that the lowered graph refers to. Matrices are keyed by the slices that they
/// concatenate, so a tied embedding is held once.
class DeviceWeights {
 public:
  /// Packs with `threads` threads, a bounded piece at a time, and releases the file's pages behind
  /// it. Errors: out_of_memory, unsupported.
  static Result<DeviceWeights> upload(Device& device, const Graph& graph, const Lowered& lowered,
                                      uint32_t threads);

  const Matrix& matrix(const std::vector<WeightRef>& parts) const {
    return matrices_.at(key(parts));
  }
  /// A norm weight or a bias: floats of one or several slices, concatenated (zeros where a slice is
  /// absent).
  const Binding& vector(const std::vector<WeightRef>& parts) const {
    return vectors_.at(key(parts));
  }
  uint64_t bytes() const { return bytes_; }

  /// The slices a linear op multiplies by, and its biases (empty if none has one).
  static std::vector<WeightRef> matrix_parts(const LoweredOp& op);
  static std::vector<WeightRef> bias_parts(const LoweredOp& op);

 private:
  using Key = std::vector<std::tuple<const WeightInfo*, uint64_t, uint64_t>>;
  static Key key(const std::vector<WeightRef>& parts);

  std::map<Key, Matrix> matrices_;
  std::map<Key, Binding> vectors_;
  uint64_t bytes_ = 0;
  friend class WeightUploader;
};

}  // namespace npb::gpu

// Weights as the NPU graphs take them: f16, by slice of a stored tensor, once for all graphs.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "graph/graph.h"

namespace npb::qnn {

/// How the rows of a matrix that feeds RoPE are put: pairs (2i, 2i+1) of each head become (i, i +
/// pairs), so that the rotation works on two halves. Queries and keys get the same order, and only
/// their products are used.
struct HeadOrder {
  uint32_t head_dim = 0;  // 0: rows as stored
  uint32_t pairs = 0;
  friend bool operator<(const HeadOrder& a, const HeadOrder& b) {
    return std::tie(a.head_dim, a.pairs) < std::tie(b.head_dim, b.pairs);
  }
};

/// The stored row (or column, of a vector) that comes to place `i` in that order.
uint64_t source_row(uint64_t i, const HeadOrder& order);

/// Not thread-safe. Data lives until clear().
class HalfWeights {
 public:
  explicit HalfWeights(std::shared_ptr<const WeightSource> source) : source_(std::move(source)) {}

  /// [rows, cols] of the slice in f16, or for a vector ([1, cols]) its cols in the head order.
  /// Errors: unsupported when a weight doesn't fit into f16.
  Result<const uint16_t*> get(const WeightRef& ref, HeadOrder order);
  uint64_t bytes() const { return bytes_; }
  uint64_t read_bytes() const { return read_bytes_; }
  void clear() { data_.clear(); }

 private:
  using Key = std::tuple<const WeightInfo*, uint64_t, uint64_t, HeadOrder>;
  std::shared_ptr<const WeightSource> source_;
  std::map<Key, std::vector<uint16_t>> data_;
  uint64_t bytes_ = 0;
  uint64_t read_bytes_ = 0;
};

}  // namespace npb::qnn

#pragma once

#include <functional>

#include "backends/xnnpack/plan.h"
#include "core/result.h"

namespace npb::cpu {

/// What compiling asks of the owner of the weights.
class WeightStore {
 public:
  virtual ~WeightStore() = default;
  /// The packed matrix of a linear node's weight; the same object for the same rows of a tensor.
  virtual Result<const Matrix*> matrix(const WeightRef& weight, const std::string& node) = 0;
  /// A vector as f32, kept for the session.
  virtual Result<const float*> vector(const WeightRef& weight) = 0;
};

/// Errors: unsupported (an op or shape that this backend can't run), and the store's.
Result<Plan> compile(const Graph& graph, WeightStore& store, unsigned threads);

}  // namespace npb::cpu

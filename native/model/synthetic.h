// Weights of a published architecture without its file: random numbers of the right scale,
// generated when asked for, in the tensor's own block format. Right for speed, memory and power;
// meaningless for text.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/weights.h"

namespace npb {

/// Types that synthetic weights can have.
constexpr bool can_synthesize(TensorType type) {
  return type == TensorType::q8_0 || type == TensorType::q4_0 || type == TensorType::f16 ||
         type == TensorType::f32;
}

/// Every row depends on the seed, the tensor's name and the row's number alone, so any part can be
/// had by itself, on any thread. Matrices have the standard deviation 1/sqrt(cols), so that a
/// product keeps the scale of its input; "_norm.weight" lies within 1 +- 0.1, ".bias" within +-
/// 0.05. The types of `tensors` must satisfy can_synthesize().
std::shared_ptr<const WeightSource> make_synthetic_weights(std::vector<WeightInfo> tensors,
                                                           uint64_t seed);

}  // namespace npb

// Tensors by name: what every weight source needs.
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/weights.h"

namespace npb {

/// Owns the list of tensors; their addresses don't change afterwards.
class WeightIndex {
 public:
  explicit WeightIndex(std::vector<WeightInfo> tensors);
  WeightIndex(const WeightIndex&) = delete;
  WeightIndex& operator=(const WeightIndex&) = delete;

  const std::vector<WeightInfo>& tensors() const { return tensors_; }
  /// Null if there is none of that name.
  const WeightInfo* find(std::string_view name) const;
  /// Position of a tensor of this list (or of a copy of it) in tensors().
  size_t position(const WeightInfo& tensor) const;

 private:
  std::vector<WeightInfo> tensors_;
  std::unordered_map<std::string_view, size_t> by_name_;
};

}  // namespace npb

#include "model/weight_index.h"

#include <functional>

namespace npb {

WeightIndex::WeightIndex(std::vector<WeightInfo> tensors) : tensors_(std::move(tensors)) {
  by_name_.reserve(tensors_.size());
  for (size_t i = 0; i < tensors_.size(); ++i) by_name_.emplace(tensors_[i].name, i);
}

const WeightInfo* WeightIndex::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

size_t WeightIndex::position(const WeightInfo& tensor) const {
  const WeightInfo* first = tensors_.data();
  const std::less<const WeightInfo*> before;  // total order even for pointers of other arrays
  if (!before(&tensor, first) && before(&tensor, first + tensors_.size())) {
    return static_cast<size_t>(&tensor - first);
  }
  return by_name_.at(tensor.name);
}

}  // namespace npb

// What the host does around an execution: looking up embeddings, angles, masks, the cache's new
// rows, and reading results. Nothing here allocates after construction.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "graph/graph.h"

namespace npb::qnn {

/// Looks rows up in the model's tables and writes their sum as f16.
class Embedder {
 public:
  explicit Embedder(const Graph& graph);
  /// `position` counts within the step: for encoders' learned positions.
  void write(int32_t token, uint32_t position, uint16_t* row);

 private:
  void add(const WeightRef& table, uint64_t row);
  const Node* node_ = nullptr;
  std::shared_ptr<const Model> model_;
  std::vector<std::byte> scratch_;
  std::vector<float> row_, sum_;
};

/// cos and sin in f16 for positions [0, count), pairs numbers each.
struct Angles {
  Angles() = default;
  Angles(const Hyperparameters& hp, uint32_t count);
  uint32_t pairs = 0;
  std::vector<uint16_t> cos, sin;
};

/// mask [tokens, past_rows + tokens]: `past` rows of the cache and, of the step's `used` tokens,
/// those up to one's own are seen. Padding sees what the last token does and itself.
void write_causal_mask(uint16_t* mask, uint32_t tokens, uint32_t past_rows, uint32_t past);
/// mask [tokens, tokens]: the first `used` columns are seen.
void write_full_mask(uint16_t* mask, uint32_t tokens, uint32_t used);

/// select [batch, batch * tokens] for a pooling over the first `used` tokens of each sequence.
void write_selection(uint16_t* select, uint32_t batch, uint32_t tokens, uint32_t used,
                     Pooling pooling);

/// Smallest index of the maximum.
int32_t argmax(std::span<const float> row);

}  // namespace npb::qnn

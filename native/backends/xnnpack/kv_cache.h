// Keys and values of all layers in the layouts that attention reads: keys in panels of 16 positions
// (a product with a query yields 16 scores at once, without sums across lanes), values in rows.
#pragma once

#include "backends/xnnpack/arena.h"
#include "backends/xnnpack/kernels/kernels.h"

namespace npb::cpu {

class KvCache {
 public:
  KvCache() = default;
  KvCache(Arena arena, size_t sequences, size_t kv_heads, size_t head_dim, size_t positions,
          bool half)
      : arena_(std::move(arena)),
        sequences_(sequences),
        kv_heads_(kv_heads),
        half_(half),
        plane_(plane_bytes(head_dim, positions, half)) {}

  /// Bytes of one head's keys (or values) for `positions` tokens.
  static size_t plane_bytes(size_t head_dim, size_t positions, bool half) {
    return round_up(round_up(positions, kPanel) * head_dim * (half ? 2 : 4), 64);
  }
  static size_t bytes(size_t layers, size_t sequences, size_t kv_heads, size_t head_dim,
                      size_t positions, bool half) {
    return 2 * layers * sequences * kv_heads * plane_bytes(head_dim, positions, half);
  }

  bool half() const { return half_; }
  size_t bytes() const { return arena_.size(); }
  std::byte* keys(size_t layer, size_t sequence, size_t head) const {
    return arena_.data() + 2 * ((layer * sequences_ + sequence) * kv_heads_ + head) * plane_;
  }
  std::byte* values(size_t layer, size_t sequence, size_t head) const {
    return keys(layer, sequence, head) + plane_;
  }

 private:
  Arena arena_;
  size_t sequences_ = 0, kv_heads_ = 0;
  bool half_ = false;
  size_t plane_ = 0;
};

}  // namespace npb::cpu

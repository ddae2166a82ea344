#include "backends/gpu/layout.h"

#include <algorithm>
#include <map>

namespace npb::gpu {
namespace {

/// First-fit over one growing address range.
class Range {
 public:
  uint64_t allocate(uint64_t bytes) {
    for (auto it = free_.begin(); it != free_.end(); ++it) {
      if (it->second < bytes) continue;
      const uint64_t offset = it->first, rest = it->second - bytes;
      free_.erase(it);
      if (rest > 0) free_[offset + bytes] = rest;
      return offset;
    }
    // Grow; a free tail is part of the new piece.
    uint64_t offset = end_;
    if (!free_.empty()) {
      const auto last = std::prev(free_.end());
      if (last->first + last->second == end_) {
        offset = last->first;
        free_.erase(last);
      }
    }
    end_ = offset + bytes;
    return offset;
  }

  void release(uint64_t offset, uint64_t bytes) {
    auto [it, inserted] = free_.emplace(offset, bytes);
    const auto next = std::next(it);
    if (next != free_.end() && it->first + it->second == next->first) {
      it->second += next->second;
      free_.erase(next);
    }
    if (it != free_.begin()) {
      const auto previous = std::prev(it);
      if (previous->first + previous->second == it->first) {
        previous->second += it->second;
        free_.erase(it);
      }
    }
  }

  uint64_t end() const { return end_; }

 private:
  std::map<uint64_t, uint64_t> free_;  // offset -> bytes
  uint64_t end_ = 0;
};

}  // namespace

ActivationLayout layout_activations(const Graph& graph, const Lowered& lowered, uint64_t token_rows,
                                    uint64_t sequence_rows, uint32_t alignment_bytes) {
  constexpr size_t kForever = ~size_t{0};
  std::vector<size_t> last_use(graph.values.size(), 0);
  for (size_t i = 0; i < lowered.ops.size(); ++i) {
    for (ValueId value : lowered.ops[i].inputs) last_use[lowered.alias[value]] = i;
    if (lowered.ops[i].residual != kNoValue) last_use[lowered.alias[lowered.ops[i].residual]] = i;
  }
  for (ValueId kept : {graph.logits, graph.embedding})
    if (kept != kNoValue) last_use[kept] = kForever;

  struct Region {
    uint64_t offset, bytes;
    size_t last_use;
  };
  std::vector<Region> live;
  ActivationLayout layout;
  layout.of.resize(graph.values.size());
  Range range;
  for (size_t i = 0; i < lowered.ops.size(); ++i) {
    const LoweredOp& op = lowered.ops[i];
    if (!op.outputs.empty() && op.kind != LoweredKind::argmax) {
      uint32_t width = 0;
      size_t last = i;
      for (ValueId value : op.outputs) {
        width += graph.values[value].width;
        last = std::max(last, last_use[value]);
      }
      const uint32_t stride = (width + 3) / 4 * 4;  // rows are read as vectors of four
      const uint64_t rows =
          graph.values[op.outputs[0]].rows == Rows::per_token ? token_rows : sequence_rows;
      const uint64_t bytes =
          (rows * stride * 4 + alignment_bytes - 1) / alignment_bytes * alignment_bytes;
      const uint64_t offset = range.allocate(bytes);
      live.push_back({offset, bytes, last});
      uint32_t column = 0;
      for (ValueId value : op.outputs) {
        layout.of[value] = {offset, bytes, column, stride};
        column += graph.values[value].width;
      }
    }
    std::erase_if(live, [&](const Region& region) {
      if (region.last_use > i) return false;
      range.release(region.offset, region.bytes);
      return true;
    });
  }
  for (size_t value = 0; value < layout.of.size(); ++value)
    layout.of[value] = layout.of[lowered.alias[value]];
  layout.bytes = range.end();
  return layout;
}

}  // namespace npb::gpu

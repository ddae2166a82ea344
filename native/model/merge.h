// The loop that byte-pair encoding and SentencePiece share: of all neighbours that may be joined,
// join the best pair (the leftmost of equals), until none is left.
#pragma once

#include <cstdint>
#include <optional>
#include <queue>
#include <vector>

namespace npb {

/// A run of text that is one token so far (or has no id: -1). Pieces form a list in text order.
struct Piece {
  uint32_t begin = 0;
  uint32_t length = 0;  // bytes; 0 once the piece was joined to its left neighbour
  int32_t id = -1;
};

struct Merge {
  double rank = 0.0;  // lower comes first
  int32_t id = -1;    // of the joined token
};

/// `find(left, right)` returns std::optional<Merge>. Afterwards only pieces of length > 0 count.
template <class Find>
void merge_pieces(std::vector<Piece>& pieces, Find find) {
  struct Candidate {
    double rank;
    int32_t left, right, id;
    uint32_t length;  // of both together: tells whether either changed since
    bool operator<(const Candidate& other) const {  // the queue's top is the greatest
      return rank != other.rank ? rank > other.rank : left > other.left;
    }
  };
  const auto count = static_cast<int32_t>(pieces.size());
  std::vector<int32_t> previous(pieces.size());
  std::vector<int32_t> next(pieces.size());
  std::priority_queue<Candidate> queue;
  const auto at = [&](int32_t i) -> Piece& { return pieces[static_cast<size_t>(i)]; };
  const auto propose = [&](int32_t left, int32_t right) {
    if (left < 0 || right >= count) return;
    const std::optional<Merge> merge = find(at(left), at(right));
    if (merge)
      queue.push({merge->rank, left, right, merge->id, at(left).length + at(right).length});
  };
  for (int32_t i = 0; i < count; ++i) {
    previous[static_cast<size_t>(i)] = i - 1;
    next[static_cast<size_t>(i)] = i + 1;
  }
  for (int32_t i = 0; i + 1 < count; ++i) propose(i, i + 1);
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Piece& left = at(best.left);
    Piece& right = at(best.right);
    if (left.length == 0 || right.length == 0 || left.length + right.length != best.length)
      continue;
    left.length = best.length;
    left.id = best.id;
    right.length = 0;
    const int32_t after = next[static_cast<size_t>(best.right)];
    next[static_cast<size_t>(best.left)] = after;
    if (after < count) previous[static_cast<size_t>(after)] = best.left;
    propose(previous[static_cast<size_t>(best.left)], best.left);
    propose(best.left, after);
  }
}

}  // namespace npb

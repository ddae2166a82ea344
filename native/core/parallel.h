// A plain parallel loop for loading and packing; the hot path has pools of its own.
#pragma once

#include <cstddef>
#include <functional>

namespace npb {

/// Calls body(index) once for each index below `count` and returns when all calls have. Indices are
/// handed out one at a time, so items of unequal size balance. threads = 0: one per logical CPU.
/// The calling thread takes part. `body` may throw std::bad_alloc only: the other threads then
/// stop, and it is thrown again here.
void parallel_for(size_t count, unsigned threads, const std::function<void(size_t)>& body);

}  // namespace npb

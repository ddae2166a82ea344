// Sizes of the runtime's pieces of work.
#pragma once

#include <cstddef>

namespace npb::cpu {

/// XNNPACK's kernels may read quantisation parameters of up to so many rows past the last one.
constexpr size_t kParamPadding = 16;
/// Rows of one product task: whole tiles of 12, few enough that their output stays in the nearest
/// caches.
constexpr size_t kRunRows = 96;
/// Panels of a product that are followed by their element-wise ops at once.
constexpr size_t kRunPanels = 12;
/// Up to so many rows, products are shared by panels only, in shares cut beforehand.
constexpr size_t kFewRows = 16;
/// Rows that a thread takes at a time for row-wise work.
constexpr size_t kClaimRows = 4;
/// An encoder's attention cuts a head into at most so many tasks: each arranges the keys anew.
constexpr size_t kAttendRuns = 4;
/// Rows per thread of the chunks that independent sequences go through in: their activations stay
/// in a core's second-level cache, and the weights are read once for all of them.
constexpr size_t kChunkRows = 128;
/// Logits of one row that a thread searches at a time.
constexpr size_t kArgmaxColumns = 8192;

}  // namespace npb::cpu

// Proof before speed: what a backend computes for this model, on a few of its layers, against the
// reference.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "core/result.h"
#include "model/model.h"

namespace npb {

struct Proof {
  bool passed = false;
  double normalized_error =
      0;             // ||device - reference|| / ||reference|| over the compared logits or vectors
  double bound = 0;  // of the format that was asked for
  std::vector<uint32_t> layers;  // layers of the model that took part: one per mix of weight types
  uint32_t tokens = 0;           // prefill tokens per sequence, then one decode step (decoders)
  std::string sentence;          // what was found
};

/// Runs embedding, the chosen layers and the head, with the batch and the precision of `options`,
/// on `backend` and on the reference interpreter: a prefill long enough to take the kernels of a
/// long one, and a decode step. Opens a session of its own; meant for a process that measures
/// nothing. Errors: those of opening; a wrong result is not an error but `passed == false`.
Result<Proof> prove(const Backend& backend, std::shared_ptr<const Model> model,
                    const SessionOptions& options);

}  // namespace npb

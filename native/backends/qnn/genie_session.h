// A Genie bundle as a model: Genie drives, our clock looks on.
#pragma once

#include <memory>
#include <string>

#include "backends/backend.h"

namespace npb::qnn {

/// Opens the bundle `folder`. `options.extra`: "perf_profile", "prompt_text" (embeddings: the text
/// to embed), and what finds the runtime. Errors: those of Genie::open() and read_genie_bundle(),
/// and Genie's own.
Result<std::unique_ptr<Session>> open_genie_session(const std::string& folder,
                                                    const SessionOptions& options);

}  // namespace npb::qnn

// Graphs of any context binary, executed with generated inputs.
#pragma once

#include <memory>
#include <string>

#include "backends/backend.h"

namespace npb::qnn {

/// Loads the context binary `path`. `options.extra`: "graphs" (names with newlines between; default
/// all), "seed" of the inputs, "any_soc", "io_memory", and what finds runtime and device. Errors:
/// those of read_context_file(), check_target() and of the runtime; unsupported for a tensor of an
/// unknown type.
Result<std::unique_ptr<Session>> open_graph_session(const std::string& path,
                                                    const SessionOptions& options);

}  // namespace npb::qnn

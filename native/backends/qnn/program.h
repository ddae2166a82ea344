// The QNN graphs of one model in one context: made by compiling, or read back from the cache of
// context binaries.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/qnn/executable.h"
#include "backends/qnn/weights.h"

namespace npb::qnn {

struct GraphPlan {
  std::string name;  // "prefill", "decode", "encode"
  Shape shape;
};

struct Program {
  struct Part {
    Handle handle = nullptr;
    Ports ports;
  };
  std::vector<uint8_t> binary;  // what the context was made from; must outlive it
  std::unique_ptr<Context> context;
  std::vector<Part> parts;  // one per plan
  bool from_cache = false;
  bool weights_shared = false;
  uint64_t weight_bytes = 0;       // on the device, once
  uint64_t weight_read_bytes = 0;  // from the model's file
  uint64_t weights_ready_ns = 0;
};

/// `fixed` null: in f16. `cache_dir` empty: no cache. A damaged or foreign cache entry is made
/// anew. Errors: those of compile() and of the runtime.
Result<Program> make_program(const Device& device, const Graph& graph,
                             const std::vector<GraphPlan>& plans, const FixedPoint* fixed,
                             const std::string& cache_dir);

}  // namespace npb::qnn

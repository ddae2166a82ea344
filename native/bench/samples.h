// One measured iteration: what is asked for, and the raw samples that come back.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "backends/backend.h"

namespace npb {

struct Workload {
  std::vector<int32_t> prompt;  // [batch, input_tokens], sequence-major
  uint32_t batch = 1;
  uint32_t input_tokens = 0;
  /// Decoder: tokens per sequence; encoder: ignored; graphs: executions of each.
  uint32_t output_tokens = 0;
  int marker_fd = -1;  // cross-check only: a pipe that gets a line per token; -1 = none
};

/// What the kernel charged this process, for its own threads only.
struct ProcessUsage {
  uint64_t cpu_ns = 0;  // user + system of all threads
  uint64_t voluntary_switches = 0;
  uint64_t involuntary_switches = 0;
  uint64_t minor_faults = 0;
  uint64_t major_faults = 0;
};

/// All times on now_ns(). Of a session with graphs, steps and token_ns have one entry per
/// execution: all of the first graph, then all of the second. Vectors are filled in place:
/// reserve() before the clock starts.
struct IterationSamples {
  uint64_t begin_ns = 0;                      // prefill (or embed call) is submitted
  std::vector<uint64_t> token_ns;             // [output_tokens] moment token k is known on the host
  std::vector<int32_t> token_ids;             // [batch, output_tokens], sequence-major
  std::vector<StepTiming> steps;              // [output_tokens]; steps[0] is the prefill
  std::vector<float> embedding;               // encoder: [batch, d]; token_ns then holds one entry
  std::map<std::string, double> own_figures;  // of a runtime that drives its own loop
  ProcessUsage usage_begin, usage_first, usage_end;  // at begin, after the first token, at the end
  uint64_t logits_digest = 0;  // of the last step's logits, taken after the clock stopped
};

}  // namespace npb

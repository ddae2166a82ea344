// Runs of small decoders on GPU backends.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "test/support/error.h"
#include "test/support/random_model.h"

namespace npb::test {

/// Backends whose device exists here. A machine without any skips, with the reason in the output.
/// NPB_TEST_GPU_API names one to test alone.
inline std::vector<const Backend*> gpu_backends() {
  const char* only = std::getenv("NPB_TEST_GPU_API");
  std::vector<const Backend*> found;
  for (const char* id : {"vulkan", "opencl"}) {
    const Backend* backend = find_backend(id);
    if (!backend || (only && std::string(id) != only)) continue;
    const ProbeResult probe = backend->probe({});
    if (probe.devices.empty())
      MESSAGE("skipped " << id << ": " << probe.unavailable->reason);
    else
      found.push_back(backend);
  }
  return found;
}

/// Tests leave the user's cache of compiled kernels alone.
inline SessionOptions without_cache(SessionOptions options) {
  options.extra["kernel_cache_dir"] = "";
  return options;
}

struct Outcome {
  std::vector<float> logits;
  std::vector<int32_t> tokens;
};

/// A prefill of `prompt` and `steps` greedy decode steps; logits after each, one after the other.
inline Outcome run_decoder(Session& session, uint32_t vocab_size,
                           const std::vector<int32_t>& prompt, uint32_t batch, uint32_t steps) {
  Outcome outcome;
  std::vector<int32_t> next(batch);
  std::vector<float> logits(size_t{batch} * vocab_size);
  StepTiming timing;
  std::span<const int32_t> tokens = prompt;
  for (uint32_t step = 0; step <= steps; ++step) {
    const auto done = session.forward(tokens, next, timing);
    REQUIRE_MESSAGE(done.ok(), done.error().message);
    const uint64_t parts = timing.transfer_ns.value_or(0) + timing.dispatch_ns.value_or(0) +
                           timing.execute_ns.value_or(0) + timing.synchronize_ns.value_or(0);
    CHECK(parts <= timing.wall_ns);
    REQUIRE(session.read_logits(logits).ok());
    outcome.logits.insert(outcome.logits.end(), logits.begin(), logits.end());
    outcome.tokens.insert(outcome.tokens.end(), next.begin(), next.end());
    tokens = next;
  }
  return outcome;
}

inline Outcome run_decoder(const Backend& backend, std::shared_ptr<const Model> model,
                           const std::vector<int32_t>& prompt, uint32_t batch, uint32_t steps,
                           Precision precision) {
  const uint32_t length = static_cast<uint32_t>(prompt.size() / batch);
  auto graph = build_graph(model, {});
  REQUIRE_MESSAGE(graph.ok(), graph.error().message);
  auto session = backend.open(*graph, without_cache({.batch = batch,
                                                     .max_tokens = length + steps,
                                                     .max_step_tokens = length,
                                                     .precision = precision,
                                                     .threads = 2}));
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  return run_decoder(**session, model->hp.vocab_size, prompt, batch, steps);
}

}  // namespace npb::test

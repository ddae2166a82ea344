#include "bench/runner.h"

#include <array>
#include <bit>

#include "bench/marker.h"
#include "bench/process_usage.h"
#include "core/clock.h"

namespace npb {
namespace {

constexpr uint64_t kFnvBasis = 0xcbf29ce484222325ull;
constexpr uint64_t kFnvPrime = 0x100000001b3ull;

/// FNV-1a over the logits' bits: equal digests mean bit-equal results. In lanes, because one chain
/// of multiplications over a vocabulary takes longer than the answer to it may wait.
uint64_t digest(std::span<const float> values) {
  std::array<uint64_t, 8> lanes;
  lanes.fill(kFnvBasis);
  const auto add = [&](size_t lane, float value) {
    lanes[lane] = (lanes[lane] ^ std::bit_cast<uint32_t>(value)) * kFnvPrime;
  };
  size_t i = 0;
  for (; i + lanes.size() <= values.size(); i += lanes.size()) {
    for (size_t k = 0; k < lanes.size(); ++k) add(k, values[i + k]);
  }
  for (size_t k = 0; i + k < values.size(); ++k) add(k, values[i + k]);
  uint64_t hash = kFnvBasis;
  for (uint64_t lane : lanes) hash = (hash ^ lane) * kFnvPrime;
  return hash;
}

Result<void> run_decoder(Session& session, const Workload& workload, IterationSamples& samples) {
  const uint32_t batch = workload.batch;
  const uint32_t outputs = workload.output_tokens;
  std::vector<int32_t> next(batch);
  const Marker marker(workload.marker_fd);

  const StepDone done = [&](uint32_t step, std::span<const int32_t> tokens,
                            const StepTiming& timing) {
    const uint32_t k = step + 1;
    samples.token_ns[k] = now_ns();
    marker.token();
    samples.steps[k] = timing;
    for (uint32_t b = 0; b < batch; ++b) samples.token_ids[b * outputs + k] = tokens[b];
  };

  session.reset();
  samples.usage_begin = process_usage();
  samples.begin_ns = now_ns();
  NPB_TRY(session.forward(workload.prompt, next, samples.steps[0]));
  samples.token_ns[0] = now_ns();
  marker.token();
  samples.usage_first = process_usage();
  for (uint32_t b = 0; b < batch; ++b) samples.token_ids[b * outputs] = next[b];

  NPB_TRY(session.decode(outputs - 1, next, done));
  samples.usage_end = process_usage();
  return {};
}

Result<void> run_encoder(Session& session, const Workload& workload, IterationSamples& samples) {
  const Marker marker(workload.marker_fd);
  samples.usage_begin = process_usage();
  samples.begin_ns = now_ns();
  NPB_TRY(session.embed(workload.prompt, samples.embedding, samples.steps[0]));
  samples.token_ns[0] = now_ns();
  marker.token();
  samples.usage_end = samples.usage_first = process_usage();
  return {};
}

Result<void> run_graphs(Session& session, const Workload& workload, IterationSamples& samples) {
  const auto graphs = static_cast<uint32_t>(session.graph_names().size());
  const uint32_t executions = workload.output_tokens;
  if (graphs == 0 || executions == 0)
    return Error{ErrorCode::invalid_argument,
                 "There is nothing to execute: ask for at least one execution of a graph."};
  samples.token_ns.assign(size_t{graphs} * executions, 0);
  samples.steps.assign(size_t{graphs} * executions, {});
  samples.token_ids.clear();
  samples.embedding.clear();
  samples.usage_begin = process_usage();
  samples.begin_ns = now_ns();
  for (uint32_t graph = 0; graph < graphs; ++graph) {
    for (uint32_t i = 0; i < executions; ++i) {
      const size_t at = size_t{graph} * executions + i;
      NPB_TRY(session.execute(graph, samples.steps[at]));
      samples.token_ns[at] = now_ns();
      if (at == 0) samples.usage_first = process_usage();
    }
  }
  samples.usage_end = process_usage();
  samples.logits_digest = session.output_digest();
  return {};
}

/// Everything but the clock's readings is the runtime's own.
Result<void> run_generated(Session& session, const Workload& workload, IterationSamples& samples) {
  Generated result;
  result.ids = samples.token_ids;
  result.token_ns = samples.token_ns;
  samples.usage_begin = process_usage();
  samples.begin_ns = now_ns();
  NPB_TRY(session.generate(workload.prompt, result));
  const uint64_t end_ns = now_ns();
  // The first token comes in a callback of the runtime's: the usage up to it isn't known.
  samples.usage_end = samples.usage_first = process_usage();
  samples.embedding = std::move(result.embedding);
  samples.own_figures = std::move(result.own_figures);
  if (!samples.token_ids.empty()) {
    if (result.count == 0)
      return Error{ErrorCode::device_lost,
                   "The runtime generated no token at all; try another prompt."};
    samples.token_ids.resize(result.count);
    samples.token_ns.resize(result.count);
    samples.steps.resize(result.count);
  } else {
    samples.token_ns[0] = end_ns;
  }
  for (size_t i = 0; i < samples.steps.size(); ++i) {
    const uint64_t from_ns = i == 0 ? samples.begin_ns : samples.token_ns[i - 1];
    samples.steps[i].wall_ns = samples.token_ns[i] - from_ns;
  }
  return {};
}

}  // namespace

Result<void> prepare_samples(const Workload& workload, const Hyperparameters& hp,
                             IterationSamples& samples) {
  const uint64_t wanted = static_cast<uint64_t>(workload.batch) * workload.input_tokens;
  if (wanted == 0 || workload.prompt.size() != wanted)
    return Error{ErrorCode::invalid_argument, "The prompt holds " +
                                                  std::to_string(workload.prompt.size()) +
                                                  " token ids where " + std::to_string(wanted) +
                                                  " are needed; give batch x input-length ids."};
  for (int32_t id : workload.prompt)
    if (id < 0 || static_cast<uint32_t>(id) >= hp.vocab_size)
      return Error{ErrorCode::invalid_argument,
                   "Token id " + std::to_string(id) + " is outside the model's vocabulary of " +
                       std::to_string(hp.vocab_size) + "; give ids from 0 to " +
                       std::to_string(hp.vocab_size - 1) + "."};
  const bool encoder = hp.family == ModelFamily::encoder;
  if (!encoder && workload.output_tokens == 0)
    return Error{ErrorCode::invalid_argument,
                 "The output length is 0; ask for at least one token."};
  const uint32_t steps = encoder ? 1 : workload.output_tokens;
  samples.token_ns.assign(steps, 0);
  samples.steps.assign(steps, {});
  samples.token_ids.assign(encoder ? 0 : static_cast<size_t>(workload.batch) * steps, 0);
  samples.embedding.assign(encoder ? static_cast<size_t>(workload.batch) * hp.d_model : 0, 0.0f);
  return {};
}

Result<void> run_iteration(Session& session, const Workload& workload, const Hyperparameters& hp,
                           IterationSamples& samples) {
  if (hp.family == ModelFamily::graph) return run_graphs(session, workload, samples);
  if (session.generates() && hp.family == ModelFamily::encoder) {
    // It takes its text itself: there are no token ids to check, and the vector's size is told
    // late.
    samples.token_ns.assign(1, 0);
    samples.steps.assign(1, {});
    samples.token_ids.clear();
    NPB_TRY(run_generated(session, workload, samples));
    samples.logits_digest = digest(samples.embedding);
    return {};
  }
  NPB_TRY(prepare_samples(workload, hp, samples));
  if (session.generates()) return run_generated(session, workload, samples);
  if (hp.family == ModelFamily::encoder) {
    NPB_TRY(run_encoder(session, workload, samples));
    samples.logits_digest = digest(samples.embedding);
    return {};
  }
  // Its pages are touched now: nothing slow may stand between the last token and the caller.
  std::vector<float> logits(static_cast<size_t>(workload.batch) * hp.vocab_size);
  NPB_TRY(run_decoder(session, workload, samples));
  NPB_TRY(session.read_logits(logits));
  samples.logits_digest = digest(logits);
  return {};
}

}  // namespace npb

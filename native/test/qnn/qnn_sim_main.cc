// The vendor suite's program: the NPU backend against whatever QNN runtime is found, held to the
// reference interpreter. Built for Windows x86-64 it drives the vendor's own simulator; what it
// shows is correctness, never speed.
//
//   qnn_sim probe
//   qnn_sim random [LAYERS [D_MODEL]]     random weights, prefill and decode, then from the cache
//   qnn_sim bert                          random encoder
//   qnn_sim model FILE TOKENS [IDS…]      greedy tokens of a GGUF file beside the reference's
//   qnn_sim agree FILE|random FORMAT N    top-1 agreement over N tokens in int8, int4 (blocks) or
//                                         int4-channel
// Exit code 0: within the bounds; 1: not; 2: could not run.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "backends/qnn/qnn_backend.h"
#include "core/clock.h"
#include "graph/interpreter.h"
#include "model/tokenizer.h"
#include "test/qnn/quantized_model.h"
#include "test/support/error.h"
#include "test/support/random_model.h"

using namespace npb;

namespace {

// In f16: what storing weights and each node's output in f16 loses by itself is computed with exact
// arithmetic, step by step; the NPU also stores what is inside of attention and SwiGLU.
// Tokens whose logits in the exact reference are this close are a tie, as in the CPU's comparison
// with transformers: f16 logits of 16 and more are 0.016 apart.
constexpr float kTie = 0.01f;
constexpr double kBound = 5e-3, kStorageFactor = 2.0, kLeastCosine = 0.999;
// Fixed point, against the same weights: 16-bit activations add to that.
constexpr double kFixedBound = 2e-2;

int failed(const Error& error) {
  std::printf("could not run: %s\n", error.message.c_str());
  return 2;
}

int probe() {
  const ProbeResult result = qnn_backend().probe({});
  for (const DeviceInfo& device : result.devices) {
    std::printf("%s, %s, %s, %s, simulated: %s\n", device.name.c_str(), device.soc.c_str(),
                device.driver.c_str(), device.runtime_version.c_str(),
                device.simulated ? "yes" : "no");
    for (const auto& [key, value] : device.properties)
      std::printf("  %s = %s\n", key.c_str(), value.c_str());
  }
  if (result.unavailable)
    std::printf("%s\n%s\n", result.unavailable->reason.c_str(), result.unavailable->remedy.c_str());
  return result.devices.empty() ? 2 : 0;
}

struct Run {
  std::vector<int32_t> prompt;
  uint32_t steps = 4;
  std::string cache = {};
  bool profile = false;
  bool cached = false;  // the context binary must come from the cache
};

/// Prefill and greedy decode on both sides, each following the reference's tokens.
int compare(const std::shared_ptr<const Model>& model, const Run& run) {
  auto graph = build_graph(model, {});
  if (!graph.ok()) return failed(graph.error());
  SessionOptions options;
  options.max_step_tokens = static_cast<uint32_t>(run.prompt.size());
  options.max_tokens = options.max_step_tokens + run.steps;
  options.packed_cache_dir = run.cache;
  options.profile = run.profile;
  const uint64_t begin_ns = now_ns();
  auto session = qnn_backend().open(*graph, options);
  if (!session.ok()) return failed(session.error());
  std::printf("opened in %.1f s, context binary from the cache: %s\n",
              static_cast<double>(now_ns() - begin_ns) * 1e-9,
              (*session)->open_timeline().packed_cache_hit ? "yes" : "no");
  Interpreter reference(*graph, {.max_tokens = options.max_tokens});
  Interpreter halves(*graph, {.max_tokens = options.max_tokens, .f16_storage = true});
  if (run.cached && !(*session)->open_timeline().packed_cache_hit) {
    std::printf("the context binary that was written is not accepted\n");
    return 1;
  }
  std::vector<int32_t> tokens = run.prompt, next(1);
  std::vector<float> logits(model->hp.vocab_size);
  double worst = 0, worst_stored = 0;
  uint32_t equal = 0, tied = 0;
  for (uint32_t step = 0; step <= run.steps; ++step) {
    StepTiming timing;
    if (auto done = (*session)->forward(tokens, next, timing); !done.ok())
      return failed(done.error());
    if (auto done = reference.step(tokens); !done.ok()) return failed(done.error());
    if (auto done = halves.step(tokens); !done.ok()) return failed(done.error());
    if (auto done = (*session)->read_logits(logits); !done.ok()) return failed(done.error());
    const double error = test::normalized_error(logits, reference.value(graph->logits));
    const auto expected = static_cast<int32_t>(reference.value(graph->next_token)[0]);
    const double stored =
        test::normalized_error(halves.value(graph->logits), reference.value(graph->logits));
    worst = std::max(worst, error);
    worst_stored = std::max(worst_stored, stored);
    if (next[0] == expected) {
      ++equal;
    } else {
      const std::span<const float> exact = reference.value(graph->logits);
      const float gap = exact[static_cast<size_t>(expected)] - exact[static_cast<size_t>(next[0])];
      tied += gap < kTie ? 1 : 0;
      std::printf("step %u: another token than the reference's, whose logit is %.4f larger\n", step,
                  static_cast<double>(gap));
    }
    std::printf(
        "step %u: error %.2e (f16 storage alone %.2e), token %d, reference %d, wall %.1f ms, "
        "accelerator %.1f ms\n",
        step, error, stored, next[0], expected, static_cast<double>(timing.wall_ns) * 1e-6,
        static_cast<double>(timing.execute_ns.value_or(0)) * 1e-6);
    std::fflush(stdout);
    tokens.assign(1, expected);
  }
  const double bound = std::max(kBound, kStorageFactor * worst_stored);
  std::printf(
      "worst normalised error %.2e (bound %.1e; f16 storage alone %.2e), %u of %u greedy tokens "
      "equal, %u tied within %.2f\n",
      worst, bound, worst_stored, equal, run.steps + 1, tied, static_cast<double>(kTie));
  if (run.profile) {
    const auto lines = (*session)->profile();
    if (!lines.ok()) return failed(lines.error());
    for (const OpProfile& line : *lines)
      std::printf("  %-24s %-10s %10.1f us\n", line.node.c_str(), line.op.c_str(),
                  static_cast<double>(line.total_ns) * 1e-3);
  }
  return worst <= bound && equal + tied == run.steps + 1 ? 0 : 1;
}

int random_llama(uint32_t layers, uint32_t d_model) {
  test::TinyModel tiny;
  tiny.n_layers = layers;
  tiny.d_model = d_model;
  tiny.head_dim = d_model / tiny.n_heads;
  tiny.d_ff = 2 * d_model;
  test::TempFolder folder, cache;
  auto model = test::load_tiny(tiny, folder);
  if (!model.ok()) return failed(model.error());
  const Run run{.prompt = test::random_tokens(13, tiny.vocab_size, 7),
                .cache = cache.path().string()};
  const int fresh = compare(*model, run);
  if (fresh != 0) return fresh;
  Run again = run;
  again.profile = again.cached = true;
  return compare(*model, again);
}

/// Opening of Charles Dickens, A Tale of Two Cities (1859, public domain).
constexpr const char* kPassage =
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age "
    "of foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the "
    "season "
    "of Light, it was the season of Darkness, it was the spring of hope, it was the winter of "
    "despair, we had everything before us, we had nothing before us, we were all going direct to "
    "Heaven, we were all going direct the other way.";

/// Logits of every token of one prompt, in fixed point, beside the exact reference and beside the
/// reference of the weights that quantisation left.
int agree(const std::shared_ptr<const Model>& model, const std::string& format, uint32_t count) {
  SessionOptions options;
  options.precision = format == "int8" ? Precision::int8 : Precision::int4;
  options.extra["qnn_int4"] = format == "int4-channel" ? "channel" : "block";
  std::vector<int32_t> tokens = model->tokenizer
                                    ? model->tokenizer->encode(kPassage)
                                    : test::random_tokens(count, model->hp.vocab_size, 9);
  if (tokens.size() > count) tokens.resize(count);
  options.max_tokens = options.max_step_tokens = static_cast<uint32_t>(tokens.size());
  auto graph = build_graph(model, {.all_logits = true});
  if (!graph.ok()) return failed(graph.error());
  auto session = qnn_backend().open(*graph, options);
  if (!session.ok()) return failed(session.error());
  std::vector<int32_t> next(tokens.size());
  std::vector<float> logits(tokens.size() * model->hp.vocab_size);
  StepTiming timing;
  if (auto done = (*session)->forward(tokens, next, timing); !done.ok())
    return failed(done.error());
  if (auto done = (*session)->read_logits(logits); !done.ok()) return failed(done.error());
  const auto weights = format == "int8"   ? qnn::WeightFormat::int8_channel
                       : format == "int4" ? qnn::WeightFormat::int4_block
                                          : qnn::WeightFormat::int4_channel;
  auto same_weights = build_graph(test::quantized_model(*model, weights), {.all_logits = true});
  if (!same_weights.ok()) return failed(same_weights.error());
  const auto beside = [&](const Graph& graph, const char* what, double& error) -> Result<void> {
    Interpreter reference(graph, {.max_tokens = options.max_tokens});
    NPB_TRY(reference.step(tokens));
    error = test::normalized_error(logits, reference.value(graph.logits));
    const std::span<const float> best = reference.value(graph.next_token);
    uint32_t equal = 0;
    for (size_t i = 0; i < next.size(); ++i) equal += next[i] == static_cast<int32_t>(best[i]);
    std::printf("%s: error %.2e, top-1 agreement %u of %zu (%.1f %%)\n", what, error, equal,
                next.size(), 100.0 * equal / static_cast<double>(next.size()));
    return {};
  };
  double loss = 0, error = 0;
  if (auto done = beside(*graph, "beside the exact reference", loss); !done.ok())
    return failed(done.error());
  if (auto done = beside(*same_weights, "beside the reference of the same weights", error);
      !done.ok())
    return failed(done.error());
  std::printf("bound of the second error: %.1e\n", kFixedBound);
  return error <= kFixedBound ? 0 : 1;
}

int random_bert() {
  test::TinyModel tiny;
  tiny.architecture = "bert";
  test::TempFolder folder;
  auto model = test::load_tiny(tiny, folder);
  if (!model.ok()) return failed(model.error());
  auto graph = build_graph(*model, {});
  if (!graph.ok()) return failed(graph.error());
  auto session = qnn_backend().open(*graph, {.max_tokens = 32, .max_step_tokens = 32});
  if (!session.ok()) return failed(session.error());
  const auto tokens = test::random_tokens(19, tiny.vocab_size, 5);
  std::vector<float> vector(tiny.d_model);
  StepTiming timing;
  if (auto done = (*session)->embed(tokens, vector, timing); !done.ok())
    return failed(done.error());
  Interpreter reference(*graph, {});
  if (auto done = reference.step(tokens); !done.ok()) return failed(done.error());
  const double cosine = test::cosine(vector, reference.value(graph->embedding));
  std::printf("embedding of 19 tokens padded to 32: cosine %.6f (bound %.3f)\n", cosine,
              kLeastCosine);
  return cosine >= kLeastCosine ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const auto number = [&](int i, int fallback) { return argc > i ? std::atoi(argv[i]) : fallback; };
  if (what == "probe") return probe();
  if (what == "random")
    return random_llama(static_cast<uint32_t>(number(2, 2)), static_cast<uint32_t>(number(3, 64)));
  if (what == "bert") return random_bert();
  if (what == "agree" && argc > 4) {
    test::TempFolder folder;
    auto model =
        std::string(argv[2]) == "random" ? test::load_tiny({}, folder) : load_model(argv[2], {});
    if (!model.ok()) return failed(model.error());
    return agree(*model, argv[3], static_cast<uint32_t>(std::max(number(4, 1), 1)));
  }
  if (what == "model" && argc > 3) {
    auto model = load_model(argv[2], {.with_tokenizer = false});
    if (!model.ok()) return failed(model.error());
    Run run;
    run.steps = static_cast<uint32_t>(std::max(number(3, 1), 1)) - 1;
    for (int i = 4; i < argc; ++i) run.prompt.push_back(std::atoi(argv[i]));
    if (run.prompt.empty()) run.prompt = {1, 504, 2365, 282, 4649, 314};
    return compare(*model, run);
  }
  std::printf(
      "usage: qnn_sim probe | random [LAYERS [D_MODEL]] | bert | model FILE TOKENS [IDS] | agree "
      "FILE|random FORMAT N\n");
  return 2;
}

// The vendor suite's program: the NPU backend against whatever QNN runtime is found, held to the
// reference interpreter. Built for Windows x86-64 it drives the vendor's own simulator; what it
// shows is correctness, never speed.
//
//   qnn_sim probe
//   qnn_sim random [LAYERS [D_MODEL]]     random weights, prefill and decode, then from the cache
//   qnn_sim bert                          random encoder
//   qnn_sim model FILE TOKENS [IDS…]      greedy tokens of a GGUF file beside the reference's
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
#include "test/support/error.h"
#include "test/support/random_model.h"

using namespace npb;

namespace {

// The NPU rounds every tensor to f16 and approximates softmax and sigmoid; on random weights, which
// don't average errors out as trained ones do, 2 to 4 layers end at 5e-3 to 8e-3.
constexpr double kBound = 1e-2, kLeastCosine = 0.999;

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
  double bound = kBound;
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
  Interpreter reference(*graph, {.batch = 1, .max_tokens = options.max_tokens});
  std::vector<int32_t> tokens = run.prompt, next(1);
  std::vector<float> logits(model->hp.vocab_size);
  double worst = 0;
  uint32_t equal = 0;
  for (uint32_t step = 0; step <= run.steps; ++step) {
    StepTiming timing;
    if (auto done = (*session)->forward(tokens, next, timing); !done.ok())
      return failed(done.error());
    if (auto done = reference.step(tokens); !done.ok()) return failed(done.error());
    if (auto done = (*session)->read_logits(logits); !done.ok()) return failed(done.error());
    const double error = test::normalized_error(logits, reference.value(graph->logits));
    const auto expected = static_cast<int32_t>(reference.value(graph->next_token)[0]);
    worst = std::max(worst, error);
    equal += next[0] == expected ? 1 : 0;
    std::printf("step %u: error %.2e, token %d, reference %d, wall %.1f ms, accelerator %.1f ms\n",
                step, error, next[0], expected, static_cast<double>(timing.wall_ns) * 1e-6,
                static_cast<double>(timing.execute_ns.value_or(0)) * 1e-6);
    std::fflush(stdout);
    tokens.assign(1, expected);
  }
  std::printf("worst normalised error %.2e (bound %.0e), %u of %u greedy tokens equal\n", worst,
              run.bound, equal, run.steps + 1);
  if (run.profile) {
    const auto lines = (*session)->profile();
    if (!lines.ok()) return failed(lines.error());
    for (const OpProfile& line : *lines)
      std::printf("  %-24s %-10s %10.1f us\n", line.node.c_str(), line.op.c_str(),
                  static_cast<double>(line.total_ns) * 1e-3);
  }
  return worst <= run.bound && equal == run.steps + 1 ? 0 : 1;
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
  again.profile = true;
  return compare(*model, again);
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
  if (what == "model" && argc > 3) {
    auto model = load_model(argv[2], {.with_tokenizer = false});
    if (!model.ok()) return failed(model.error());
    // Whole models pile rounding up over dozens of layers: tokens are what counts there.
    Run run;
    run.steps = static_cast<uint32_t>(std::max(number(3, 1), 1)) - 1;
    run.bound = 5e-2;
    for (int i = 4; i < argc; ++i) run.prompt.push_back(std::atoi(argv[i]));
    if (run.prompt.empty()) run.prompt = {1, 504, 2365, 282, 4649, 314};
    return compare(*model, run);
  }
  std::printf(
      "usage: qnn_sim probe | random [LAYERS [D_MODEL]] | bert | model FILE TOKENS [IDS]\n");
  return 2;
}

// The vendor suite's program for Linux aarch64, where the vendor's libraries run up to the missing
// DSP: what of the NPU path can be shown there.
//
//   qnn_arm64 probe               the runtime's versions; without a DSP the sentence that says so
//   qnn_arm64 describe FILE       a context binary through libQnnSystem
//   qnn_arm64 saver               a random llama through libQnnSaver, which writes the calls down
//   qnn_arm64 genie FOLDER        a bundle's configuration through libGenie's schema
// Exit code 0: as expected; 1: not; 2: could not run.
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "backends/qnn/context_model.h"
#include "backends/qnn/genie.h"
#include "backends/qnn/qnn_backend.h"
#include "test/support/random_model.h"

using namespace npb;

namespace {

int failed(const Error& error) {
  std::printf("could not run: %s\n", error.message.c_str());
  return 2;
}

int probe() {
  const auto library = qnn::Library::open({});
  if (!library.ok()) return failed(library.error());
  std::printf("%s, %s\n", (*library)->build_id().c_str(), (*library)->version_text().c_str());
  const ProbeResult result = qnn_backend().probe({});
  if (result.unavailable)
    std::printf("%s\n%s\n", result.unavailable->reason.c_str(), result.unavailable->remedy.c_str());
  return 0;
}

int describe(const char* path) {
  const auto model = qnn_backend().describe(path, {});
  if (!model.ok()) return failed(model.error());
  for (const auto& [key, value] : (*model)->metadata)
    std::printf("%s: %s\n", key.c_str(), value.c_str());
  for (const StoredGraph& graph : (*model)->graphs)
    std::printf("graph %s: %zu inputs, %zu outputs\n", graph.name.c_str(), graph.inputs.size(),
                graph.outputs.size());
  return 0;
}

/// Prefill of one piece and three decode steps: every call of the NPU path.
int saver() {
  test::TinyModel tiny;
  test::TempFolder folder;
  const auto model = test::load_tiny(tiny, folder);
  if (!model.ok()) return failed(model.error());
  const auto graph = build_graph(*model, {});
  if (!graph.ok()) return failed(graph.error());
  SessionOptions options;
  options.max_tokens = 16;
  options.max_step_tokens = 8;
  options.extra = {{"qnn_library", "libQnnSaver.so"}};
  auto session = qnn_backend().open(*graph, options);
  if (!session.ok()) return failed(session.error());
  std::vector<int32_t> tokens = test::random_tokens(8, tiny.vocab_size, 7), next(1);
  for (int step = 0; step < 4; ++step) {
    StepTiming timing;
    if (const auto done = (*session)->forward(tokens, next, timing); !done.ok())
      return failed(done.error());
    tokens.assign(1, 5);  // the Saver computes nothing
  }
  std::printf("2 graphs, 4 executions handed to the Saver\n");
  return 0;
}

int genie(const char* folder) {
  const auto library = qnn::Genie::open({});
  if (!library.ok()) return failed(library.error());
  std::printf("Genie %s\n", (*library)->version().c_str());
  const auto bundle = qnn::read_genie_bundle(folder);
  if (!bundle.ok()) return failed(bundle.error());
  const auto checked = qnn::check_genie_config(**library, *bundle);
  std::printf("%s\n", checked.ok() ? "configuration accepted" : checked.error().message.c_str());
  return checked.ok() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "probe") return probe();
  if (what == "describe" && argc > 2) return describe(argv[2]);
  if (what == "saver") return saver();
  if (what == "genie" && argc > 2) return genie(argv[2]);
  std::printf("usage: qnn_arm64 probe | describe FILE | saver | genie FOLDER\n");
  return 2;
}

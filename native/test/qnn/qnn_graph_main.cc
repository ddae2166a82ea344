// The vendor suite's program for context binaries: prepared ahead of time by the vendor's runtime,
// described, refused for another chip, and executed as any binary is.
//
//   qnn_graph write FOLDER FILE   a random llama prepared for SM8650
//   qnn_graph run FILE            described, executed, per-node profile
// Exit code 0: as expected; 1: not; 2: could not run.
#include <cstdio>
#include <filesystem>
#include <string>

#include "backends/qnn/qnn_backend.h"
#include "core/file.h"
#include "test/support/random_model.h"

using namespace npb;

namespace {

int failed(const Error& error) {
  std::printf("could not run: %s\n", error.message.c_str());
  return 2;
}

int write(const std::string& folder, const std::string& path) {
  test::TempFolder weights;
  const auto model = test::load_tiny({}, weights);
  if (!model.ok()) return failed(model.error());
  const auto graph = build_graph(*model, {});
  if (!graph.ok()) return failed(graph.error());
  SessionOptions options;
  options.max_tokens = 24;
  options.max_step_tokens = 16;
  options.extra = {{"qnn_soc", "SM8650"}};
  std::filesystem::create_directories(utf8_path(folder));
  const auto bytes = qnn_backend().prepare(*graph, options, folder);
  if (!bytes.ok()) return failed(bytes.error());
  for (const auto& entry : std::filesystem::directory_iterator(utf8_path(folder)))
    if (entry.path().extension() == ".bin") std::filesystem::rename(entry.path(), utf8_path(path));
  std::printf("prepared %s: %llu bytes\n", path.c_str(), static_cast<unsigned long long>(*bytes));
  return 0;
}

int run(const std::string& path) {
  const auto model = qnn_backend().describe(path, {});
  if (!model.ok()) return failed(model.error());
  for (const auto& [key, value] : (*model)->metadata)
    std::printf("%s: %s\n", key.c_str(), value.c_str());
  SessionOptions other;
  other.extra = {{"qnn_soc", "SM8750"}};
  const auto refused = qnn_backend().open_file(path, other);
  if (refused.ok()) return 1;
  std::printf("for another chip: %s\n", refused.error().message.c_str());
  uint64_t digests[2] = {};
  for (int round = 0; round < 2; ++round) {
    SessionOptions options;
    options.profile = round == 1;
    auto session = qnn_backend().open_file(path, options);
    if (!session.ok()) return failed(session.error());
    const auto names = (*session)->graph_names();
    for (uint32_t graph = 0; graph < names.size(); ++graph) {
      StepTiming timing;
      for (int i = 0; i < 3; ++i)
        if (const auto done = (*session)->execute(graph, timing); !done.ok())
          return failed(done.error());
      std::printf("graph %s: call %.3f ms, accelerator %.3f ms, host %.3f ms\n",
                  names[graph].c_str(), static_cast<double>(timing.wall_ns) * 1e-6,
                  static_cast<double>(timing.execute_ns.value_or(0)) * 1e-6,
                  static_cast<double>(timing.dispatch_ns.value_or(0)) * 1e-6);
      if (!timing.execute_ns) return 1;
    }
    digests[round] = (*session)->output_digest();
    std::printf("%s\n", (*session)->placement()[0].kernel.c_str());
    const auto lines = (*session)->profile();
    if (!lines.ok()) return failed(lines.error());
    if (options.profile && lines->empty()) return 1;
    for (size_t i = 0; i < lines->size() && i < 8; ++i)
      std::printf("  %-40s %10.1f us\n", (*lines)[i].node.c_str(),
                  static_cast<double>((*lines)[i].total_ns) * 1e-3);
  }
  std::printf("the same outputs in both sessions: %s\n", digests[0] == digests[1] ? "yes" : "no");
  return digests[0] == digests[1] ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "write" && argc > 3) return write(argv[2], argv[3]);
  if (what == "run" && argc > 2) return run(argv[2]);
  std::printf("usage: qnn_graph write FOLDER FILE | run FILE\n");
  return 2;
}

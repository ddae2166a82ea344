#include "backends/qnn/ranges.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>

#include "core/file.h"
#include "graph/cost.h"
#include "graph/interpreter.h"
#include "model/tokenizer.h"

namespace npb::qnn {
namespace {

namespace fs = std::filesystem;

// Lewis Carroll, Alice's Adventures in Wonderland (1865, public domain), and a few lines of other
// kinds: ranges depend on what is read.
constexpr const char* kText =
    "Alice was beginning to get very tired of sitting by her sister on the bank, and of having "
    "nothing to do: once or twice she had peeped into the book her sister was reading, but it had "
    "no pictures or conversations in it, \"and what is the use of a book,\" thought Alice, "
    "\"without pictures or conversations?\"\n\n"
    "int main(void) { for (int i = 0; i < 10; i++) printf(\"%d\\n\", i * i); return 0; }\n"
    "1. Water boils at 100 degrees. 2. The capital of France is Paris. 3. 17 + 25 = 42.\n"
    "So she was considering in her own mind (as well as she could, for the hot day made her feel "
    "very sleepy and stupid), whether the pleasure of making a daisy-chain would be worth the "
    "trouble of getting up and picking the daisies, when suddenly a White Rabbit with pink eyes "
    "ran close by her.";

constexpr const char* kHeader = "npu-bench qnn ranges 2";

std::vector<int32_t> text_tokens(const Model& model, uint32_t count) {
  if (!model.tokenizer) return {};
  std::vector<int32_t> tokens = model.tokenizer->encode(kText);
  if (tokens.size() > count) tokens.resize(count);
  return tokens;
}

std::vector<int32_t> scattered_tokens(const Model& model, uint32_t count) {
  std::vector<int32_t> tokens(count);
  uint64_t state = 0x9e3779b97f4a7c15ull;
  for (int32_t& token : tokens) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    token = static_cast<int32_t>((state >> 33) % model.hp.vocab_size);
  }
  return tokens;
}

std::optional<Ranges> read(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line) || line != kHeader) return std::nullopt;
  size_t count = 0;
  if (!(file >> count) || count > 1000000) return std::nullopt;
  Ranges ranges;
  std::string name;
  Range range;
  while (file >> range.largest >> range.typical >> name) {
    if (!(range.largest >= range.typical) || !(range.typical >= 0) || !std::isfinite(range.largest))
      return std::nullopt;
    ranges[name] = range;
  }
  if (ranges.size() != count) return std::nullopt;
  return ranges;
}

/// Problems of the cache never fail a run: without an entry the ranges are found again.
void write(const fs::path& path, const Ranges& ranges) {
  std::error_code ignored;  // a folder that can't be made shows when the file is opened
  fs::create_directories(path.parent_path(), ignored);
  const fs::path part = path.string() + ".part";
  std::ofstream file(part, std::ios::trunc);
  file << kHeader << '\n' << ranges.size() << '\n';
  file.precision(9);
  for (const auto& [name, range] : ranges)
    file << range.largest << ' ' << range.typical << ' ' << name << '\n';
  file.close();
  if (file)
    fs::rename(part, path, ignored);
  else
    fs::remove(part, ignored);
}

}  // namespace

uint32_t calibration_tokens(const Graph& graph) {
  constexpr uint64_t kMacs = uint64_t{16} << 30;
  const uint64_t each = std::max<uint64_t>(cost(graph, CostShape{}).macs, 1);
  return static_cast<uint32_t>(
      std::min<uint64_t>(std::clamp<uint64_t>(kMacs / each, 16, 128), graph.hp.context_length));
}

Result<Ranges> calibrate(const Graph& graph) {
  // Every token's logits: the session's graph may keep the last one's only.
  NPB_TRY_ASSIGN(Graph all, build_graph(graph.model, {.all_logits = graph.logits != kNoValue}));
  const uint32_t count = calibration_tokens(all);
  std::map<std::string, uint32_t> widths;
  for (const Node& node : all.nodes)
    widths[node.name] = all.values[static_cast<size_t>(node.output)].width;
  Interpreter reference(std::move(all), {.max_tokens = count});
  Ranges ranges;
  std::map<std::string, std::vector<float>> rms;  // of each token
  bool finite = true;
  reference.observe([&](const Node& node, uint64_t, std::span<const float> output) {
    float& most = ranges[node.name].largest;
    const size_t width = widths[node.name];
    for (size_t row = 0; row + width <= output.size(); row += width) {
      double squares = 0;
      for (float value : output.subspan(row, width)) {
        finite = finite && std::isfinite(value);
        most = std::max(most, std::abs(value));
        squares += double{value} * value;
      }
      rms[node.name].push_back(static_cast<float>(std::sqrt(squares / static_cast<double>(width))));
    }
  });
  for (const auto& tokens :
       {text_tokens(*graph.model, count), scattered_tokens(*graph.model, count)}) {
    if (tokens.empty()) continue;
    reference.reset();
    NPB_TRY(reference.step(tokens));
  }
  if (!finite)
    return Error{ErrorCode::unsupported,
                 "The model's activations are no finite numbers, so that their ranges can't be "
                 "found; convert the model again, or use --precision f16."};
  for (auto& [name, values] : rms) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    // A vector of one number repeated has an RMS that rounds to more than it.
    ranges[name].typical = std::min(*middle, ranges[name].largest);
  }
  return ranges;
}

Result<Ranges> calibrated(const Graph& graph, const std::string& folder, uint64_t model_hash) {
  if (folder.empty()) return calibrate(graph);
  char name[48];
  std::snprintf(name, sizeof name, "qnn-ranges-%016llx.txt",
                static_cast<unsigned long long>(model_hash));
  const fs::path path = utf8_path(folder) / name;
  if (auto found = read(path)) return std::move(*found);
  NPB_TRY_ASSIGN(Ranges ranges, calibrate(graph));
  write(path, ranges);
  return ranges;
}

}  // namespace npb::qnn

#include "backends/qnn/plans.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "backends/qnn/context_binary.h"
#include "backends/qnn/soc.h"
#include "core/file.h"

namespace npb::qnn {
namespace {

constexpr uint32_t kCacheRounding = 32;  // rows; the NPU works on tiles of 32

}  // namespace

std::vector<GraphPlan> graph_plans(const Graph& graph, const SessionOptions& options) {
  if (graph.embedding != kNoValue)
    return {{"encode", {options.batch, std::max(options.max_step_tokens, 2u), 0}}};
  const uint32_t past = (options.max_tokens + kCacheRounding - 1) / kCacheRounding * kCacheRounding;
  const auto wanted = options.extra.find("qnn_prefill_tokens");
  const int longest = wanted == options.extra.end() ? 0 : std::atoi(wanted->second.c_str());
  const uint32_t piece = std::min(longest > 1 ? static_cast<uint32_t>(longest) : kPrefillTokens,
                                  options.max_step_tokens);
  std::vector<GraphPlan> plans;
  if (piece > 1) plans.push_back({"prefill", {options.batch, piece, past}});
  plans.push_back({"decode", {options.batch, 1, past}});
  return plans;
}

std::optional<WeightFormat> weight_format(const SessionOptions& options) {
  if (options.precision == Precision::int8) return WeightFormat::int8_channel;
  if (options.precision != Precision::int4) return std::nullopt;
  const auto named = options.extra.find("qnn_int4");
  const char* wanted =
      named != options.extra.end() ? named->second.c_str() : std::getenv("NPU_BENCH_QNN_INT4");
  return wanted && std::strcmp(wanted, "channel") == 0 ? WeightFormat::int4_channel
                                                       : WeightFormat::int4_block;
}

Result<std::optional<FixedPoint>> fixed_point(const Graph& graph, const SessionOptions& options) {
  const auto format = weight_format(options);
  if (!format) return std::optional<FixedPoint>();
  const auto folder = options.extra.find("qnn_ranges_dir");
  FixedPoint fixed{.format = *format, .ranges = {}};
  NPB_TRY_ASSIGN(
      fixed.ranges,
      calibrated(graph, folder == options.extra.end() ? "" : folder->second, hash_of(graph)));
  return std::optional<FixedPoint>(std::move(fixed));
}

Result<uint64_t> prepare(const Graph& graph, const SessionOptions& options,
                         const std::string& folder) {
  NPB_TRY_ASSIGN(std::unique_ptr<Device> device, Device::open(options.extra));
  const auto named = options.extra.find("qnn_soc");
  if (!device->library().simulated() && named != options.extra.end()) {
    const auto asked = soc_from_text(named->second), here = device->platform().soc_model;
    if (!asked)
      return Error{ErrorCode::invalid_argument, "No chip is called \"" + named->second +
                                                    "\"; use Qualcomm's number for it, or one of " +
                                                    known_socs() + "."};
    if (asked != here)
      return Error{ErrorCode::unsupported,
                   "This runtime drives a device and prepares for its own chip only (" +
                       (here ? soc_name(*here) : "which it doesn't name") + "), not for " +
                       soc_name(*asked) +
                       "; prepare on an x86-64 machine with Qualcomm's SDK, or on that device."};
  }
  std::error_code ignored;  // told below: then no entry is there
  const auto bytes_in = [&] {
    uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(utf8_path(folder), ignored))
      if (entry.path().extension() == ".bin") bytes += entry.file_size(ignored);
    return bytes;
  };
  NPB_TRY_ASSIGN(const std::optional<FixedPoint> fixed, fixed_point(graph, options));
  NPB_TRY(
      make_program(*device, graph, graph_plans(graph, options), fixed ? &*fixed : nullptr, folder));
  const uint64_t bytes = bytes_in();
  if (bytes == 0)
    return Error{ErrorCode::io,
                 "No context binary came out of the preparation, or it could not be "
                 "written to " +
                     folder + "; look for free space, and at NPU_BENCH_QNN_LOG=3."};
  return bytes;
}

}  // namespace npb::qnn

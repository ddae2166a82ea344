#include "backends/opencl/hints.h"

namespace npb::opencl {
namespace {

// cl_qcom_perf_hint 1.0.4 and cl_qcom_priority_hint 1.0.5: a context property and its values.
constexpr cl_context_properties kPerformance = 0x40C2, kPriority = 0x40C9;

cl_context_properties value(cl_context_properties property, Hint hint) {
  switch (hint) {
    case Hint::high:
      return property + 1;
    case Hint::normal:
      return property + 2;
    case Hint::low:
      return property + 3;
    case Hint::none:
      break;
  }
  return 0;
}

struct Profile {
  const char* name;
  Hints hints;
};
constexpr Profile kProfiles[] = {
    {"burst", {Hint::high, Hint::high}},
    {"sustained_high_performance", {Hint::high, Hint::normal}},
    {"high_performance", {Hint::high, Hint::normal}},
    {"balanced", {Hint::normal, Hint::normal}},
    {"low_balanced", {Hint::normal, Hint::normal}},
    {"high_power_saver", {Hint::low, Hint::normal}},
    {"power_saver", {Hint::low, Hint::normal}},
    {"low_power_saver", {Hint::low, Hint::low}},
    {"extreme_power_saver", {Hint::low, Hint::low}},
    {"default", {Hint::none, Hint::none}},
};

}  // namespace

const char* name(Hint hint) {
  switch (hint) {
    case Hint::low:
      return "low";
    case Hint::normal:
      return "normal";
    case Hint::high:
      return "high";
    case Hint::none:
      break;
  }
  return "none";
}

Result<Hints> hints_for(const std::string& profile) {
  std::string known;
  for (const Profile& one : kProfiles) {
    if (profile.empty() || profile == one.name) return one.hints;
    known += (known.empty() ? "" : ", ") + std::string(one.name);
  }
  return Error{ErrorCode::invalid_argument,
               "There is no performance profile \"" + profile + "\"; choose one of " + known + "."};
}

std::vector<cl_context_properties> context_properties(const Hints& hints,
                                                      const HintSupport& support) {
  std::vector<cl_context_properties> properties;
  if (support.performance && hints.performance != Hint::none)
    properties.insert(properties.end(), {kPerformance, value(kPerformance, hints.performance)});
  if (support.priority && hints.priority != Hint::none)
    properties.insert(properties.end(), {kPriority, value(kPriority, hints.priority)});
  return properties;
}

}  // namespace npb::opencl

// What Qualcomm's driver can be told about clocks and scheduling when a context is made.
#pragma once

#include <string>
#include <vector>

#include "backends/opencl/loader.h"

namespace npb::opencl {

/// Which of the two extensions a device offers.
struct HintSupport {
  bool performance = false;  // cl_qcom_perf_hint
  bool priority = false;     // cl_qcom_priority_hint
};

enum class Hint { none, low, normal, high };
const char* name(Hint hint);

/// What one of the names of `--perf-profile` asks of a GPU. Without a hint Adreno's clock follows
/// the load, and a short step is measured at a low one; so a benchmark asks for "burst" by default,
/// as it does of an NPU, and says so in the device's properties.
struct Hints {
  Hint performance = Hint::high;
  Hint priority = Hint::high;
};
/// `profile` empty: "burst". "default" leaves both to the driver. Errors: invalid_argument.
Result<Hints> hints_for(const std::string& profile);

/// Context properties for those hints that the device offers.
std::vector<cl_context_properties> context_properties(const Hints& hints,
                                                      const HintSupport& support);

}  // namespace npb::opencl

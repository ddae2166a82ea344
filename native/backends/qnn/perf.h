// Votes for the NPU's clocks. Without one a device runs at low clocks; with one it stays fast, and
// warm, until the vote is withdrawn: the object's end does that, and the driver does it when the
// process dies.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/qnn/device.h"

namespace npb::qnn {

struct PerfProfile {
  const char* name;  // "burst"
  uint32_t sleep_latency_us;
  bool dcvs;     // let the system change the clocks
  bool polling;  // the host polls for the DSP's answer
  uint32_t corner;
};

/// Null if there is no profile of that name.
const PerfProfile* find_perf_profile(const std::string& name);
std::vector<std::string> perf_profile_names();

class PerfVote {
 public:
  /// Votes before warm-up. Errors: invalid_argument (unknown profile), internal (a refused vote).
  /// Where the runtime has no performance infrastructure, there is no vote (null).
  static Result<std::unique_ptr<PerfVote>> cast(const Device& device, const std::string& profile);
  ~PerfVote();
  PerfVote(const PerfVote&) = delete;
  PerfVote& operator=(const PerfVote&) = delete;

 private:
  PerfVote(const PerfInfrastructure& infrastructure, uint32_t id)
      : infrastructure_(infrastructure), id_(id) {}
  const PerfInfrastructure& infrastructure_;
  uint32_t id_;
};

}  // namespace npb::qnn

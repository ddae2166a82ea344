#include "backends/qnn/perf.h"

#include "backends/qnn/errors.h"

namespace npb::qnn {
namespace {

constexpr uint32_t kUpAndDown = 0x01, kPerformance = 0x10;
constexpr uint32_t kPollingUs = 9999, kControlLatencyUs = 100;

constexpr PerfProfile kProfiles[] = {
    {"burst", 40, false, true, 0xa0},
    {"sustained_high_performance", 100, false, true, 0x80},
    {"high_performance", 100, false, true, 0x80},
    {"balanced", 1000, true, false, 0x70},
    {"low_balanced", 1000, true, false, 0x60},
    {"high_power_saver", 1000, true, false, 0x50},
    {"power_saver", 1000, true, false, 0x40},
    {"low_power_saver", 1000, true, false, 0x30},
    {"extreme_power_saver", 1000, true, false, 0x10},
};

}  // namespace

const PerfProfile* find_perf_profile(const std::string& name) {
  for (const PerfProfile& profile : kProfiles) {
    if (profile.name == name) return &profile;
  }
  return nullptr;
}

std::vector<std::string> perf_profile_names() {
  std::vector<std::string> names;
  for (const PerfProfile& profile : kProfiles) names.push_back(profile.name);
  return names;
}

Result<std::unique_ptr<PerfVote>> PerfVote::cast(const Device& device, const std::string& name) {
  const PerfProfile* profile = find_perf_profile(name);
  if (!profile) {
    std::string known;
    for (const std::string& one : perf_profile_names()) known += (known.empty() ? "" : ", ") + one;
    return Error{ErrorCode::invalid_argument,
                 "There is no performance profile \"" + name + "\"; choose one of " + known + "."};
  }
  const Functions& f = device.functions();
  void* raw = nullptr;
  if (!f.device_get_infrastructure || f.device_get_infrastructure(&raw) != 0 || !raw)
    return std::unique_ptr<PerfVote>();
  const auto& infrastructure = *static_cast<const PerfInfrastructure*>(raw);
  if (infrastructure.type != 0 || !infrastructure.create_power_config_id ||
      !infrastructure.destroy_power_config_id || !infrastructure.set_power_config)
    return std::unique_ptr<PerfVote>();
  uint32_t id = 0;
  if (const Status status = infrastructure.create_power_config_id(0, 0, &id); code_of(status) != 0)
    return call_failed(f, status, "Registering a vote for the NPU's clocks");
  // From here on the vote goes with the object, also when one of the settings is refused.
  std::unique_ptr<PerfVote> vote(new PerfVote(infrastructure, id));
  PowerConfig dcvs = {1,
                      {id, 1, profile->dcvs ? 1u : 0u, profile->dcvs ? kUpAndDown : kPerformance, 1,
                       profile->sleep_latency_us, 0, 0, 1, profile->corner, profile->corner,
                       profile->corner, 1, profile->corner, profile->corner, profile->corner}};
  PowerConfig latency = {2, {kControlLatencyUs}};
  PowerConfig polling = {3, {profile->polling ? kPollingUs : 0u}};
  for (const PowerConfig* setting : {&dcvs, &latency, &polling}) {
    const PowerConfig* list[] = {setting, nullptr};
    const Status status = infrastructure.set_power_config(id, list);
    if (code_of(status) != 0 && setting == &dcvs)
      return call_failed(f, status, "Voting for the NPU's clocks (" + name + ")");
    // Old systems have no RPC latency or polling control; the clocks are what the vote is about.
  }
  return vote;
}

PerfVote::~PerfVote() { infrastructure_.destroy_power_config_id(id_); }

}  // namespace npb::qnn

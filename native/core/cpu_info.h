// The host's processor: which cores to use by default, what instructions it has, how large its
// caches are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace npb {

struct CpuInfo {
  std::string name;                   // "Intel(R) Xeon(R) Processor"; empty if unknown
  std::vector<std::string> features;  // names as Linux writes them: "avx512_vnni", "asimddp"
  uint32_t logical_cpus = 1;          // that this process may use
  /// The CPUs of the fastest cores, one per physical core, ascending; never empty. Cores count as
  /// fast when their capacity (or highest frequency) is at least 70 % of the best core's: on a
  /// phone the prime and the big cores, not the little ones.
  std::vector<uint32_t> performance_cpus;
  /// All performance CPUs are of one kind: work can be split evenly beforehand.
  bool uniform = true;
  std::optional<uint64_t> l2_bytes;  // of one core
  std::optional<uint64_t> l3_bytes;  // shared

  bool has(std::string_view feature) const;
};

/// Read once, then kept. `sysfs_root` is for tests.
const CpuInfo& cpu_info();
CpuInfo read_cpu_info(const std::string& sysfs_root);

/// Binds the calling thread to one CPU. False if the system refused or can't.
bool pin_current_thread(uint32_t cpu);

}  // namespace npb

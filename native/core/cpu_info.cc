#include "core/cpu_info.h"

#include <algorithm>
#include <fstream>
#include <thread>
#include <utility>

#if defined(__linux__)
#include <sched.h>
#include <sys/auxv.h>
#elif defined(_WIN32)
#include <windows.h>
#endif
#if defined(__x86_64__) && !defined(_MSC_VER)
#include <cpuid.h>
#endif

namespace npb {
namespace {

std::optional<uint64_t> read_number(const std::string& path) {
  std::ifstream file(path);
  uint64_t value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

/// "2048K" -> bytes.
std::optional<uint64_t> read_size(const std::string& path) {
  std::ifstream file(path);
  uint64_t value = 0;
  char unit = 0;
  if (!(file >> value)) return std::nullopt;
  if (file >> unit) value *= unit == 'K' ? 1024 : unit == 'M' ? 1024 * 1024 : 1;
  return value;
}

std::vector<uint32_t> allowed_cpus() {
  std::vector<uint32_t> cpus;
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    for (uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
  }
#endif
  if (cpus.empty()) {
    const unsigned count = std::max(1u, std::thread::hardware_concurrency());
    for (uint32_t cpu = 0; cpu < count; ++cpu) cpus.push_back(cpu);
  }
  return cpus;
}

#if defined(__x86_64__) && !defined(_MSC_VER)
std::string brand_string() {
  unsigned words[12] = {};
  for (unsigned leaf = 0; leaf < 3; ++leaf) {
    unsigned* w = words + 4 * leaf;
    if (!__get_cpuid(0x80000002u + leaf, w, w + 1, w + 2, w + 3)) return {};
  }
  const char* text = reinterpret_cast<const char*>(words);
  std::string brand(text, std::find(text, text + sizeof words, '\0'));
  const size_t first = brand.find_first_not_of(' ');
  return first == std::string::npos ? std::string() : brand.substr(first);
}

/// The operating system saves these register states (XCR0's bits 1, 2 for AVX; 5, 6, 7 for
/// AVX-512).
uint64_t enabled_states() {
  unsigned low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

std::vector<std::string> instruction_features() {
  std::vector<std::string> features;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return features;
  const auto add = [&](bool present, const char* feature) {
    if (present) features.emplace_back(feature);
  };
  add(c >> 20 & 1, "sse4_2");
  const uint64_t states = (c >> 27 & 1) ? enabled_states() : 0;
  const bool avx = (states & 0x6) == 0x6;
  const bool avx512 = avx && (states & 0xe0) == 0xe0;
  add(avx && (c >> 28 & 1), "avx");
  add(avx && (c >> 29 & 1), "f16c");
  add(avx && (c >> 12 & 1), "fma");
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return features;
  const unsigned subleaves = a;
  add(avx && (b >> 5 & 1), "avx2");
  add(avx512 && (b >> 16 & 1), "avx512f");
  add(avx512 && (b >> 17 & 1), "avx512dq");
  add(avx512 && (b >> 30 & 1), "avx512bw");
  add(avx512 && (b >> 31 & 1), "avx512vl");
  add(avx512 && (c >> 1 & 1), "avx512_vbmi");
  add(avx512 && (c >> 11 & 1), "avx512_vnni");
  add(avx && (c >> 8 & 1), "gfni");
  add(avx512 && (d >> 23 & 1), "avx512_fp16");
  add(d >> 24 & 1, "amx_tile");
  add(d >> 25 & 1, "amx_int8");
  if (subleaves >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) {
    add(avx && (a >> 4 & 1), "avx_vnni");
    add(avx512 && (a >> 5 & 1), "avx512_bf16");
  }
  return features;
}
#elif defined(__aarch64__) && defined(__linux__)
std::string brand_string() { return {}; }
std::vector<std::string> instruction_features() {
  std::vector<std::string> features;
  const unsigned long low = getauxval(AT_HWCAP), high = getauxval(AT_HWCAP2);
  // Bit numbers of the Linux ABI (arch/arm64/include/uapi/asm/hwcap.h).
  const std::pair<unsigned, const char*> first[] = {
      {1, "asimd"}, {9, "fphp"}, {10, "asimdhp"}, {20, "asimddp"}, {22, "sve"}};
  const std::pair<unsigned, const char*> second[] = {
      {1, "sve2"}, {13, "i8mm"}, {14, "bf16"}, {23, "sme"}, {37, "sme2"}};
  for (const auto& [bit, feature] : first) {
    if (low >> bit & 1) features.emplace_back(feature);
  }
  for (const auto& [bit, feature] : second) {
    if (high >> bit & 1) features.emplace_back(feature);
  }
  return features;
}
#elif defined(__aarch64__) && defined(_WIN32)
constexpr const char* kProcessorKey = "HARDWARE\\DESCRIPTION\\System\\CentralProcessor\\0";

std::string brand_string() {
  char name[128] = {};
  DWORD size = sizeof name - 1;
  const LSTATUS status = RegGetValueA(HKEY_LOCAL_MACHINE, kProcessorKey, "ProcessorNameString",
                                      RRF_RT_REG_SZ, nullptr, name, &size);
  return status == ERROR_SUCCESS ? name : std::string();
}

/// A processor's identification register as Windows keeps it: "CP 4031" is ID_AA64ISAR1_EL1.
uint64_t identification(const char* name) {
  uint64_t value = 0;
  DWORD size = sizeof value;
  const LSTATUS status = RegGetValueA(HKEY_LOCAL_MACHINE, kProcessorKey, name, RRF_RT_REG_QWORD,
                                      nullptr, &value, &size);
  return status == ERROR_SUCCESS ? value : 0;
}

std::vector<std::string> instruction_features() {
  std::vector<std::string> features = {"asimd"};
  constexpr DWORD kDotProduct = 43;  // PF_ARM_V82_DP_INSTRUCTIONS_AVAILABLE
  if (IsProcessorFeaturePresent(kDotProduct)) features.emplace_back("asimddp");
  // Windows before 24H2 does not answer for the next two; the register's fields do: I8MM [55:52],
  // BF16 [47:44].
  const uint64_t isar1 = identification("CP 4031");
  constexpr DWORD kInt8Matrix = 66;  // PF_ARM_V82_I8MM_INSTRUCTIONS_AVAILABLE
  constexpr DWORD kBfloat16 = 68;    // PF_ARM_V86_BF16_INSTRUCTIONS_AVAILABLE
  if (IsProcessorFeaturePresent(kInt8Matrix) || (isar1 >> 52 & 15) != 0) {
    features.emplace_back("i8mm");
  }
  if (IsProcessorFeaturePresent(kBfloat16) || (isar1 >> 44 & 15) != 0) {
    features.emplace_back("bf16");
  }
  return features;
}
#else
std::string brand_string() { return {}; }
std::vector<std::string> instruction_features() { return {}; }
#endif

struct Core {
  uint32_t cpu;
  uint64_t speed;  // capacity, or highest frequency; 0 when the system doesn't tell
};

/// The first CPU of each physical core.
std::vector<Core> physical_cores(const std::string& root, const std::vector<uint32_t>& cpus) {
  std::vector<Core> cores;
  std::vector<std::pair<uint64_t, uint64_t>> seen;  // package, core
  for (uint32_t cpu : cpus) {
    const std::string folder = root + "/devices/system/cpu/cpu" + std::to_string(cpu);
    const auto package = read_number(folder + "/topology/physical_package_id");
    const auto core = read_number(folder + "/topology/core_id");
    if (package && core) {
      const std::pair<uint64_t, uint64_t> id{*package, *core};
      // Arm boards often number cores per cluster: siblings are then told apart by their list.
      const auto siblings = read_number(folder + "/topology/thread_siblings_list");
      const bool first_of_core = !siblings || *siblings == cpu ||
                                 std::find(cpus.begin(), cpus.end(), *siblings) == cpus.end();
      if (!first_of_core && std::find(seen.begin(), seen.end(), id) != seen.end()) continue;
      seen.push_back(id);
    }
    uint64_t speed = read_number(folder + "/cpu_capacity").value_or(0);
    if (speed == 0) speed = read_number(folder + "/cpufreq/cpuinfo_max_freq").value_or(0);
    cores.push_back({cpu, speed});
  }
  return cores;
}

void read_caches(const std::string& root, uint32_t cpu, CpuInfo& info) {
  for (int index = 0; index < 8; ++index) {
    const std::string folder = root + "/devices/system/cpu/cpu" + std::to_string(cpu) +
                               "/cache/index" + std::to_string(index);
    const auto level = read_number(folder + "/level");
    if (!level) break;
    if (*level == 2) info.l2_bytes = read_size(folder + "/size");
    if (*level == 3) info.l3_bytes = read_size(folder + "/size");
  }
}

}  // namespace

bool CpuInfo::has(std::string_view feature) const {
  return std::find(features.begin(), features.end(), feature) != features.end();
}

CpuInfo read_cpu_info(const std::string& sysfs_root) {
  CpuInfo info;
  info.name = brand_string();
  info.features = instruction_features();
  const std::vector<uint32_t> cpus = allowed_cpus();
  info.logical_cpus = static_cast<uint32_t>(cpus.size());
  const std::vector<Core> cores = physical_cores(sysfs_root, cpus);
  uint64_t fastest = 0;
  for (const Core& core : cores) fastest = std::max(fastest, core.speed);
  uint64_t slowest_used = fastest;
  for (const Core& core : cores) {
    if (core.speed * 10 < fastest * 7) continue;
    info.performance_cpus.push_back(core.cpu);
    slowest_used = std::min(slowest_used, core.speed);
  }
  if (info.performance_cpus.empty()) info.performance_cpus = cpus;
  info.uniform = slowest_used * 100 >= fastest * 95;
  read_caches(sysfs_root, info.performance_cpus.front(), info);
  return info;
}

const CpuInfo& cpu_info() {
  static const CpuInfo info = read_cpu_info("/sys");
  return info;
}

bool pin_current_thread(uint32_t cpu) {
#if defined(__linux__)
  if (cpu >= CPU_SETSIZE) return false;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return sched_setaffinity(0, sizeof set, &set) == 0;
#elif defined(_WIN32)
  if (cpu >= 64) return false;
  return SetThreadAffinityMask(GetCurrentThread(), DWORD_PTR{1} << cpu) != 0;
#else
  (void)cpu;
  return false;
#endif
}

}  // namespace npb

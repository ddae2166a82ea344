#include "bench/process_usage.h"

#ifdef _WIN32
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>
// After windows.h:
#include <psapi.h>
#else
#include <sys/resource.h>
#endif

namespace npb {

#ifdef _WIN32
namespace {
uint64_t hundred_ns(const FILETIME& t) {
  return (static_cast<uint64_t>(t.dwHighDateTime) << 32) | t.dwLowDateTime;
}
}  // namespace

ProcessUsage process_usage() {
  ProcessUsage usage;
  FILETIME created, exited, kernel, user;
  if (GetProcessTimes(GetCurrentProcess(), &created, &exited, &kernel, &user))
    usage.cpu_ns = (hundred_ns(kernel) + hundred_ns(user)) * 100;
  PROCESS_MEMORY_COUNTERS memory;
  // Windows counts hard and soft faults together: they are reported as minor ones.
  if (GetProcessMemoryInfo(GetCurrentProcess(), &memory, sizeof memory))
    usage.minor_faults = memory.PageFaultCount;
  return usage;
}
#else
namespace {
uint64_t to_ns(const timeval& t) {
  return static_cast<uint64_t>(t.tv_sec) * 1000000000ull +
         static_cast<uint64_t>(t.tv_usec) * 1000ull;
}
}  // namespace

ProcessUsage process_usage() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {.cpu_ns = to_ns(usage.ru_utime) + to_ns(usage.ru_stime),
          .voluntary_switches = static_cast<uint64_t>(usage.ru_nvcsw),
          .involuntary_switches = static_cast<uint64_t>(usage.ru_nivcsw),
          .minor_faults = static_cast<uint64_t>(usage.ru_minflt),
          .major_faults = static_cast<uint64_t>(usage.ru_majflt)};
}
#endif

}  // namespace npb

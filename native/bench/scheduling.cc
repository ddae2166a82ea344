#include "bench/scheduling.h"

#include <string>
#include <system_error>

#ifdef _WIN32
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>
#else
#include <cerrno>
#ifdef __linux__
#include <sched.h>
#endif
#include <sys/resource.h>
#endif

namespace npb {
namespace {

Error no_such_cpus(const std::string& why) {
  return {ErrorCode::invalid_argument, "The processors of --pin can't be used (" + why +
                                           "); name some that are online and allowed here."};
}

}  // namespace

#ifdef _WIN32

Result<void> apply_scheduling(const Scheduling& wanted) {
  if (!wanted.cpus.empty()) {
    DWORD_PTR mask = 0;
    for (uint32_t cpu : wanted.cpus) {
      if (cpu >= 8 * sizeof mask) return no_such_cpus("number " + std::to_string(cpu));
      mask |= DWORD_PTR{1} << cpu;
    }
    if (!SetProcessAffinityMask(GetCurrentProcess(), mask))
      return no_such_cpus("error " + std::to_string(GetLastError()));
  }
  if (wanted.niceness) {
    const int n = *wanted.niceness;
    const DWORD priority = n <= -15  ? HIGH_PRIORITY_CLASS
                           : n <= -5 ? ABOVE_NORMAL_PRIORITY_CLASS
                           : n < 5   ? NORMAL_PRIORITY_CLASS
                           : n < 15  ? BELOW_NORMAL_PRIORITY_CLASS
                                     : IDLE_PRIORITY_CLASS;
    if (!SetPriorityClass(GetCurrentProcess(), priority))
      return Error{ErrorCode::invalid_argument,
                   "Windows refused the --priority; leave it out, or run as administrator."};
  }
  return {};
}

std::vector<uint32_t> allowed_cpus() {
  DWORD_PTR own = 0, system = 0;
  std::vector<uint32_t> cpus;
  if (!GetProcessAffinityMask(GetCurrentProcess(), &own, &system)) return cpus;
  for (uint32_t cpu = 0; cpu < 8 * sizeof own; ++cpu)
    if ((own >> cpu) & 1) cpus.push_back(cpu);
  return cpus;
}

#else

Result<void> apply_scheduling(const Scheduling& wanted) {
  if (!wanted.cpus.empty()) {
#ifdef __linux__
    cpu_set_t set;
    CPU_ZERO(&set);
    for (uint32_t cpu : wanted.cpus) {
      if (cpu >= CPU_SETSIZE) return no_such_cpus("number " + std::to_string(cpu));
      CPU_SET(cpu, &set);
    }
    if (sched_setaffinity(0, sizeof set, &set) != 0)
      return no_such_cpus(std::generic_category().message(errno));
    // The kernel leaves out silently what isn't online or allowed, as long as one processor stays.
    if (allowed_cpus() != wanted.cpus) return no_such_cpus("some are offline or not allowed");
#else
    return no_such_cpus("this system pins no threads");
#endif
  }
  if (wanted.niceness && setpriority(PRIO_PROCESS, 0, *wanted.niceness) != 0)
    return Error{ErrorCode::invalid_argument,
                 "The --priority was refused (" + std::generic_category().message(errno) +
                     "); values below 0 need root, or a limit (ulimit -e) that permits them."};
  return {};
}

std::vector<uint32_t> allowed_cpus() {
  std::vector<uint32_t> cpus;
#ifdef __linux__
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
#endif
  return cpus;
}

#endif

}  // namespace npb

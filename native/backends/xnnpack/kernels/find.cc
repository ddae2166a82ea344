#include <string_view>

#include "backends/xnnpack/kernels/kernels.h"
#include "core/cpu_info.h"

namespace npb::cpu {

extern const Kernels kKernelsBase;
#if defined(__x86_64__)
extern const Kernels kKernelsAvx2;
extern const Kernels kKernelsAvx512;
extern const Kernels kKernelsAvx512Vnni;
#elif defined(__aarch64__)
extern const Kernels kKernelsNeonDot;
extern const Kernels kKernelsNeonI8mm;
#endif

namespace {

bool runs_here(const Kernels& set) {
  [[maybe_unused]] const CpuInfo& cpu = cpu_info();
#if defined(__x86_64__)
  const bool avx2 = cpu.has("avx2") && cpu.has("fma") && cpu.has("f16c");
  const bool avx512 = avx2 && cpu.has("avx512f") && cpu.has("avx512bw") && cpu.has("avx512dq") &&
                      cpu.has("avx512vl");
  if (&set == &kKernelsAvx2) return avx2;
  if (&set == &kKernelsAvx512) return avx512;
  if (&set == &kKernelsAvx512Vnni) return avx512 && cpu.has("avx512_vnni");
#elif defined(__aarch64__)
  if (&set == &kKernelsNeonDot) return cpu.has("asimddp");
  if (&set == &kKernelsNeonI8mm) return cpu.has("asimddp") && cpu.has("i8mm");
#endif
  return &set == &kKernelsBase;
}

// Best first.
const Kernels* const kSets[] = {
#if defined(__x86_64__)
    &kKernelsAvx512Vnni,
    &kKernelsAvx512,
    &kKernelsAvx2,
#elif defined(__aarch64__)
    &kKernelsNeonI8mm,
    &kKernelsNeonDot,
#endif
    &kKernelsBase,
};

}  // namespace

const Kernels* find_kernels(const char* name) {
  static const Kernels* const best = [] {
    for (const Kernels* set : kSets) {
      if (runs_here(*set)) return set;
    }
    return &kKernelsBase;
  }();
  if (name == nullptr) return best;
  for (const Kernels* set : kSets) {
    if (std::string_view(set->name) == name && runs_here(*set)) return set;
  }
  return nullptr;
}

}  // namespace npb::cpu

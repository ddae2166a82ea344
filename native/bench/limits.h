// What this machine's processor and memory can do at most, measured by our own kernels: the
// roofline that a run is placed against.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace npb {

/// Best of several rounds, all threads together.
struct Limits {
  uint32_t threads = 0;
  double read_bandwidth_bytes_per_second = 0;  // of a buffer larger than the caches
  double f32_flops_per_second = 0;             // fused multiply-adds, two operations each
  std::optional<double> int8_ops_per_second;   // dot products with 32-bit sums, two operations
                                               // per product; nullopt: no such instruction
  std::string f32_kernel, int8_kernel;         // "avx512f", "neon i8mm" …; int8 may be empty
};

/// Keeps `threads` threads busy for about `milliseconds`. Nothing else should be running.
Limits measure_limits(uint32_t threads, uint32_t milliseconds);

}  // namespace npb

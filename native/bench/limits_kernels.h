// Kernels that are limited by one thing each. Chosen at run time by what the processor has.
#pragma once

#include <cstddef>
#include <cstdint>

namespace npb {

/// Runs a fixed amount of arithmetic in registers and returns how many operations that was.
/// `sink` takes a value that depends on all of it, so that none can be left out.
struct ArithmeticKernel {
  const char* name = nullptr;  // nullptr: the processor has none
  uint64_t (*run)(volatile float* sink) = nullptr;
};

/// Reads `bytes` (a multiple of 1024, aligned to 64) once and returns a value that depends on all.
using ReadKernel = uint64_t (*)(const void* data, size_t bytes);

ArithmeticKernel f32_kernel();
ArithmeticKernel int8_kernel();
ReadKernel read_kernel();

}  // namespace npb

#include "bench/limits.h"

#include <doctest/doctest.h>

#include "bench/limits_kernels.h"

using namespace npb;

TEST_CASE("limits are those of a machine that exists") {
  const Limits limits = measure_limits(1, 60);
  CHECK(limits.threads == 1);
  // Slower than a microcontroller or faster than any socket would be a mistake in counting.
  CHECK(limits.read_bandwidth_bytes_per_second > 1e8);
  CHECK(limits.read_bandwidth_bytes_per_second < 2e12);
  CHECK(limits.f32_flops_per_second > 1e8);
  CHECK(limits.f32_flops_per_second < 1e13);
  CHECK(limits.int8_ops_per_second.has_value() == !limits.int8_kernel.empty());
  if (limits.int8_ops_per_second) CHECK(*limits.int8_ops_per_second > limits.f32_flops_per_second);
}

TEST_CASE("the read kernel reads every byte") {
  alignas(64) static char data[4096] = {};
  const ReadKernel kernel = read_kernel();
  CHECK(kernel(data, sizeof data) == 0);
  for (size_t at = 0; at < sizeof data; at += 61) {
    data[at] = 1;
    CHECK(kernel(data, sizeof data) != 0);
    data[at] = 0;
  }
}

TEST_CASE("an arithmetic kernel counts two operations per lane of each instruction") {
  volatile float sink = 0;
  const uint64_t f32 = f32_kernel().run(&sink);
  CHECK(f32 % (2 * 4) == 0);
  const ArithmeticKernel int8 = int8_kernel();
  if (int8.name != nullptr) CHECK(int8.run(&sink) % (2 * 16) == 0);
}

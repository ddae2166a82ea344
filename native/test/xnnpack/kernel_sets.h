// What the kernels' tests share.
#pragma once

#include <vector>

#include "backends/xnnpack/arena.h"
#include "backends/xnnpack/kernels/kernels.h"

namespace npb::cpu {

/// Every set that this machine can run.
inline std::vector<const Kernels*> sets() {
  std::vector<const Kernels*> found;
  for (const char* name : {"base", "avx2", "avx512", "avx512vnni", "neondot", "neoni8mm"}) {
    if (const Kernels* set = find_kernels(name)) found.push_back(set);
  }
  return found;
}

/// A row quantised by the kernels, with the memory it needs.
struct QuantizedRows {
  size_t stride, blocks;
  std::vector<int8_t> q;
  std::vector<float> scale, sum;
  std::vector<int32_t> start8, start128;

  QuantizedRows(const Kernels& kernels, const std::vector<float>& x, size_t m, size_t k)
      : stride(round_up(k, kUnit)),
        blocks(stride / kBlock),
        q(m * stride),
        scale(m * blocks),
        sum(m * blocks),
        start8(m * blocks),
        start128(m * blocks) {
    for (size_t r = 0; r < m; ++r) {
      const size_t b = r * blocks;
      kernels.quantize_blocks(x.data() + r * k, k, stride,
                              {q.data() + r * stride, scale.data() + b, sum.data() + b,
                               start8.data() + b, start128.data() + b});
    }
  }
  BlockRows view() const {
    return {q.data(), scale.data(), sum.data(), start8.data(), start128.data(), stride, blocks};
  }
};

}  // namespace npb::cpu

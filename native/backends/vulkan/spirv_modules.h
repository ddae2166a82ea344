// The compiled shaders, by name: "kernel[.format][.f16][.sg]".
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace npb::vulkan {

struct SpirvModule {
  const char* name;
  const uint32_t* words;
  size_t bytes;
};

std::span<const SpirvModule> spirv_modules();

}  // namespace npb::vulkan

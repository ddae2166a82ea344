// The kernels' texts, generated from kernels/*.cl by this folder's CMakeLists.txt.
#pragma once

#include <string_view>

namespace npb::opencl::kernel_text {

extern const std::string_view common, formats, embed, linear, norm, l2_norm, rope_append, attention,
    elementwise, pool, argmax;

}  // namespace npb::opencl::kernel_text

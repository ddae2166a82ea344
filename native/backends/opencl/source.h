// OpenCL C for a list of launches: one instance of a kernel's text per variant, all in one program,
// so that the compiler runs once.
#pragma once

#include <span>
#include <string>

#include "backends/gpu/device.h"
#include "backends/opencl/platform.h"

namespace npb::opencl {

/// The argument word in which an image variant finds the quad at which its matrix begins.
constexpr uint32_t kImageBase = 14;

/// Name of the kernel function that serves a launch, unique per (kernel, format, variant).
std::string kernel_name(const gpu::Dispatch& dispatch);
/// The program that defines the kernel of every launch of `list`. `processor`: for a device that is
/// the host's own processor, whose compiler takes some forms much better than others.
std::string program_source(std::span<const gpu::Dispatch> list, bool processor, Shuffle shuffle);
/// A small program that uses the named features: it compiles, or the device can't be asked for
/// them.
std::string feature_source(Shuffle shuffle, bool image, bool f16);

}  // namespace npb::opencl

// OpenCL C for a list of launches: one instance of a kernel's text per variant, all in one program,
// so that the compiler runs once.
#pragma once

#include <span>
#include <string>

#include "backends/gpu/device.h"

namespace npb::opencl {

/// Name of the kernel function that serves a launch, unique per (kernel, format, variant).
std::string kernel_name(const gpu::Dispatch& dispatch);
/// The program that defines the kernel of every launch of `list`.
std::string program_source(std::span<const gpu::Dispatch> list);

}  // namespace npb::opencl

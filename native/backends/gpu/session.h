// A model on a GPU, whatever the API: Session of backends/backend.h over a gpu::Device.
#pragma once

#include <memory>

#include "backends/backend.h"
#include "backends/gpu/device.h"

namespace npb::gpu {

/// Compiles `graph` for `device`, and records the decode step and the longest step.
/// `begin_ns` is when opening the device began, `opened_ns` when it was open.
Result<std::unique_ptr<Session>> open_session(std::unique_ptr<Device> device, Graph graph,
                                              const SessionOptions& options, uint64_t begin_ns,
                                              uint64_t opened_ns);

/// Where compiled kernels are kept: the option "kernel_cache_dir" (empty: nowhere), else the
/// default folder.
std::filesystem::path kernel_cache_folder(const SessionOptions& options);

/// A probe that found nothing: the error's sentence up to the first "; " is the reason, the rest
/// the remedy.
ProbeResult unavailable_probe(const Error& error);

}  // namespace npb::gpu

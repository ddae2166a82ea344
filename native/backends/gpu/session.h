// A model on a GPU, whatever the API: Session of backends/backend.h over a gpu::Device.
#pragma once

#include <memory>

#include "backends/backend.h"
#include "backends/gpu/device.h"

namespace npb::gpu {

/// Compiles `graph` for `device`, proves the kernels it uses (prove.h) and records the decode step.
/// `begin_ns` is when opening the device began, `opened_ns` when it was open.
Result<std::unique_ptr<Session>> open_session(std::unique_ptr<Device> device, Graph graph,
                                              const SessionOptions& options, uint64_t begin_ns,
                                              uint64_t opened_ns);

/// A probe that found nothing: the error's sentence up to the first "; " is the reason, the rest
/// the remedy.
ProbeResult unavailable_probe(const Error& error);

}  // namespace npb::gpu

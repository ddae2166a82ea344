// What Windows' energy meter interface tells, as plain bytes: the part that needs no Windows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "telemetry/sampler.h"

namespace npb {

constexpr size_t kMostEmiChannels = 64;

/// Names of the channels in an answer to IOCTL_EMI_GET_METADATA (emi.h), whose texts are UTF-16.
/// Version 1 (one channel): unit u32, maker and model name of 16 characters each, revision u16,
/// name size in bytes u16, name. Version 2: maker, model, revision u16, channel count u16, then per
/// channel unit u32, name size u16, name. What lies outside of the bytes is left out.
std::vector<std::string> emi_channel_names(std::span<const char> bytes, uint16_t version);

/// Decides which channels make the total, by their labels. A package channel contains its parts,
/// and a sum of both has reported 265 W for 154 W: the total is the packages (and memory) if there
/// are any, the platform if there is one, otherwise everything.
void choose_emi_channels(std::vector<SeriesInfo>& channels);

}  // namespace npb

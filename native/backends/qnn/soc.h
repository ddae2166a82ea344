// Qualcomm's chips by the number that the runtime knows them by.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace npb::qnn {

/// "SM8650 (Snapdragon 8 Gen 3)", or "SoC model 57" for a number without a known name.
std::string soc_name(uint32_t soc_model);

/// The number that "SM8650", "sm8650" or "57" names; nothing for an unknown name.
std::optional<uint32_t> soc_from_text(const std::string& text);

/// Hexagon version of a chip as runtime 2.51 answers; nothing for a number that it refuses or that
/// nobody has asked it about.
std::optional<uint32_t> soc_arch(uint32_t soc_model);

/// "SM8350, SM8450, …": the names that soc_from_text() knows.
std::string known_socs();

}  // namespace npb::qnn

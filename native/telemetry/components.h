// Which part of the machine a name of the kernel belongs to.
#pragma once

#include <string>
#include <string_view>

namespace npb {

/// Component of a thermal zone by its type: "cpu", "gpu", "npu", "memory", "battery", "skin" or
/// "system". Knows the names of Snapdragon platforms (cpuss, gpuss, nspss/nsphvx/nsphmx/cdsp,
/// ddr, …-therm of the board) and of PCs (x86_pkg_temp, TCPU, acpitz).
std::string component_of_zone(std::string_view type);

/// Component of a power rail, hwmon label or IIO channel by its name.
std::string component_of_rail(std::string_view name);

/// True for the rail that feeds the whole board or module ("VDD_IN", "vph_pwr", "DC_IN"): the
/// other rails of its chip lie behind it and must not be added to it.
bool is_input_rail(std::string_view name);

/// What a cooling device slows down: "cpu", "gpu", "npu", "memory"; empty for fans, chargers,
/// back-lights, radios and whatever else doesn't slow the workload.
std::string component_of_cooling(std::string_view type);

/// Component of a devfreq device ("3d00000.gpu", "soc:qcom,cdsp-…", "…llcc…"), or empty.
std::string component_of_devfreq(std::string_view name);

}  // namespace npb

#include "backends/qnn/soc.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace npb::qnn {
namespace {

struct Soc {
  uint32_t model, arch;
  const char* name;    // null: only the number is known
  const char* market;  // null: none that is certain
};
constexpr Soc kSocs[] = {
    {30, 68, "SM8350", "Snapdragon 888"},
    {35, 68, "SM7325", "Snapdragon 778G"},
    {36, 69, "SM8450", "Snapdragon 8 Gen 1"},
    {37, 68, "SC8280XP", "Snapdragon 8cx Gen 3"},
    {41, 69, "SM7450", "Snapdragon 7 Gen 1"},
    {42, 69, "SM8475", "Snapdragon 8+ Gen 1"},
    {43, 73, "SM8550", "Snapdragon 8 Gen 2"},
    {57, 75, "SM8650", "Snapdragon 8 Gen 3"},
    {60, 73, "SC8380XP", "Snapdragon X Elite"},
    {68, 73, "SM8635", "Snapdragon 8s Gen 3"},
    {69, 79, "SM8750", "Snapdragon 8 Elite"},
    {87, 81, "SM8850", "Snapdragon 8 Elite Gen 5"},
    {93, 68, "QCM6490", nullptr},
    {46, 73, nullptr, nullptr},
    {52, 73, nullptr, nullptr},
    {64, 73, nullptr, nullptr},
    {66, 73, nullptr, nullptr},
    {70, 73, nullptr, nullptr},
    {73, 73, nullptr, nullptr},
    {77, 73, nullptr, nullptr},
    {85, 73, nullptr, nullptr},
    {86, 73, nullptr, nullptr},
    {88, 81, nullptr, nullptr},
    {89, 73, nullptr, nullptr},
    {90, 75, nullptr, nullptr},
    {91, 73, nullptr, nullptr},
    {92, 81, nullptr, nullptr},
    {95, 81, nullptr, nullptr},
    {96, 81, nullptr, nullptr},
    {97, 81, nullptr, nullptr},
    {100, 73, nullptr, nullptr},
    {101, 73, nullptr, nullptr},
    {102, 73, nullptr, nullptr},
};

const Soc* find(uint32_t model) {
  for (const Soc& soc : kSocs) {
    if (soc.model == model) return &soc;
  }
  return nullptr;
}

}  // namespace

std::string soc_name(uint32_t soc_model) {
  const Soc* soc = find(soc_model);
  if (!soc || !soc->name) return "SoC model " + std::to_string(soc_model);
  return soc->market ? std::string(soc->name) + " (" + soc->market + ")" : soc->name;
}

std::optional<uint32_t> soc_from_text(const std::string& text) {
  if (!text.empty() &&
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; })) {
    const unsigned long number = std::strtoul(text.c_str(), nullptr, 10);
    if (number > 0 && number < 100000) return static_cast<uint32_t>(number);
    return std::nullopt;
  }
  std::string upper = text;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  for (const Soc& soc : kSocs) {
    if (soc.name && upper == soc.name) return soc.model;
  }
  return std::nullopt;
}

std::optional<uint32_t> soc_arch(uint32_t soc_model) {
  const Soc* soc = find(soc_model);
  return soc ? std::optional(soc->arch) : std::nullopt;
}

std::string known_socs() {
  std::string names;
  for (const Soc& soc : kSocs) {
    if (soc.name) names += (names.empty() ? "" : ", ") + std::string(soc.name);
  }
  return names;
}

}  // namespace npb::qnn

// Clocks of GPU, memory and NPU under /sys/class/devfreq, in Hz.
#include "telemetry/components.h"
#include "telemetry/sources.h"

namespace npb {

Found find_devfreq(const std::string& sys) {
  Found found;
  const std::string folder = sys + "/class/devfreq";
  for (const std::string& name : list_names(folder)) {
    const std::string component = component_of_devfreq(name);
    if (component.empty()) continue;
    const auto add = [&](const char* file_name, const char* quantity, uint64_t period_ns) {
      TextFile file = TextFile::open(folder + "/" + name + "/" + file_name);
      if (!file.is_open()) return;
      SeriesInfo info;
      info.source = "devfreq:" + name;
      info.quantity = quantity;
      info.label = name;
      info.component = component;
      auto source = std::make_unique<FileSource>(std::move(file), std::move(info), period_ns, 1.0);
      source->lowest = 1;
      found.sources.push_back(std::move(source));
    };
    add("cur_freq", "frequency_hz", 50 * kMillisecond);
    add("max_freq", "frequency_limit_hz", 200 * kMillisecond);
  }
  return found;
}

}  // namespace npb

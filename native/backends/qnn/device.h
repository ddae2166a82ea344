// One opened NPU: log, backend and device handles, what the platform says about itself, and votes
// for its clocks. Everything is given back when the object goes, in reverse order.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "backends/backend.h"
#include "backends/qnn/library.h"

namespace npb::qnn {

struct Platform {
  std::optional<uint32_t> soc_model;  // Qualcomm's number: 57 is SM8650
  std::optional<uint32_t> arch;       // 75 for Hexagon v75
  std::optional<uint64_t> vtcm_mb;
  bool dlbc = false;
  bool signed_pd = false;
};

class Device {
 public:
  /// Opens a session on the DSP (or the simulator, as the SoC model of `extra["qnn_soc"]`,
  /// NPU_BENCH_QNN_SOC or 57). Errors: those of Library::open, device_unavailable with the remedy.
  static Result<std::unique_ptr<Device>> open(const std::map<std::string, std::string>& extra);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const Library& library() const { return *library_; }
  const Functions& functions() const { return library_->functions(); }
  Handle backend() const { return backend_; }
  Handle device() const { return device_; }
  const Platform& platform() const { return platform_; }
  DeviceInfo info() const;

 private:
  explicit Device(std::shared_ptr<const Library> library) : library_(std::move(library)) {}
  Result<void> create(const std::map<std::string, std::string>& extra);
  void read_platform();

  std::shared_ptr<const Library> library_;
  Handle log_ = nullptr;
  Handle backend_ = nullptr;
  Handle device_ = nullptr;
  uint32_t soc_asked_ = 0;
  Platform platform_;
};

/// What a device that can't be opened needs, by what is missing on this system.
std::string open_remedy(const Library& library, const Platform& platform);

}  // namespace npb::qnn

#include "backends/qnn/device.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>

#include "backends/qnn/errors.h"
#include "backends/qnn/shared_library.h"
#include "backends/qnn/soc.h"
#include "core/file.h"

namespace npb::qnn {
namespace {

constexpr uint32_t kSimulatedSoc = 57;

/// Errors: invalid_argument for a name that isn't known.
Result<uint32_t> wanted_soc(const std::map<std::string, std::string>& extra) {
  const auto named = extra.find("qnn_soc");
  const char* from_environment = std::getenv("NPU_BENCH_QNN_SOC");
  const char* text = named != extra.end() ? named->second.c_str() : from_environment;
  if (!text || !*text) return kSimulatedSoc;
  if (const auto model = soc_from_text(text)) return *model;
  return Error{ErrorCode::invalid_argument, "No chip is called \"" + std::string(text) +
                                                "\"; use Qualcomm's number for it, or one of " +
                                                known_socs() + "."};
}

#if !defined(_WIN32) && !defined(__x86_64__)
/// What the DSP's own half of the runtime needs; empty if it lies where FastRPC looks.
std::string skel_remedy(const std::filesystem::path& folder, const Platform& platform) {
  const std::string name = "libQnnHtpV" +
                           (platform.arch ? std::to_string(*platform.arch) : std::string("…")) +
                           "Skel.so";
  const char* variable = std::getenv("ADSP_LIBRARY_PATH");
  std::string search = variable ? variable : "";
  const std::string shown = search.empty() ? "unset" : search;
  std::error_code ignored;  // a folder that can't be looked at doesn't help the DSP either
  while (platform.arch && !search.empty()) {
    const size_t end = std::min(search.find(';'), search.size());
    if (std::filesystem::exists(std::filesystem::path(search.substr(0, end)) / name, ignored))
      return {};
    search.erase(0, end + 1);
  }
  const bool beside = std::filesystem::exists(folder / name, ignored);
  return "The DSP's half of the runtime (" + name +
         ") must lie in a folder of ADSP_LIBRARY_PATH (now " + shown + ")" +
         (beside ? ": add " + utf8_text(folder) + " to it. " : ". ");
}
#endif

}  // namespace

std::string open_remedy(const Library& library, const Platform& platform) {
  namespace fs = std::filesystem;
  std::string remedy;
  std::error_code ignored;  // what can't be looked at counts as missing, which the text says
  const fs::path folder = library.path().parent_path();
  if (platform.arch && !library.simulated()) {
    const std::string arch = std::to_string(*platform.arch);
#ifdef _WIN32
    const fs::path stub = folder / ("QnnHtpV" + arch + "Stub.dll");
#else
    const fs::path stub = folder / ("libQnnHtpV" + arch + "Stub.so");
#endif
    if (!fs::exists(stub, ignored))
      remedy += "Put " + utf8_text(stub.filename()) + " beside " + utf8_text(library.path()) +
                ": it is the part for this chip's Hexagon v" + arch + ". ";
  }
#if !defined(_WIN32) && !defined(__x86_64__)
  remedy += skel_remedy(folder, platform);
  if (!open_library("libcdsprpc.so"))
    remedy += "libcdsprpc.so can't be loaded (" + library_problem() +
              "): install it (package fastrpc, or the vendor's image); on Android it is in "
              "/vendor/lib64. ";
  bool node = false, open_to_us = false;
  for (const char* name : {"/dev/fastrpc-cdsp", "/dev/fastrpc-cdsp-secure", "/dev/adsprpc-smd"}) {
    if (!fs::exists(name, ignored)) continue;
    node = true;
    if (std::FILE* file = std::fopen(name, "rb")) {
      open_to_us = true;
      std::fclose(file);
    }
  }
  if (!node)
    remedy +=
        "The kernel offers no FastRPC device (/dev/fastrpc-cdsp): boot a kernel with the fastrpc "
        "driver and the DSP's firmware. ";
  else if (!open_to_us)
    remedy += "Give this user access to /dev/fastrpc-cdsp (udev rule, or the group that owns it). ";
  if (remedy.empty())
    remedy =
        "Stub, skel, libcdsprpc.so and the FastRPC device are all there: this device may allow "
        "signed process domains only (then libraries signed for it are needed), another program "
        "may hold the DSP, or the DSP has crashed; `dmesg | grep -iE 'fastrpc|cdsp'` tells.";
#else
  if (remedy.empty())
    remedy = "Check that the NPU's driver is installed and that no other program holds the device.";
#endif
  while (!remedy.empty() && remedy.back() == ' ') remedy.pop_back();
  return remedy;
}

Result<std::unique_ptr<Device>> Device::open(const std::map<std::string, std::string>& extra) {
  forget_log();
  NPB_TRY_ASSIGN(std::shared_ptr<const Library> library, Library::open(extra));
  std::unique_ptr<Device> device(new Device(std::move(library)));
  NPB_TRY(device->create(extra));
  return device;
}

Result<void> Device::create(const std::map<std::string, std::string>& extra) {
  const Functions& f = functions();
  if (f.log_create && f.log_free) {
    // Without a log everything works and errors are only shorter.
    if (f.log_create(log_line, log_level(), &log_) != 0) log_ = nullptr;
  }
  if (const Status status = f.backend_create(log_, nullptr, &backend_); code_of(status) != 0) {
    Error error = call_failed(f, status, "Starting the QNN HTP backend");
    if (!library_->simulated()) error.message += " " + open_remedy(*library_, platform_);
    return error;
  }
  read_platform();

  // The SoC's number stands at 4 in old layouts of this structure and at 8 in new ones; written at
  // both it is right in either.
  uint32_t soc_option[6] = {};
  Config config = {};
  config.custom = soc_option;
  const Config* configs[] = {&config, nullptr};
  if (library_->simulated()) {
    NPB_TRY_ASSIGN(soc_asked_, wanted_soc(extra));
    soc_option[1] = soc_option[2] = soc_asked_;
  }
  const Status status = f.device_create(log_, soc_asked_ ? configs : nullptr, &device_);
  if (code_of(status) == 0) {
    if (soc_asked_) {
      // The simulator's platform tells its default chip, not the one that was asked for.
      platform_.soc_model = soc_asked_;
      platform_.arch = soc_arch(soc_asked_);
    }
    return {};
  }
  const std::string chip =
      platform_.soc_model
          ? " of " + soc_name(*platform_.soc_model) +
                (platform_.arch ? ", Hexagon v" + std::to_string(*platform_.arch) : "")
          : "";
  Error error = call_failed(f, status, "Opening a session on the NPU" + chip);
  error.code = ErrorCode::device_unavailable;
  error.message += " ";
  error.message += open_remedy(*library_, platform_);
  return error;
}

void Device::read_platform() {
  const Functions& f = functions();
  const PlatformInfo* info = nullptr;
  if (!f.device_get_platform_info || f.device_get_platform_info(log_, &info) != 0 || !info) return;
  if (info->device_count > 0 && info->devices && info->devices[0].extension &&
      info->devices[0].extension->device_type == 0) {
    const HtpDeviceExtension& chip = *info->devices[0].extension;
    platform_.soc_model = chip.soc_model;
    platform_.arch = chip.arch;
    platform_.vtcm_mb = chip.vtcm_mb;
    platform_.dlbc = chip.dlbc != 0;
    platform_.signed_pd = chip.signed_pd != 0;
  }
  if (f.device_free_platform_info) f.device_free_platform_info(log_, info);
}

Device::~Device() {
  const Functions& f = functions();
  if (device_) f.device_free(device_);
  if (backend_) f.backend_free(backend_);
  if (log_) f.log_free(log_);
}

DeviceInfo Device::info() const {
  DeviceInfo info;
  info.kind = DeviceKind::npu;
  info.backend = "qnn";
  info.simulated = library_->simulated();
  if (platform_.soc_model) info.soc = soc_name(*platform_.soc_model);
  if (platform_.arch) {
    info.compute_capability.assign(1, 'v');
    info.compute_capability += std::to_string(*platform_.arch);
  }
  info.name = info.simulated ? "Hexagon NPU (simulator)" : "Hexagon NPU";
  info.runtime_version = library_->version_text();
  info.driver = "QNN " + library_->build_id();
  info.properties["library"] = utf8_text(library_->path());
  if (platform_.vtcm_mb) info.properties["vtcm_mb"] = std::to_string(*platform_.vtcm_mb);
  info.properties["dlbc"] = platform_.dlbc ? "yes" : "no";
  info.properties["process_domain"] = platform_.signed_pd ? "signed" : "unsigned";
  return info;
}

}  // namespace npb::qnn

// Qualcomm's libraries, found at run time on the user's machine. The one place that knows where
// they lie and that opens them.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backends/qnn/abi.h"
#include "core/result.h"

namespace npb::qnn {

/// Folders that may hold the runtime, in the order in which they are tried. A folder named by
/// `extra["qnn_lib_dir"]` (--qnn-lib) or else by NPU_BENCH_QNN_LIB is the only one then: what was
/// asked for is never replaced by something else. Otherwise: runtimes installed by `npu-bench
/// runtime install`, an SDK (QAIRT_SDK_ROOT, QNN_SDK_ROOT), the usual folders of the system. An
/// empty path stands for the loader's own search.
std::vector<std::filesystem::path> library_folders(const std::map<std::string, std::string>& extra);

/// The HTP backend of a runtime. Stays loaded until the process ends: it runs threads of its own.
class Library {
 public:
  /// Opens the first runtime of library_folders() and checks its version: core API 2.15 or later.
  /// `extra["qnn_library"]` names another backend's file than HTP's (the vendor suite's: Saver).
  /// Errors: device_unavailable, unsupported (too old, too new, an entry missing).
  static Result<std::shared_ptr<const Library>> open(
      const std::map<std::string, std::string>& extra);

  const Functions& functions() const { return interface_->functions; }
  const ApiVersion& version() const { return interface_->version; }
  std::string version_text() const;  // "core 2.40.0, HTP 5.51.0"
  const std::string& build_id() const { return build_id_; }
  const std::filesystem::path& path() const { return path_; }
  /// The vendor's simulator (there is no Hexagon beside an x86 processor), or an imitation for
  /// tests, which says so in its build id.
  bool simulated() const;

 private:
  std::filesystem::path path_;
  const Interface* interface_ = nullptr;
  std::string build_id_;
};

/// libQnnSystem from the folder of `library`. Errors: not_found, unsupported.
Result<const SystemInterface*> open_system(const Library& library);

}  // namespace npb::qnn

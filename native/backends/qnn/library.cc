#include "backends/qnn/library.h"

#include <algorithm>
#include <cstdlib>

#include "backends/qnn/shared_library.h"
#include "core/file.h"

namespace npb::qnn {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kLeastCoreMinor = 15;

#ifdef _WIN32
constexpr const char* kHtpName = "QnnHtp.dll";
constexpr const char* kSystemName = "QnnSystem.dll";
#else
constexpr const char* kHtpName = "libQnnHtp.so";
constexpr const char* kSystemName = "libQnnSystem.so";
#endif

/// Where SDKs and wheels keep the libraries of this system below their root.
constexpr const char* kInside[] = {
    "",
#if defined(_WIN32) && (defined(_M_ARM64) || defined(__aarch64__))
    "lib/arm64x-windows-msvc",
    "lib/aarch64-windows-msvc",
    "onnxruntime_qnn/libs/arm64",
    "libs/arm64",
#elif defined(_WIN32)
    "lib/x86_64-windows-msvc",
    "onnxruntime_qnn/libs/amd64",
    "libs/amd64",
#elif defined(__ANDROID__)
    "lib/aarch64-android",
#elif defined(__aarch64__)
    "lib/aarch64-oe-linux-gcc11.2",
    "lib/aarch64-oe-linux-gcc9.3",
    "lib/aarch64-ubuntu-gcc9.4",
#else
    "lib/x86_64-linux-clang",
#endif
    "onnxruntime_qnn",
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

/// The folders inside `parent`, the highest version first.
std::vector<fs::path> versions_in(const fs::path& parent) {
  std::vector<fs::path> found;
  std::error_code ignored;  // a folder that isn't there holds no versions
  for (const fs::directory_entry& entry : fs::directory_iterator(parent, ignored)) {
    if (entry.is_directory(ignored)) found.push_back(entry.path());
  }
  const auto numbers = [](const fs::path& path) {
    std::vector<unsigned long> parts;
    const std::string name = utf8_text(path.filename());
    for (size_t i = 0; i < name.size();) {
      if (name[i] < '0' || name[i] > '9') {
        ++i;
        continue;
      }
      const size_t end = std::min(name.find_first_not_of("0123456789", i), name.size());
      parts.push_back(std::strtoul(name.substr(i, end - i).c_str(), nullptr, 10));
      i = end;
    }
    return parts;
  };
  std::sort(found.begin(), found.end(),
            [&](const fs::path& a, const fs::path& b) { return numbers(a) > numbers(b); });
  return found;
}

/// The same folder as src/models/cache.ts.
fs::path cache_folder() {
  if (const std::string named = environment("NPU_BENCH_CACHE"); !named.empty())
    return utf8_path(named);
#ifdef _WIN32
  const std::string local = environment("LOCALAPPDATA");
  return local.empty() ? fs::path() : utf8_path(local) / "npu-bench";
#else
  if (const std::string cache = environment("XDG_CACHE_HOME"); !cache.empty())
    return utf8_path(cache) / "npu-bench";
  const std::string home = environment("HOME");
  return home.empty() ? fs::path() : utf8_path(home) / ".cache" / "npu-bench";
#endif
}

void add_root(std::vector<fs::path>& folders, const fs::path& root) {
  for (const char* inside : kInside) folders.push_back(*inside ? root / inside : root);
}

/// FastRPC finds the DSP's side of the runtime (the skel) through this variable only.
void point_dsp_at(const fs::path& folder) {
#ifndef _WIN32
  if (folder.empty()) return;
  std::string search = folder.string();
  for (const fs::path& version : versions_in(folder.parent_path())) {
    if (version.filename().string().rfind("hexagon-v", 0) == 0)
      search.append(";").append((version / "unsigned").string());
  }
  search += ";/vendor/dsp/cdsp;/vendor/lib/rfsa/adsp;/usr/lib/rfsa/adsp;/dsp";
  setenv("ADSP_LIBRARY_PATH", search.c_str(), 0);
#else
  (void)folder;
#endif
}

/// The name of an entry that we call and that the table lacks; null if none.
const char* missing_entry(const Functions& f) {
  const struct {
    const char* name;
    bool present;
  } needed[] = {
      {"backendCreate", f.backend_create != nullptr},
      {"backendFree", f.backend_free != nullptr},
      {"backendValidateOpConfig", f.backend_validate_op_config != nullptr},
      {"contextCreate", f.context_create != nullptr},
      {"contextFree", f.context_free != nullptr},
      {"graphCreate", f.graph_create != nullptr},
      {"graphAddNode", f.graph_add_node != nullptr},
      {"graphFinalize", f.graph_finalize != nullptr},
      {"graphExecute", f.graph_execute != nullptr},
      {"tensorCreateGraphTensor", f.tensor_create_graph_tensor != nullptr},
      {"deviceCreate", f.device_create != nullptr},
      {"deviceFree", f.device_free != nullptr},
  };
  for (const auto& entry : needed) {
    if (!entry.present) return entry.name;
  }
  return nullptr;
}

std::string text(const Version& version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor) + "." +
         std::to_string(version.patch);
}

}  // namespace

std::vector<fs::path> library_folders(const std::map<std::string, std::string>& extra) {
  std::vector<fs::path> folders;
  const auto named = extra.find("qnn_lib_dir");
  const std::string from_environment = environment("NPU_BENCH_QNN_LIB");
  if (named != extra.end() && !named->second.empty()) {
    add_root(folders, utf8_path(named->second));
    return folders;
  }
  if (!from_environment.empty()) {
    add_root(folders, utf8_path(from_environment));
    return folders;
  }
  if (const fs::path cache = cache_folder(); !cache.empty()) {
    for (const fs::path& version : versions_in(cache / "runtimes" / "qnn"))
      add_root(folders, version);
  }
  for (const char* variable : {"QAIRT_SDK_ROOT", "QNN_SDK_ROOT"}) {
    if (const std::string root = environment(variable); !root.empty())
      add_root(folders, utf8_path(root));
  }
#ifdef _WIN32
  for (const fs::path& version : versions_in("C:/Qualcomm/AIStack/QAIRT"))
    add_root(folders, version);
#else
  for (const char* parent : {"/opt/qcom/aistack/qairt", "/opt/qairt"}) {
    for (const fs::path& version : versions_in(parent)) add_root(folders, version);
  }
  for (const char* folder : {"/vendor/lib64", "/usr/lib/aarch64-linux-gnu", "/usr/local/lib"})
    folders.push_back(folder);
#endif
  folders.emplace_back();
  return folders;
}

Result<std::shared_ptr<const Library>> Library::open(
    const std::map<std::string, std::string>& extra) {
  const std::vector<fs::path> folders = library_folders(extra);
  const auto other = extra.find("qnn_library");
  const std::string file_name = other == extra.end() ? kHtpName : other->second;
  const bool named = !folders.back().empty();
  std::string problem;
  for (const fs::path& folder : folders) {
    std::error_code ignored;  // what can't be looked at can't be opened either
    const fs::path path = folder / file_name;
    if (!folder.empty() && !fs::exists(path, ignored)) continue;
    point_dsp_at(folder);
    void* handle = open_library(path);
    if (!handle) {
      const std::string reason = library_problem();
      if (!folder.empty())
        return Error{ErrorCode::device_unavailable,
                     "Qualcomm's QNN runtime " + utf8_text(path) + " can't be loaded (" + reason +
                         "); it must be the build for this system and processor, with the other "
                         "libraries of its package beside it."};
      continue;
    }
    auto library = std::make_shared<Library>();
    library->path_ = path;
    const auto providers = library_symbol<GetProviders>(handle, "QnnInterface_getProviders");
    const Interface** list = nullptr;
    uint32_t count = 0;
    if (!providers || providers(&list, &count) != 0 || count == 0 || !list || !list[0])
      return Error{ErrorCode::unsupported,
                   utf8_text(path) +
                       " is no QNN library (it offers no interface); install the "
                       "runtime with `npu-bench runtime install qnn`."};
    library->interface_ = list[0];
    const Version core = list[0]->version.core;
    if (core.major != 2)
      return Error{ErrorCode::unsupported,
                   "The QNN runtime " + utf8_text(path) + " speaks core API " + text(core) +
                       ", but this program knows version 2; update npu-bench."};
    if (core.minor < kLeastCoreMinor)
      return Error{ErrorCode::unsupported,
                   "The QNN runtime " + utf8_text(path) + " is too old (core API " + text(core) +
                       "); use 2.15 or later (SDK 2.22): `npu-bench runtime install qnn`."};
    if (const char* missing = missing_entry(list[0]->functions))
      return Error{ErrorCode::unsupported,
                   "The QNN runtime " + utf8_text(path) + " has no function " + missing +
                       "; install a complete one with `npu-bench runtime install qnn`."};
    const char* build = nullptr;
    if (library->functions().backend_get_build_id &&
        library->functions().backend_get_build_id(&build) == 0 && build)
      library->build_id_ = build;
    return std::shared_ptr<const Library>(std::move(library));
  }
  const std::string where =
      named ? "in " + utf8_text(folders.front())
            : "in the usual folders, an installed SDK (QAIRT_SDK_ROOT) or NPU_BENCH_QNN_LIB";
  return Error{ErrorCode::device_unavailable,
               "Qualcomm's QNN runtime (" + file_name + ") was not found " + where +
                   "; fetch it with `npu-bench runtime install qnn`, or name its folder with "
                   "--qnn-lib."};
}

std::string Library::version_text() const {
  return "core " + text(version().core) + ", HTP " + text(version().backend);
}

bool Library::simulated() const {
#if defined(__x86_64__) || defined(_M_X64)
  return true;
#else
  return build_id_.find("fake") != std::string::npos;
#endif
}

Result<const SystemInterface*> open_system(const Library& library) {
  const fs::path path = library.path().has_parent_path()
                            ? library.path().parent_path() / kSystemName
                            : fs::path(kSystemName);
  void* handle = open_library(path);
  if (!handle)
    return Error{ErrorCode::not_found, utf8_text(path) + " can't be loaded (" + library_problem() +
                                           "); it belongs beside " + kHtpName + "."};
  const auto providers =
      library_symbol<GetSystemProviders>(handle, "QnnSystemInterface_getProviders");
  const SystemInterface** list = nullptr;
  uint32_t count = 0;
  if (!providers || providers(&list, &count) != 0 || count == 0 || !list || !list[0])
    return Error{ErrorCode::unsupported,
                 utf8_text(path) + " offers no system interface; install a complete runtime."};
  const SystemFunctions& f = list[0]->functions;
  if (list[0]->version.major != 1 || !f.context_create || !f.get_metadata || !f.context_free)
    return Error{ErrorCode::unsupported, utf8_text(path) + " speaks system API " +
                                             text(list[0]->version) +
                                             ", but this program knows version 1."};
  return list[0];
}

}  // namespace npb::qnn

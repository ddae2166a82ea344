#include "backends/opencl/loader.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#ifdef _WIN32
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace npb::opencl {
namespace {

#ifdef _WIN32
void* open_library(const char* path) { return reinterpret_cast<void*>(LoadLibraryA(path)); }
void* symbol(void* library, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(library), name));
}
constexpr const char* kLibraries[] = {"OpenCL.dll"};
#else
void* open_library(const char* path) { return dlopen(path, RTLD_NOW | RTLD_LOCAL); }
void* symbol(void* library, const char* name) { return dlsym(library, name); }
constexpr const char* kLibraries[] = {
    "libOpenCL.so.1",  // Linux: the ICD loader
    "libOpenCL.so",    // Android: found by its plain name where the vendor publishes it
    "/vendor/lib64/libOpenCL.so",
    "/system/vendor/lib64/libOpenCL.so",
};
#endif

Result<const Api*> load() {
  static Api table;
  std::vector<std::string> candidates;
  if (const char* named = std::getenv("NPU_BENCH_OPENCL")) candidates.push_back(named);
  candidates.insert(candidates.end(), std::begin(kLibraries), std::end(kLibraries));
  for (const std::string& path : candidates) {
    void* library = open_library(path.c_str());
    if (!library) continue;
    const char* missing = nullptr;
#define F(function)                                                                        \
  table.function = reinterpret_cast<decltype(table.function)>(symbol(library, #function)); \
  if (!table.function) missing = #function;
    NPB_CL_FUNCTIONS(F)
#undef F
    if (missing)
      return Error{ErrorCode::device_unavailable, "The OpenCL library " + path + " has no " +
                                                      missing +
                                                      "; install the GPU vendor's OpenCL driver."};
    table.path = path;
    table.library = library;
    return &table;
  }
  return Error{ErrorCode::device_unavailable,
               "No OpenCL library (libOpenCL.so, OpenCL.dll) was found; install the GPU vendor's "
               "driver, or on Android start with LD_LIBRARY_PATH=/vendor/lib64."};
}

}  // namespace

void* Api::extension(cl_platform_id platform, const char* name) const {
  if (void* function = clGetExtensionFunctionAddressForPlatform(platform, name)) return function;
  return library ? symbol(library, name) : nullptr;
}

#ifdef _WIN32
std::vector<std::string> broken_drivers() { return {}; }
#else
std::vector<std::string> broken_drivers() {
  const char* named = std::getenv("OCL_ICD_VENDORS");
  const std::filesystem::path vendors = named ? named : "/etc/OpenCL/vendors";
  std::vector<std::string> broken;
  std::error_code absent;
  for (const auto& entry : std::filesystem::directory_iterator(vendors, absent)) {
    if (entry.path().extension() != ".icd") continue;
    std::ifstream file(entry.path());
    std::string driver;
    std::getline(file, driver);
    if (driver.empty()) {
      broken.push_back(entry.path().string() + " names no library");
    } else if (void* library = open_library(driver.c_str())) {
      dlclose(library);
    } else {
      broken.push_back(entry.path().string() + " names " + driver + ", which can't be loaded (" +
                       dlerror() + ")");
    }
  }
  return broken;
}
#endif

Result<const Api*> api() {
  static const Result<const Api*> loaded = load();
  return loaded;
}

std::string status_name(cl_int status) {
  const char* text = "OpenCL status";
  switch (status) {
#define CASE(code) \
  case code:       \
    text = #code;  \
    break;
    CASE(CL_DEVICE_NOT_FOUND)
    CASE(CL_DEVICE_NOT_AVAILABLE)
    CASE(CL_COMPILER_NOT_AVAILABLE)
    CASE(CL_MEM_OBJECT_ALLOCATION_FAILURE)
    CASE(CL_OUT_OF_RESOURCES)
    CASE(CL_OUT_OF_HOST_MEMORY)
    CASE(CL_PROFILING_INFO_NOT_AVAILABLE)
    CASE(CL_BUILD_PROGRAM_FAILURE)
    CASE(CL_MISALIGNED_SUB_BUFFER_OFFSET)
    CASE(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST)
    CASE(CL_INVALID_VALUE)
    CASE(CL_INVALID_DEVICE)
    CASE(CL_INVALID_CONTEXT)
    CASE(CL_INVALID_COMMAND_QUEUE)
    CASE(CL_INVALID_MEM_OBJECT)
    CASE(CL_INVALID_BUFFER_SIZE)
    CASE(CL_INVALID_PROGRAM_EXECUTABLE)
    CASE(CL_INVALID_KERNEL_NAME)
    CASE(CL_INVALID_KERNEL_ARGS)
    CASE(CL_INVALID_ARG_SIZE)
    CASE(CL_INVALID_WORK_GROUP_SIZE)
    CASE(CL_INVALID_GLOBAL_WORK_SIZE)
#undef CASE
    default:
      break;
  }
  return std::string(text) + " (" + std::to_string(status) + ")";
}

Error opencl_error(cl_int status, const std::string& what) {
  if (status == CL_MEM_OBJECT_ALLOCATION_FAILURE || status == CL_OUT_OF_HOST_MEMORY ||
      status == CL_INVALID_BUFFER_SIZE)
    return {ErrorCode::out_of_memory,
            what + " failed: the GPU has no memory left (" + status_name(status) +
                "); reduce --batch-size, --input-length or the model's size."};
  if (status == CL_OUT_OF_RESOURCES || status == CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST)
    return {ErrorCode::device_lost, what + " failed: the driver gave up (" + status_name(status) +
                                        "); try a smaller --input-length, or --backend vulkan."};
  // After a GPU was reset, drivers call what belonged to it invalid.
  if (status == CL_DEVICE_NOT_AVAILABLE || status == CL_INVALID_CONTEXT ||
      status == CL_INVALID_COMMAND_QUEUE)
    return {ErrorCode::device_lost, what + " failed: the GPU was lost (" + status_name(status) +
                                        "); try again, with a smaller --input-length if it "
                                        "happens again, or use --backend vulkan."};
  return {ErrorCode::internal, what + " failed with " + status_name(status) +
                                   "; update the GPU driver, or try --backend vulkan."};
}

}  // namespace npb::opencl

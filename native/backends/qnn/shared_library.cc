#include "backends/qnn/shared_library.h"

#ifdef _WIN32
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace npb::qnn {

#ifdef _WIN32

void* open_library(const std::filesystem::path& path) {
  // Without this a missing dependency opens a dialog. The library's own folder is searched first.
  SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOOPENFILEERRORBOX);
  return reinterpret_cast<void*>(LoadLibraryExW(
      path.c_str(), nullptr, path.has_parent_path() ? LOAD_WITH_ALTERED_SEARCH_PATH : 0));
}

std::string library_problem() { return "Windows error " + std::to_string(GetLastError()); }

void* library_address(void* library, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(library), name));
}

#else

void* open_library(const std::filesystem::path& path) {
  return dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
}

std::string library_problem() {
  const char* text = dlerror();
  return text ? text : "no reason given";
}

void* library_address(void* library, const char* name) { return dlsym(library, name); }

#endif

}  // namespace npb::qnn

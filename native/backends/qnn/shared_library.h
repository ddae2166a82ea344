// Opening libraries at run time. They stay open until the process ends: vendors' libraries run
// threads of their own.
#pragma once

#include <filesystem>
#include <string>

namespace npb::qnn {

/// Null if it can't be loaded; then library_problem() says why. A path without a folder is looked
/// for by the system.
void* open_library(const std::filesystem::path& path);
std::string library_problem();
void* library_address(void* library, const char* name);

template <class Function>
Function library_symbol(void* library, const char* name) {
  return reinterpret_cast<Function>(library_address(library, name));
}

}  // namespace npb::qnn

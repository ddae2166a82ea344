// What of a file lies in the page cache, and asking the kernel to forget it.
#pragma once

#include <limits>
#include <string>

#include "core/result.h"

namespace npb {

/// Shares of the file's pages, 0…1; NaN where the system doesn't tell (it tells only of files that
/// the caller owns or may write).
struct FileCacheState {
  double cached_before_ratio = std::numeric_limits<double>::quiet_NaN();
  double cached_after_ratio = std::numeric_limits<double>::quiet_NaN();
};

/// Writes the file's dirty pages back and advises the kernel to drop its cached ones. Pages that a
/// process has mapped stay: look at cached_after_ratio. A folder stands for the files in it.
/// Errors: not_found, io; unsupported on systems that have no such call.
Result<FileCacheState> drop_file_cache(const std::string& path);

}  // namespace npb

// Compiled kernels on disk, so that the second start of a device compiles nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace npb::gpu {

/// What became of the cache while a session opened.
enum class KernelCache {
  off,      // no folder
  hit,      // every kernel came from the file of an earlier process
  written,  // kernels were compiled, and kept for the next start
  opaque,   // the driver gives no kernels to keep; it may have a cache of its own
  failed,   // the folder can't be written
};
const char* name(KernelCache state);

/// 64-bit FNV-1a, to be continued from a hash of what comes before.
constexpr uint64_t kHashStart = 0xcbf29ce484222325ull;
uint64_t hash_bytes(std::span<const std::byte> bytes, uint64_t hash = kHashStart);
uint64_t hash_text(std::string_view text, uint64_t hash = kHashStart);

/// `$NPU_BENCH_CACHE/gpu`, else under XDG_CACHE_HOME or ~/.cache (LOCALAPPDATA on Windows); empty
/// where none of these is set.
std::filesystem::path default_kernel_cache_folder();

/// One file of a cache folder: bytes that a driver made, under a key of everything they depend on
/// (device, driver, source).
class KernelCacheFile {
 public:
  /// `folder` empty: never hits, never writes.
  KernelCacheFile(std::filesystem::path folder, std::string_view api, uint64_t key);

  bool enabled() const { return !path_.empty(); }
  const std::filesystem::path& path() const { return path_; }
  /// Empty if there is none or if it is damaged: drivers have crashed on damaged input, so its
  /// checksum is proved first.
  std::vector<std::byte> read() const;
  /// Replaces the file in one step. Errors: io.
  Result<void> write(std::span<const std::byte> bytes) const;

 private:
  std::filesystem::path path_;
  uint64_t key_ = 0;
};

}  // namespace npb::gpu

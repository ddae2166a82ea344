#include "backends/gpu/kernel_cache.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "core/clock.h"

namespace npb::gpu {
namespace {

constexpr std::array<char, 8> kMagic = {'n', 'p', 'b', 'g', 'p', 'u', '0', '1'};

struct Header {
  std::array<char, 8> magic;
  uint64_t key;
  uint64_t bytes;
  uint64_t checksum;
};
static_assert(sizeof(Header) == 32);

std::filesystem::path variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? std::filesystem::path(value) : std::filesystem::path();
}

}  // namespace

const char* name(KernelCache state) {
  switch (state) {
    case KernelCache::off:
      return "off";
    case KernelCache::hit:
      return "hit";
    case KernelCache::written:
      return "written";
    case KernelCache::opaque:
      return "kept by the driver alone";
    case KernelCache::failed:
      return "could not be written";
  }
  return "?";
}

uint64_t hash_bytes(std::span<const std::byte> bytes, uint64_t hash) {
  for (std::byte byte : bytes) hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001b3ull;
  return hash;
}

uint64_t hash_text(std::string_view text, uint64_t hash) {
  // The length keeps "ab","c" and "a","bc" apart.
  const uint64_t length = text.size();
  hash = hash_bytes(std::as_bytes(std::span(&length, 1)), hash);
  return hash_bytes(std::as_bytes(std::span(text)), hash);
}

std::filesystem::path default_kernel_cache_folder() {
  if (const auto own = variable("NPU_BENCH_CACHE"); !own.empty()) return own / "gpu";
  if (const auto xdg = variable("XDG_CACHE_HOME"); !xdg.empty()) return xdg / "npu-bench" / "gpu";
  if (const auto local = variable("LOCALAPPDATA"); !local.empty())
    return local / "npu-bench" / "gpu";
  if (const auto home = variable("HOME"); !home.empty())
    return home / ".cache" / "npu-bench" / "gpu";
  return {};
}

KernelCacheFile::KernelCacheFile(std::filesystem::path folder, std::string_view api, uint64_t key)
    : key_(key) {
  if (folder.empty()) return;
  char suffix[32];
  std::snprintf(suffix, sizeof suffix, "-%016llx.bin", static_cast<unsigned long long>(key));
  path_ = std::move(folder);
  path_ /= api;
  path_ += suffix;
}

std::vector<std::byte> KernelCacheFile::read() const {
  if (!enabled()) return {};
  std::ifstream file(path_, std::ios::binary);
  Header header{};
  if (!file.read(reinterpret_cast<char*>(&header), sizeof header)) return {};
  std::error_code unknown;
  const uint64_t size = std::filesystem::file_size(path_, unknown);
  if (unknown || header.magic != kMagic || header.key != key_ ||
      header.bytes != size - sizeof header)
    return {};
  std::vector<std::byte> bytes(header.bytes);
  if (!file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size())))
    return {};
  if (hash_bytes(bytes) != header.checksum) return {};
  return bytes;
}

Result<void> KernelCacheFile::write(std::span<const std::byte> bytes) const {
  std::error_code failed;
  std::filesystem::create_directories(path_.parent_path(), failed);
  // Several processes may write the same cache: each its own file, and the last rename stands.
  std::filesystem::path partial = path_;
  partial += ".";
  partial += std::to_string(now_ns());
  {
    const Header header{kMagic, key_, bytes.size(), hash_bytes(bytes)};
    std::ofstream file(partial, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(&header), sizeof header);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    if (!file.flush()) failed = std::make_error_code(std::errc::io_error);
  }
  if (!failed) std::filesystem::rename(partial, path_, failed);
  if (!failed) return {};
  std::error_code absent;  // there may be nothing to take away
  std::filesystem::remove(partial, absent);
  return Error{ErrorCode::io, "The compiled kernels could not be kept in " + path_.string() + " (" +
                                  failed.message() +
                                  "); make the folder writable, or set "
                                  "NPU_BENCH_CACHE to one that is."};
}

}  // namespace npb::gpu

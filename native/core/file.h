// Read-only access to model files: a memory map, small text files, and UTF-8 paths.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"

namespace npb {

/// A path from UTF-8 text (Windows would otherwise read it in the process's code page).
std::filesystem::path utf8_path(std::string_view text);
std::string utf8_text(const std::filesystem::path& path);

/// An ordinary file mapped for reading. The view stays valid as long as the object lives; a file
/// that another program shortens meanwhile ends the process with a signal, as mappings do.
class MappedFile {
 public:
  /// Errors: not_found, io (also for what is no ordinary file: a folder, a pipe, a device).
  static Result<std::shared_ptr<const MappedFile>> open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }
  const std::string& path() const { return path_; }

  /// Takes these bytes out of the process's resident memory. They stay readable (the next access
  /// fetches them again), so it is safe beside readers on other threads.
  void release(uint64_t offset, uint64_t length) const;

  /// Copies [offset, offset + target.size()), which must lie within bytes(), without bringing the
  /// mapped pages around them into this process. Where the system refuses the read, from the map.
  void read(uint64_t offset, std::span<std::byte> target) const;

 private:
#ifdef _WIN32
  using Handle = void*;
#else
  using Handle = int;
#endif
  MappedFile(std::string path, Handle file, std::span<const std::byte> bytes)
      : path_(std::move(path)), file_(file), bytes_(bytes) {}

  std::string path_;
  Handle file_;
  std::span<const std::byte> bytes_;
};

/// The whole of a small file. Errors: not_found, io, invalid_model (larger than `max_bytes`).
Result<std::string> read_text_file(const std::string& path, uint64_t max_bytes);

}  // namespace npb

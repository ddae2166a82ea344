// Small files of the kernel: opened once, read again and again at offset 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace npb {

/// An open file whose text is read anew each time. Movable; closes itself.
class TextFile {
 public:
  TextFile() = default;
  TextFile(TextFile&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  TextFile& operator=(TextFile&& other) noexcept;
  ~TextFile();

  /// Opens `path`; on failure the file is closed and `why` (if given) says what the system said.
  static TextFile open(const std::string& path, std::string* why = nullptr);
  bool is_open() const { return fd_ >= 0; }
  /// The text as it is now, in `buffer`; empty if it can't be read now (an error while a block
  /// sleeps is an answer of many drivers, and not the end of the file). No allocation.
  std::optional<std::string_view> read(char* buffer, size_t size) const;
  /// The leading integer of the text, if there is one now.
  std::optional<int64_t> read_int() const;

 private:
  int fd_ = -1;
};

/// The whole text of a small file without trailing white space; nullopt if it can't be read.
std::optional<std::string> read_text(const std::string& path, std::string* why = nullptr);
std::optional<int64_t> read_number(const std::string& path);

/// Names in a folder in natural order (policy2 before policy10); empty if there is no such folder.
std::vector<std::string> list_names(const std::string& folder);

/// Last component of what a symbolic link leads to, or empty.
std::string link_target_name(const std::string& path);

/// The leading integer of a text ("37 %" gives 37).
std::optional<int64_t> leading_int(std::string_view text);
/// The integer after `key` at the start of a line ("VmRSS:   123 kB", "pgmajfault 7").
std::optional<int64_t> value_of(std::string_view text, std::string_view key);

std::string lower(std::string_view text);
bool contains(std::string_view text, std::string_view part);
bool starts_with(std::string_view text, std::string_view part);

}  // namespace npb

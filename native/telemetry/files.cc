#include "telemetry/files.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <system_error>

#ifdef _WIN32
#include <io.h>
#else
#include <unistd.h>
#endif

namespace npb {
namespace {

int open_readonly(const char* path) {
#ifdef _WIN32
  return _open(path, _O_RDONLY | _O_BINARY);
#else
  return ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
#endif
}

void close_file(int fd) {
#ifdef _WIN32
  _close(fd);
#else
  ::close(fd);
#endif
}

long read_at_start(int fd, char* buffer, size_t size) {
#ifdef _WIN32
  if (_lseeki64(fd, 0, SEEK_SET) != 0) return -1;
  return _read(fd, buffer, static_cast<unsigned>(size));
#else
  return static_cast<long>(::pread(fd, buffer, size, 0));
#endif
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Compares runs of digits as numbers, everything else as characters.
bool natural_less(const std::string& a, const std::string& b) {
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      size_t i_end = i, j_end = j;
      while (i_end < a.size() && is_digit(a[i_end])) ++i_end;
      while (j_end < b.size() && is_digit(b[j_end])) ++j_end;
      while (i + 1 < i_end && a[i] == '0') ++i;
      while (j + 1 < j_end && b[j] == '0') ++j;
      if (i_end - i != j_end - j) return i_end - i < j_end - j;
      const int order = a.compare(i, i_end - i, b, j, j_end - j);
      if (order != 0) return order < 0;
      i = i_end;
      j = j_end;
    } else if (a[i] != b[j]) {
      return a[i] < b[j];
    } else {
      ++i;
      ++j;
    }
  }
  return a.size() - i < b.size() - j;
}

}  // namespace

TextFile& TextFile::operator=(TextFile&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close_file(fd_);
    fd_ = other.fd_;
    other.fd_ = -1;
  }
  return *this;
}

TextFile::~TextFile() {
  if (fd_ >= 0) close_file(fd_);
}

TextFile TextFile::open(const std::string& path, std::string* why) {
  TextFile file;
  file.fd_ = open_readonly(path.c_str());
  if (file.fd_ < 0 && why != nullptr) *why = path + ": " + std::generic_category().message(errno);
  return file;
}

std::optional<std::string_view> TextFile::read(char* buffer, size_t size) const {
  if (fd_ < 0) return std::nullopt;
  const long got = read_at_start(fd_, buffer, size);
  if (got <= 0) return std::nullopt;
  return std::string_view(buffer, static_cast<size_t>(got));
}

std::optional<int64_t> TextFile::read_int() const {
  char buffer[64];
  const auto text = read(buffer, sizeof buffer);
  return text ? leading_int(*text) : std::nullopt;
}

std::optional<std::string> read_text(const std::string& path, std::string* why) {
  const TextFile file = TextFile::open(path, why);
  if (!file.is_open()) return std::nullopt;
  std::string buffer(65536, '\0');
  const auto text = file.read(buffer.data(), buffer.size());
  if (!text) {
    if (why != nullptr) *why = path + ": " + std::generic_category().message(errno);
    return std::nullopt;
  }
  buffer.resize(text->size());
  while (!buffer.empty() && (static_cast<unsigned char>(buffer.back()) <= ' ')) buffer.pop_back();
  return buffer;
}

std::optional<int64_t> read_number(const std::string& path) {
  return TextFile::open(path).read_int();
}

std::vector<std::string> list_names(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error), last;
  while (!error && entry != last) {
    names.push_back(entry->path().filename().string());
    entry.increment(error);
  }
  std::sort(names.begin(), names.end(), natural_less);
  return names;
}

std::string link_target_name(const std::string& path) {
  std::error_code error;
  const auto target = std::filesystem::read_symlink(path, error);
  return error ? std::string() : target.filename().string();
}

std::optional<int64_t> leading_int(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return std::nullopt;
  text.remove_prefix(start);
  if (text.front() == '+') text.remove_prefix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

std::optional<int64_t> value_of(std::string_view text, std::string_view key) {
  for (size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    if (at != 0 && text[at - 1] != '\n') continue;
    std::string_view rest = text.substr(at + key.size());
    if (!rest.empty() && rest.front() == ':') rest.remove_prefix(1);
    if (!rest.empty() && rest.front() != ' ' && rest.front() != '\t') continue;
    return leading_int(rest);
  }
  return std::nullopt;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool starts_with(std::string_view text, std::string_view part) {
  return text.substr(0, part.size()) == part;
}

}  // namespace npb

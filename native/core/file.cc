#include "core/file.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#ifdef _WIN32
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#else
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace npb {

std::filesystem::path utf8_path(std::string_view text) {
  return std::filesystem::path(std::u8string(text.begin(), text.end()));
}

std::string utf8_text(const std::filesystem::path& path) {
  const std::u8string text = path.u8string();
  return std::string(text.begin(), text.end());
}

namespace {

Error open_error(const std::string& path, int number) {
  if (number == ENOENT || number == ENOTDIR) {
    return {ErrorCode::not_found, path + " does not exist; check the path."};
  }
  return {ErrorCode::io,
          path + " cannot be read (" + std::generic_category().message(number) + ")."};
}

// Asked before opening: opening a pipe for reading would wait for a writer.
Result<void> check_ordinary_file(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(utf8_path(path), error);
  if (status.type() == std::filesystem::file_type::not_found) return open_error(path, ENOENT);
  if (error) return Error{ErrorCode::io, path + " cannot be read (" + error.message() + ")."};
  if (status.type() == std::filesystem::file_type::directory) {
    return Error{ErrorCode::io, path + " is a folder where a file was expected."};
  }
  if (status.type() != std::filesystem::file_type::regular) {
    return Error{ErrorCode::io, path + " is not an ordinary file; copy the model to a file first."};
  }
  return {};
}

}  // namespace

#ifdef _WIN32

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::string& path) {
  NPB_TRY(check_ordinary_file(path));
  const HANDLE file =
      CreateFileW(utf8_path(path).c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE,
                  nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  const auto failed = [&] {
    return Error{ErrorCode::io,
                 path + " cannot be read (" +
                     std::system_category().message(static_cast<int>(GetLastError())) + ")."};
  };
  if (file == INVALID_HANDLE_VALUE) return failed();
  LARGE_INTEGER size;
  if (!GetFileSizeEx(file, &size)) {
    const Error error = failed();
    CloseHandle(file);
    return error;
  }
  std::span<const std::byte> view;
  if (size.QuadPart > 0) {
    const HANDLE mapping = CreateFileMappingW(file, nullptr, PAGE_READONLY, 0, 0, nullptr);
    const void* data = mapping ? MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0) : nullptr;
    if (data == nullptr) {
      const Error error = failed();
      if (mapping) CloseHandle(mapping);
      CloseHandle(file);
      return error;
    }
    CloseHandle(mapping);  // the view keeps the mapping alive
    view = {static_cast<const std::byte*>(data), static_cast<size_t>(size.QuadPart)};
  }
  return std::shared_ptr<const MappedFile>(new MappedFile(path, file, view));
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) UnmapViewOfFile(bytes_.data());
  CloseHandle(file_);
}

void MappedFile::read(uint64_t offset, std::span<std::byte> target) const {
  for (size_t done = 0; done < target.size();) {
    const uint64_t at = offset + done;
    OVERLAPPED place{};
    place.Offset = static_cast<DWORD>(at);
    place.OffsetHigh = static_cast<DWORD>(at >> 32);
    const auto wanted = static_cast<DWORD>(std::min<size_t>(target.size() - done, 1u << 30));
    DWORD got = 0;
    if (!ReadFile(file_, target.data() + done, wanted, &got, &place) || got == 0) {
      const auto rest = bytes_.subspan(at, target.size() - done);
      std::copy(rest.begin(), rest.end(), target.begin() + static_cast<std::ptrdiff_t>(done));
      return;
    }
    done += got;
  }
}

void MappedFile::release(uint64_t offset, uint64_t length) const {
  if (offset >= bytes_.size() || length == 0) return;
  const uint64_t count = std::min<uint64_t>(length, bytes_.size() - offset);
  // Unlocking pages that are not locked is the documented way to drop them from the working set.
  VirtualUnlock(const_cast<std::byte*>(bytes_.data()) + offset, static_cast<SIZE_T>(count));
}

#else

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::string& path) {
  NPB_TRY(check_ordinary_file(path));
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return open_error(path, errno);
  struct stat status {};
  if (fstat(file, &status) != 0) {
    const int number = errno;
    close(file);
    return open_error(path, number);
  }
  std::span<const std::byte> view;
  if (status.st_size > 0) {
    const auto size = static_cast<size_t>(status.st_size);
    void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (data == MAP_FAILED) {
      const int number = errno;
      close(file);
      return open_error(path, number);
    }
    view = {static_cast<const std::byte*>(data), size};
  }
  return std::shared_ptr<const MappedFile>(new MappedFile(path, file, view));
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  close(file_);
}

void MappedFile::read(uint64_t offset, std::span<std::byte> target) const {
  for (size_t done = 0; done < target.size();) {
    const uint64_t at = offset + done;
    const ssize_t got =
        pread(file_, target.data() + done, target.size() - done, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      const auto rest = bytes_.subspan(at, target.size() - done);
      std::copy(rest.begin(), rest.end(), target.begin() + static_cast<std::ptrdiff_t>(done));
      return;
    }
    done += static_cast<size_t>(got);
  }
}

void MappedFile::release(uint64_t offset, uint64_t length) const {
  if (offset >= bytes_.size() || length == 0) return;
  static const uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t end = offset + std::min<uint64_t>(length, bytes_.size() - offset);
  // Whole pages; the first one is included although its head belongs to the neighbour, so that
  // consecutive releases leave no page behind. At the end of the file the last one goes as well.
  const uint64_t first = offset / page * page;
  const uint64_t last = end == bytes_.size() ? end : end / page * page;
  if (last <= first) return;
  madvise(const_cast<std::byte*>(bytes_.data()) + first, last - first, MADV_DONTNEED);
}

#endif

Result<std::string> read_text_file(const std::string& path, uint64_t max_bytes) {
  NPB_TRY_ASSIGN(const auto file, MappedFile::open(path));
  const auto bytes = file->bytes();
  if (bytes.size() > max_bytes) {
    return Error{ErrorCode::invalid_model,
                 path + " is " + std::to_string(bytes.size()) + " bytes long, more than the " +
                     std::to_string(max_bytes) + " that such a file may have."};
  }
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace npb

#include "telemetry/file_cache.h"

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <vector>

#if defined(__linux__)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace npb {

#if defined(__linux__)

namespace {

std::string reason() { return std::generic_category().message(errno); }

struct Pages {
  uint64_t cached = 0, all = 0;
};

/// Counts the cached pages of an open file by mapping it without touching it.
bool count_pages(int fd, uint64_t size, Pages& pages) {
  const uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  constexpr uint64_t kChunk = UINT64_C(1) << 30;
  std::vector<unsigned char> present;
  for (uint64_t at = 0; at < size; at += kChunk) {
    const uint64_t length = size - at < kChunk ? size - at : kChunk;
    void* mapped = mmap(nullptr, length, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(at));
    if (mapped == MAP_FAILED) return false;
    const uint64_t count = (length + page - 1) / page;
    present.resize(count);
    const bool told = mincore(mapped, length, present.data()) == 0;
    munmap(mapped, length);
    if (!told) return false;
    pages.all += count;
    for (const unsigned char flags : present) pages.cached += flags & 1;
  }
  return true;
}

struct OpenFile {
  int fd;
  ~OpenFile() {
    if (fd >= 0) close(fd);
  }
};

Result<void> drop_one(const std::string& path, Pages& before, Pages& after, bool& counted) {
  const OpenFile file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) {
    return Error{errno == ENOENT ? ErrorCode::not_found : ErrorCode::io,
                 "Cannot open " + path + " to drop it from the page cache: " + reason()};
  }
  struct stat status = {};
  if (fstat(file.fd, &status) != 0) {
    return Error{ErrorCode::io, "Cannot read the size of " + path + ": " + reason()};
  }
  const uint64_t size = static_cast<uint64_t>(status.st_size);
  // For other people's files mincore() claims that every page is cached.
  counted = counted && (status.st_uid == geteuid() || access(path.c_str(), W_OK) == 0) &&
            count_pages(file.fd, size, before);
  // Dirty pages aren't dropped; a file system without sync answers EINVAL or EROFS, which is fine.
  (void)fsync(file.fd);
  const int error = posix_fadvise(file.fd, 0, 0, POSIX_FADV_DONTNEED);
  if (error != 0) {
    return Error{ErrorCode::io, "The system refuses to drop " + path + " from its page cache: " +
                                    std::generic_category().message(error) +
                                    "; measure with --cache keep"};
  }
  counted = counted && count_pages(file.fd, size, after);
  return {};
}

}  // namespace

Result<FileCacheState> drop_file_cache(const std::string& path) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  std::error_code error;
  if (fs::is_directory(path, error)) {
    for (fs::directory_iterator entry(path, error), last; !error && entry != last;
         entry.increment(error)) {
      std::error_code ignored;  // an entry that vanished meanwhile is none to drop
      if (entry->is_regular_file(ignored)) files.push_back(entry->path().string());
    }
    if (error) {
      return Error{ErrorCode::io, "Cannot list the folder " + path + ": " + error.message()};
    }
  } else {
    files.push_back(path);
  }
  Pages before, after;
  bool counted = true;
  for (const std::string& file : files) NPB_TRY(drop_one(file, before, after, counted));
  FileCacheState state;
  if (counted && before.all > 0) {
    state.cached_before_ratio =
        static_cast<double>(before.cached) / static_cast<double>(before.all);
    state.cached_after_ratio = static_cast<double>(after.cached) / static_cast<double>(after.all);
  }
  return state;
}

#else

Result<FileCacheState> drop_file_cache(const std::string&) {
  return Error{ErrorCode::unsupported,
               "This system has no call to drop a file from its cache; measure with --cache keep"};
}

#endif

}  // namespace npb

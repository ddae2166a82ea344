#include "backends/xnnpack/arena.h"

#include <string>

#if defined(_WIN32)
#include <windows.h>
#else
#include <sys/mman.h>
#endif

namespace npb::cpu {
namespace {

constexpr size_t kLargePage = size_t{2} << 20;

void* map_pages(size_t bytes) {
#if defined(_WIN32)
  return VirtualAlloc(nullptr, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
#else
  void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return pages == MAP_FAILED ? nullptr : pages;
#endif
}

void unmap_pages(void* pages, [[maybe_unused]] size_t bytes) {
#if defined(_WIN32)
  VirtualFree(pages, 0, MEM_RELEASE);
#else
  munmap(pages, bytes);
#endif
}

}  // namespace

Result<Arena> Arena::allocate(size_t bytes, const char* purpose) {
  Arena arena;
  if (bytes == 0) return arena;
  const bool large = bytes >= kLargePage;
  arena.mapping_size_ = round_up(bytes, 4096) + (large ? kLargePage : 0);
  arena.mapping_ = map_pages(arena.mapping_size_);
  if (arena.mapping_ == nullptr) {
    arena.mapping_size_ = 0;
    return Error{
        ErrorCode::out_of_memory,
        "The system refused " + std::to_string(bytes / 1000000) + " MB for " + purpose +
            ": use a smaller model, a smaller quantization, fewer sequences or shorter lengths."};
  }
  const uintptr_t address = reinterpret_cast<uintptr_t>(arena.mapping_);
  arena.data_ = reinterpret_cast<std::byte*>(large ? round_up(address, kLargePage) : address);
  arena.size_ = bytes;
#if defined(MADV_HUGEPAGE)
  // Only whole large pages, so that the last one adds no memory that nobody asked for.
  if (large) madvise(arena.data_, bytes / kLargePage * kLargePage, MADV_HUGEPAGE);
#endif
  return arena;
}

Arena& Arena::operator=(Arena&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(mapping_, other.mapping_);
  std::swap(mapping_size_, other.mapping_size_);
  return *this;
}

Arena::~Arena() {
  if (mapping_ != nullptr) unmap_pages(mapping_, mapping_size_);
}

}  // namespace npb::cpu

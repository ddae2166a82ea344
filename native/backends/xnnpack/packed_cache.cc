#include "backends/xnnpack/packed_cache.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "core/clock.h"
#include "core/file.h"
#include "core/parallel.h"

namespace npb::cpu {
namespace {

constexpr char kMagic[8] = {'N', 'P', 'B', 'P', 'A', 'C', 'K', '1'};
constexpr size_t kPiece = size_t{8} << 20;

struct Header {
  char magic[8];
  uint64_t key;
  uint64_t bytes;
  uint64_t table_hash;  // of the pieces' hashes, which follow
};

size_t piece_count(size_t bytes) { return (bytes + kPiece - 1) / kPiece; }
size_t data_offset(size_t bytes) {
  return (sizeof(Header) + piece_count(bytes) * sizeof(uint64_t) + 4095) / 4096 * 4096;
}

std::filesystem::path file_of(const std::string& folder, uint64_t key) {
  char name[32];
  std::snprintf(name, sizeof name, "%016llx.packed", static_cast<unsigned long long>(key));
  return utf8_path(folder) / name;
}

}  // namespace

uint64_t quick_hash(std::span<const std::byte> bytes, uint64_t seed) {
  constexpr uint64_t kPrime = 0x9e3779b97f4a7c15u;
  uint64_t lanes[4] = {seed, seed ^ 1, seed ^ 2, seed ^ 3};
  size_t at = 0;
  for (; at + 32 <= bytes.size(); at += 32) {
    uint64_t words[4];
    std::memcpy(words, bytes.data() + at, 32);
    for (int i = 0; i < 4; ++i) {
      lanes[i] = (lanes[i] ^ words[i]) * kPrime;
      lanes[i] ^= lanes[i] >> 29;
    }
  }
  uint64_t hash = bytes.size();
  for (uint64_t lane : lanes) hash = (hash ^ lane) * kPrime, hash ^= hash >> 32;
  for (; at < bytes.size(); ++at) hash = (hash ^ std::to_integer<uint64_t>(bytes[at])) * kPrime;
  return hash ^ hash >> 31;
}

bool load_packed(const std::string& folder, uint64_t key, std::span<std::byte> target,
                 unsigned threads) {
  const std::filesystem::path path = file_of(folder, key);
  std::ifstream file(path, std::ios::binary);
  Header header;
  if (!file.read(reinterpret_cast<char*>(&header), sizeof header)) return false;
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 || header.key != key ||
      header.bytes != target.size()) {
    return false;
  }
  std::vector<uint64_t> hashes(piece_count(target.size()));
  if (!file.read(reinterpret_cast<char*>(hashes.data()),
                 static_cast<std::streamsize>(hashes.size() * 8)))
    return false;
  if (quick_hash(std::as_bytes(std::span(hashes)), key) != header.table_hash) return false;
  std::atomic<bool> sound{true};
  parallel_for(hashes.size(), threads, [&](size_t piece) {
    if (!sound.load(std::memory_order_relaxed)) return;
    const auto part =
        target.subspan(piece * kPiece, std::min(kPiece, target.size() - piece * kPiece));
    std::ifstream own(path, std::ios::binary);
    own.seekg(static_cast<std::streamoff>(data_offset(target.size()) + piece * kPiece));
    if (!own.read(reinterpret_cast<char*>(part.data()),
                  static_cast<std::streamsize>(part.size())) ||
        quick_hash(part, piece) != hashes[piece]) {
      sound.store(false, std::memory_order_relaxed);
    }
  });
  return sound.load();
}

bool save_packed(const std::string& folder, uint64_t key, std::span<const std::byte> source,
                 unsigned threads) {
  std::error_code error;
  std::filesystem::create_directories(utf8_path(folder), error);
  if (error) return false;
  const std::filesystem::path path = file_of(folder, key);
  std::filesystem::path part = path;
  part += "." + std::to_string(now_ns()) + ".part";  // two processes may write at once
  std::vector<uint64_t> hashes(piece_count(source.size()));
  parallel_for(hashes.size(), threads, [&](size_t piece) {
    hashes[piece] = quick_hash(
        source.subspan(piece * kPiece, std::min(kPiece, source.size() - piece * kPiece)), piece);
  });
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.key = key;
  header.bytes = source.size();
  header.table_hash = quick_hash(std::as_bytes(std::span(hashes)), key);
  bool written = false;
  {
    std::ofstream file(part, std::ios::binary);
    const std::vector<char> padding(data_offset(source.size()) - sizeof header - hashes.size() * 8);
    file.write(reinterpret_cast<const char*>(&header), sizeof header);
    file.write(reinterpret_cast<const char*>(hashes.data()),
               static_cast<std::streamsize>(hashes.size() * 8));
    file.write(padding.data(), static_cast<std::streamsize>(padding.size()));
    file.write(reinterpret_cast<const char*>(source.data()),
               static_cast<std::streamsize>(source.size()));
    file.close();
    written = file.good();
  }
  if (written) std::filesystem::rename(part, path, error);
  if (!written || error) {
    std::error_code ignored;  // nothing more can be done about a file that can't be removed either
    std::filesystem::remove(part, ignored);
    return false;
  }
  return true;
}

}  // namespace npb::cpu

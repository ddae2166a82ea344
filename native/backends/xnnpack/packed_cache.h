// Packed weights kept in a file, so that the next start reads them instead of packing again. The
// file is an image of the weights' memory with a hash per piece: a damaged or foreign file is never
// used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace npb::cpu {

/// 64 bits over any bytes; not meant against an attacker, only against accidents.
uint64_t quick_hash(std::span<const std::byte> bytes, uint64_t seed);

/// Fills `target` from the file of this key. False: there is none, or it is damaged or of another
/// size; `target` may then hold anything.
bool load_packed(const std::string& folder, uint64_t key, std::span<std::byte> target,
                 unsigned threads);

/// Writes the file beside its place and renames it, so that readers see a whole file or none. A
/// full or read-only disk leaves no file: the next start packs again.
bool save_packed(const std::string& folder, uint64_t key, std::span<const std::byte> source,
                 unsigned threads);

}  // namespace npb::cpu

// The GGUF file format, versions 2 and 3 (ggml/docs/gguf.md): header, metadata, tensor directory.
// The file is not trusted: every count, length, offset and product is checked against the bytes
// that are there before anything is read or allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "core/result.h"
#include "model/weights.h"

namespace npb {

/// As the format numbers them.
enum class GgufType : uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12,
};

/// A checked view of an array's elements, as they lie in the file.
struct GgufArray {
  GgufType type = GgufType::u8;  // of the elements
  uint64_t count = 0;
  std::span<const std::byte> bytes;
};

/// Integers are widened to uint64_t or int64_t, f32 to double. Strings and arrays are views of the
/// file.
using GgufValue = std::variant<uint64_t, int64_t, double, bool, std::string_view, GgufArray>;

/// Valid as long as the bytes it was parsed from.
struct GgufFile {
  uint32_t version = 0;
  std::vector<std::pair<std::string_view, GgufValue>> metadata;  // in file order
  std::unordered_map<std::string_view, size_t> index;            // key -> position in metadata
  std::vector<WeightInfo> tensors;                               // in file order
  std::vector<uint64_t> offsets;  // of each tensor, from the file's start

  /// Null if there is no such key.
  const GgufValue* find(std::string_view key) const;

  // Typed reading; empty if the key is missing or of another kind.
  std::optional<uint64_t> unsigned_number(std::string_view key) const;  // any non-negative integer
  std::optional<double> number(std::string_view key) const;             // any integer or float
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::string_view> text(std::string_view key) const;
  /// Elements of an array; empty if missing or of another kind.
  std::vector<std::string_view> texts(std::string_view key) const;
  std::vector<double> numbers(std::string_view key) const;
};

/// `path` only names the file in messages. Errors: invalid_model, unsupported (version, byte order,
/// tensor type).
Result<GgufFile> parse_gguf(std::span<const std::byte> bytes, const std::string& path);

/// One line for people: numbers and text as they are (shortened), arrays by type and length.
std::string describe(const GgufValue& value);

}  // namespace npb

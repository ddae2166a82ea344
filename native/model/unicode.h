// The little of Unicode that tokenizers need: UTF-8, general categories, lower case, canonical
// decomposition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace npb::unicode {

/// General categories as far as tokenizers tell them apart; `control` is all of C (also
/// unassigned).
enum class CharClass : uint8_t {
  letter,
  number,
  punctuation,
  symbol,
  separator,
  control,
  mark,
  nonspacing_mark,
  unassigned,
};

constexpr uint32_t kReplacement = 0xfffd;

/// The code point at `at` (below text.size()); sets `length` to its bytes. A malformed byte reads
/// as kReplacement of length 1.
uint32_t decode(std::string_view text, size_t at, size_t& length);
void append(std::string& text, uint32_t code);

CharClass class_of(uint32_t code);
inline bool is_letter(uint32_t code) { return class_of(code) == CharClass::letter; }
inline bool is_number(uint32_t code) { return class_of(code) == CharClass::number; }
/// Unicode's White_Space property.
bool is_space(uint32_t code);

/// Appends the lower case of `code`.
void append_lower(std::string& text, uint32_t code);
/// Appends the canonical decomposition (NFD) of `code`: itself if it has none.
void append_decomposed(std::vector<uint32_t>& codes, uint32_t code);

// Tables, generated into unicode_tables.cc.
struct CodePair {
  uint32_t from;
  uint32_t to;
};
struct Decomposition {
  uint32_t from;
  uint32_t to[4];  // padded with 0
};
extern const uint32_t kClassRuns[];  // first code of a run << 4 | CharClass, ascending
extern const size_t kClassRunsCount;
extern const CodePair kLower[];  // ascending; single code points only
extern const size_t kLowerCount;
extern const Decomposition kDecompositions[];  // ascending, without Hangul
extern const size_t kDecompositionsCount;

}  // namespace npb::unicode

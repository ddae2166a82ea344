#include "model/unicode.h"

#include <algorithm>

namespace npb::unicode {

uint32_t decode(std::string_view text, size_t at, size_t& length) {
  const auto byte = [&](size_t i) -> uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto tail = [&](size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const uint32_t first = byte(at);
  length = 1;
  if (first < 0x80) return first;
  if (first >= 0xc2 && first < 0xe0 && tail(at + 1)) {
    length = 2;
    return (first & 0x1f) << 6 | (byte(at + 1) & 0x3f);
  }
  if (first >= 0xe0 && first < 0xf0 && tail(at + 1) && tail(at + 2)) {
    const uint32_t code = (first & 0xf) << 12 | (byte(at + 1) & 0x3f) << 6 | (byte(at + 2) & 0x3f);
    if (code < 0x800 || (code >= 0xd800 && code < 0xe000)) return kReplacement;
    length = 3;
    return code;
  }
  if (first >= 0xf0 && first < 0xf5 && tail(at + 1) && tail(at + 2) && tail(at + 3)) {
    const uint32_t code = (first & 7) << 18 | (byte(at + 1) & 0x3f) << 12 |
                          (byte(at + 2) & 0x3f) << 6 | (byte(at + 3) & 0x3f);
    if (code < 0x10000 || code > 0x10ffff) return kReplacement;
    length = 4;
    return code;
  }
  return kReplacement;
}

void append(std::string& text, uint32_t code) {
  const auto put = [&](uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

CharClass class_of(uint32_t code) {
  const uint32_t* end = kClassRuns + kClassRunsCount;
  const uint32_t* after = std::upper_bound(kClassRuns, end, code << 4 | 0xf);
  return static_cast<CharClass>(after[-1] & 0xf);
}

bool is_space(uint32_t code) {
  return (code >= 9 && code <= 13) || code == 0x20 || code == 0x85 || code == 0xa0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 ||
         code == 0x202f || code == 0x205f || code == 0x3000;
}

void append_lower(std::string& text, uint32_t code) {
  if (code == 0x130) {  // the one letter whose lower case is two code points
    append(text, 'i');
    append(text, 0x307);
    return;
  }
  const CodePair* end = kLower + kLowerCount;
  const CodePair* found = std::lower_bound(
      kLower, end, code, [](const CodePair& pair, uint32_t value) { return pair.from < value; });
  append(text, found != end && found->from == code ? found->to : code);
}

void append_decomposed(std::vector<uint32_t>& codes, uint32_t code) {
  if (code >= 0xac00 && code <= 0xd7a3) {  // Hangul syllable: leading, vowel, trailing
    const uint32_t index = code - 0xac00;
    codes.push_back(0x1100 + index / 588);
    codes.push_back(0x1161 + index % 588 / 28);
    if (index % 28 != 0) codes.push_back(0x11a7 + index % 28);
    return;
  }
  const Decomposition* end = kDecompositions + kDecompositionsCount;
  const Decomposition* found = std::lower_bound(
      kDecompositions, end, code,
      [](const Decomposition& entry, uint32_t value) { return entry.from < value; });
  if (found == end || found->from != code) {
    codes.push_back(code);
    return;
  }
  for (const uint32_t part : found->to) {
    if (part != 0) codes.push_back(part);
  }
}

}  // namespace npb::unicode

#include "core/json.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace npb {

namespace {

constexpr int kMaxDepth = 64;

void append_utf8(std::string& text, uint32_t code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xc0 | (code >> 6));
    text += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    text += static_cast<char>(0xe0 | (code >> 12));
    text += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    text += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    text += static_cast<char>(0xf0 | (code >> 18));
    text += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
    text += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    text += static_cast<char>(0x80 | (code & 0x3f));
  }
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

// Recursive descent; every function returns false after setting problem_.
class JsonParser {
 public:
  explicit JsonParser(std::string_view text) : text_(text) {}

  bool document(Json& value) {
    if (!parse_value(value, 0)) return false;
    skip_space();
    return at_ == text_.size() || fail("text follows the value");
  }
  const char* problem() const { return problem_; }
  size_t line() const {
    return 1 + static_cast<size_t>(
                   std::count(text_.begin(), text_.begin() + static_cast<ptrdiff_t>(at_), '\n'));
  }

 private:
  bool fail(const char* problem) {
    problem_ = problem;
    return false;
  }
  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
      ++at_;
  }
  bool accept(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return fail("an unknown word");
    at_ += expected.size();
    return true;
  }

  bool parse_value(Json& value, int depth) {
    if (depth > kMaxDepth) return fail("nested too deeply");
    skip_space();
    if (at_ >= text_.size()) return fail("the text ends too early");
    switch (text_[at_]) {
      case '{':
        return object(value, depth);
      case '[':
        return array(value, depth);
      case '"':
        value.kind_ = Json::Kind::string;
        return string(value.string_);
      case 't':
      case 'f':
        value.kind_ = Json::Kind::boolean;
        value.boolean_ = text_[at_] == 't';
        return word(value.boolean_ ? "true" : "false");
      case 'n':
        return word("null");
      default:
        return number(value);
    }
  }

  bool object(Json& value, int depth) {
    value.kind_ = Json::Kind::object;
    ++at_;
    skip_space();
    if (accept('}')) return true;
    do {
      skip_space();
      if (at_ >= text_.size() || text_[at_] != '"') return fail("a key was expected");
      Json::Member& member = value.members_.emplace_back();
      if (!string(member.first)) return false;
      skip_space();
      if (!accept(':')) return fail("a colon was expected");
      if (!parse_value(member.second, depth + 1)) return false;
      skip_space();
    } while (accept(','));
    if (!accept('}')) return fail("a comma or closing brace was expected");
    return unique_keys(value.members_);
  }

  bool unique_keys(const std::vector<Json::Member>& members) {
    std::vector<std::string_view> keys;
    keys.reserve(members.size());
    for (const Json::Member& member : members) keys.push_back(member.first);
    std::sort(keys.begin(), keys.end());
    return std::adjacent_find(keys.begin(), keys.end()) == keys.end() ||
           fail("a key appears twice");
  }

  bool array(Json& value, int depth) {
    value.kind_ = Json::Kind::array;
    ++at_;
    skip_space();
    if (accept(']')) return true;
    do {
      if (!parse_value(value.elements_.emplace_back(), depth + 1)) return false;
      skip_space();
    } while (accept(','));
    return accept(']') || fail("a comma or closing bracket was expected");
  }

  bool hex4(uint32_t& code) {
    code = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = at_ < text_.size() ? text_[at_++] : '\0';
      uint32_t digit = 0;
      if (is_digit(c)) {
        digit = static_cast<uint32_t>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        digit = static_cast<uint32_t>(c - 'a' + 10);
      } else if (c >= 'A' && c <= 'F') {
        digit = static_cast<uint32_t>(c - 'A' + 10);
      } else {
        return fail("a bad \\u escape");
      }
      code = code * 16 + digit;
    }
    return true;
  }

  bool escape(std::string& target) {
    const char c = at_ < text_.size() ? text_[at_++] : '\0';
    switch (c) {
      case '"':
      case '\\':
      case '/':
        target += c;
        return true;
      case 'b':
        target += '\b';
        return true;
      case 'f':
        target += '\f';
        return true;
      case 'n':
        target += '\n';
        return true;
      case 'r':
        target += '\r';
        return true;
      case 't':
        target += '\t';
        return true;
      case 'u':
        break;
      default:
        return fail("an unknown escape");
    }
    uint32_t code = 0;
    if (!hex4(code)) return false;
    if (code >= 0xdc00 && code < 0xe000) return fail("half a surrogate pair");
    if (code >= 0xd800 && code < 0xdc00) {
      uint32_t low = 0;
      if (!accept('\\') || !accept('u') || !hex4(low) || low < 0xdc00 || low > 0xdfff) {
        return fail("half a surrogate pair");
      }
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(target, code);
    return true;
  }

  bool string(std::string& target) {
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return fail("a control character in a string");
      ++at_;
      if (c == '\\') {
        if (!escape(target)) return false;
      } else {
        target += c;
      }
    }
    return fail("a string without end");
  }

  bool number(Json& value) {
    const size_t start = at_;
    const bool negative = accept('-');
    const auto digits = [&] {
      const size_t first = at_;
      while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
      return at_ > first;
    };
    const bool zero = accept('0');
    if (!zero && !digits()) return fail("a value was expected");
    bool integer = !negative;
    if (accept('.')) {
      integer = false;
      if (!digits()) return fail("a digit was expected");
    }
    if (accept('e') || accept('E')) {
      integer = false;
      if (!accept('+')) accept('-');
      if (!digits()) return fail("a digit was expected");
    }
    const std::string spelling(text_.substr(start, at_ - start));
    value.kind_ = Json::Kind::number;
    value.number_ = std::strtod(spelling.c_str(), nullptr);
    if (integer) {
      const auto result =
          std::from_chars(spelling.data(), spelling.data() + spelling.size(), value.integer_);
      value.unsigned_integer_ = result.ec == std::errc();
    }
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  const char* problem_ = "";
};

Result<Json> Json::parse(std::string_view text, const std::string& what) {
  JsonParser parser(text);
  Json value;
  if (!parser.document(value)) {
    return Error{ErrorCode::invalid_model, what + " is not valid JSON (line " +
                                               std::to_string(parser.line()) + ": " +
                                               parser.problem() + ")."};
  }
  return value;
}

std::optional<bool> Json::as_bool() const {
  return kind_ == Kind::boolean ? std::optional(boolean_) : std::nullopt;
}
std::optional<double> Json::as_number() const {
  return kind_ == Kind::number ? std::optional(number_) : std::nullopt;
}
std::optional<uint64_t> Json::as_unsigned() const {
  return unsigned_integer_ ? std::optional(integer_) : std::nullopt;
}
const std::string* Json::as_string() const { return kind_ == Kind::string ? &string_ : nullptr; }

const Json* Json::find(std::string_view key) const {
  for (const Member& member : members_) {
    if (member.first == key) return &member.second;
  }
  return nullptr;
}

const std::vector<Json>& Json::elements(std::string_view key) const {
  static const std::vector<Json> kNone;
  const Json* value = find(key);
  return value ? value->elements() : kNone;
}

const std::vector<Json::Member>& Json::members(std::string_view key) const {
  static const std::vector<Member> kNone;
  const Json* value = find(key);
  return value ? value->members() : kNone;
}

}  // namespace npb

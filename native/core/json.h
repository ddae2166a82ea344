// A strict reader of JSON (RFC 8259) for the small files beside a model: config.json,
// tokenizer.json, the header of a safetensors file. No extensions, no duplicate keys, bounded
// depth.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace npb {

class Json {
 public:
  enum class Kind { null, boolean, number, string, array, object };
  using Member = std::pair<std::string, Json>;

  /// `what` names the text in errors ("model/config.json"). Errors: invalid_model.
  static Result<Json> parse(std::string_view text, const std::string& what);

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::null; }
  bool is_string() const { return kind_ == Kind::string; }
  bool is_array() const { return kind_ == Kind::array; }
  bool is_object() const { return kind_ == Kind::object; }

  /// Empty when the value is of another kind.
  std::optional<bool> as_bool() const;
  std::optional<double> as_number() const;
  /// Only numbers written without fraction and exponent, from 0 to 2^64 - 1.
  std::optional<uint64_t> as_unsigned() const;
  const std::string* as_string() const;

  /// Elements of an array in order; empty for other kinds.
  const std::vector<Json>& elements() const { return elements_; }
  /// Members of an object in the order of the text; empty for other kinds.
  const std::vector<Member>& members() const { return members_; }
  /// Null if this is no object or has no such member.
  const Json* find(std::string_view key) const;
  /// The elements or members of such a member; empty if there is none.
  const std::vector<Json>& elements(std::string_view key) const;
  const std::vector<Member>& members(std::string_view key) const;

 private:
  friend class JsonParser;
  Kind kind_ = Kind::null;
  bool boolean_ = false;
  bool unsigned_integer_ = false;
  double number_ = 0.0;
  uint64_t integer_ = 0;
  std::string string_;
  std::vector<Json> elements_;
  std::vector<Member> members_;
};

}  // namespace npb

#include "model/gguf.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>

namespace npb {

namespace {

constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr uint32_t kMaxDimensions = 4;
constexpr uint64_t kMaxKeyBytes = 65535;
constexpr uint64_t kMaxNameBytes = 256;  // the format says 64; writers go a little beyond
constexpr uint64_t kMaxAlignment = 1 << 20;
constexpr int kMaxArrayDepth = 4;
// Smallest encodings: key length + type + one byte; name length + dimension count + type + offset.
constexpr uint64_t kMinMetadataBytes = 8 + 4 + 1;
constexpr uint64_t kMinTensorBytes = 8 + 4 + 4 + 8;

uint64_t scalar_bytes(GgufType type) {
  switch (type) {
    case GgufType::u8:
    case GgufType::i8:
    case GgufType::boolean:
      return 1;
    case GgufType::u16:
    case GgufType::i16:
      return 2;
    case GgufType::u32:
    case GgufType::i32:
    case GgufType::f32:
      return 4;
    case GgufType::u64:
    case GgufType::i64:
    case GgufType::f64:
      return 8;
    case GgufType::string:
    case GgufType::array:
      break;
  }
  return 0;
}

bool multiply(uint64_t a, uint64_t b, uint64_t& product) {
  if (b != 0 && a > UINT64_MAX / b) return false;
  product = a * b;
  return true;
}

// Text of a file in a message: printable ASCII only, shortened.
std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text.substr(0, 64)) result += c >= 0x20 && c < 0x7f ? c : '?';
  return result + (text.size() > 64 ? "...\"" : "\"");
}

template <class T>
T read_at(const std::byte* data) {
  T value{};
  std::memcpy(&value, data, sizeof value);
  return value;
}

GgufValue scalar_at(GgufType type, const std::byte* data) {
  switch (type) {
    case GgufType::u8:
      return uint64_t{read_at<uint8_t>(data)};
    case GgufType::i8:
      return int64_t{read_at<int8_t>(data)};
    case GgufType::u16:
      return uint64_t{read_at<uint16_t>(data)};
    case GgufType::i16:
      return int64_t{read_at<int16_t>(data)};
    case GgufType::u32:
      return uint64_t{read_at<uint32_t>(data)};
    case GgufType::i32:
      return int64_t{read_at<int32_t>(data)};
    case GgufType::f32:
      return static_cast<double>(read_at<float>(data));
    case GgufType::boolean:
      return read_at<uint8_t>(data) != 0;
    case GgufType::u64:
      return read_at<uint64_t>(data);
    case GgufType::i64:
      return read_at<int64_t>(data);
    case GgufType::f64:
      return read_at<double>(data);
    case GgufType::string:
    case GgufType::array:
      break;
  }
  return uint64_t{0};
}

class Parser {
 public:
  Parser(std::span<const std::byte> bytes, const std::string& path) : bytes_(bytes), path_(path) {}

  Result<GgufFile> parse() {
    uint64_t tensor_count = 0;
    uint64_t metadata_count = 0;
    NPB_TRY(header(tensor_count, metadata_count));
    NPB_TRY(metadata(metadata_count));
    NPB_TRY(alignment());
    NPB_TRY(directory(tensor_count));
    NPB_TRY(place_tensors());
    return std::move(file_);
  }

 private:
  Error damaged(const std::string& problem) const {
    return {ErrorCode::invalid_model,
            path_ + " is damaged: " + problem + "; fetch the file again."};
  }
  Error ends_in(const std::string& where) const {
    return damaged("it ends after " + std::to_string(bytes_.size()) + " bytes, within " + where);
  }
  uint64_t left() const { return bytes_.size() - at_; }

  template <class T>
  bool read(T& value) {
    if (left() < sizeof(T)) return false;
    value = read_at<T>(bytes_.data() + at_);
    at_ += sizeof(T);
    return true;
  }
  // Length-prefixed text; false when it would reach beyond the file.
  bool read(std::string_view& value) {
    uint64_t length = 0;
    if (!read(length) || length > left()) return false;
    value = {reinterpret_cast<const char*>(bytes_.data() + at_), static_cast<size_t>(length)};
    at_ += length;
    return true;
  }

  Result<void> header(uint64_t& tensor_count, uint64_t& metadata_count) {
    uint32_t magic = 0;
    if (!read(magic)) return ends_in("the header");
    if (magic != kMagic) {
      return Error{ErrorCode::invalid_model,
                   path_ + " is not a GGUF file (its first bytes are not \"GGUF\")."};
    }
    if (!read(file_.version)) return ends_in("the header");
    const uint32_t version = file_.version;
    if (version != 0 && (version & 0xffff) == 0) {
      return Error{ErrorCode::unsupported,
                   path_ +
                       " is a big-endian GGUF file, which no supported device reads; use the "
                       "little-endian file of this model."};
    }
    if (version == 1) {
      return Error{ErrorCode::unsupported,
                   path_ + " is GGUF version 1, which is no longer read; convert the model again."};
    }
    if (version != 2 && version != 3) {
      return Error{ErrorCode::unsupported, path_ + " is GGUF version " + std::to_string(version) +
                                               "; versions 2 and 3 can be read."};
    }
    if (!read(tensor_count) || !read(metadata_count)) return ends_in("the header");
    if (metadata_count > left() / kMinMetadataBytes) {
      return damaged("it announces " + std::to_string(metadata_count) +
                     " metadata entries, more than its size can hold");
    }
    if (tensor_count > left() / kMinTensorBytes) {
      return damaged("it announces " + std::to_string(tensor_count) +
                     " tensors, more than its size can hold");
    }
    return {};
  }

  Result<void> metadata(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      const std::string ordinal = "metadata entry " + std::to_string(i + 1);
      std::string_view key;
      uint32_t type = 0;
      if (!read(key)) return ends_in(ordinal);
      if (key.empty() || key.size() > kMaxKeyBytes) {
        return damaged("the key of " + ordinal + " is " + std::to_string(key.size()) +
                       " bytes long");
      }
      const std::string name = "metadata " + quoted(key);
      if (!read(type)) return ends_in(name);
      NPB_TRY_ASSIGN(GgufValue entry, value(type, name));
      if (!file_.index.emplace(key, file_.metadata.size()).second) {
        return damaged(name + " appears twice");
      }
      file_.metadata.emplace_back(key, entry);
    }
    return {};
  }

  Result<GgufValue> value(uint32_t type_number, const std::string& name) {
    NPB_TRY(check_type(type_number, name));
    const auto type = static_cast<GgufType>(type_number);
    if (type == GgufType::string) {
      std::string_view text;
      if (!read(text)) return ends_in(name);
      return GgufValue{text};
    }
    if (type == GgufType::array) {
      GgufArray array;
      NPB_TRY(skip_array(array, name, 0));
      return GgufValue{array};
    }
    const uint64_t size = scalar_bytes(type);
    if (left() < size) return ends_in(name);
    const GgufValue result = scalar_at(type, bytes_.data() + at_);
    at_ += size;
    return result;
  }

  Result<void> check_type(uint32_t number, const std::string& name) const {
    if (number <= static_cast<uint32_t>(GgufType::f64)) return {};
    return damaged(name + " has the unknown value type " + std::to_string(number));
  }

  // Walks an array (of strings or arrays, too) to its end, so that later readers need no checks.
  Result<void> skip_array(GgufArray& array, const std::string& name, int depth) {
    if (depth >= kMaxArrayDepth) return damaged(name + " nests arrays too deeply");
    uint32_t type = 0;
    if (!read(type) || !read(array.count)) return ends_in(name);
    NPB_TRY(check_type(type, name));
    array.type = static_cast<GgufType>(type);
    const uint64_t least = array.type == GgufType::string  ? 8
                           : array.type == GgufType::array ? 12
                                                           : scalar_bytes(array.type);
    if (array.count > left() / least) {
      return damaged(name + " announces " + std::to_string(array.count) +
                     " elements, more than the file can hold");
    }
    const uint64_t start = at_;
    if (array.type == GgufType::string) {
      std::string_view text;
      for (uint64_t i = 0; i < array.count; ++i) {
        if (!read(text)) return ends_in(name);
      }
    } else if (array.type == GgufType::array) {
      GgufArray inner;
      for (uint64_t i = 0; i < array.count; ++i) NPB_TRY(skip_array(inner, name, depth + 1));
    } else {
      at_ += array.count * least;
    }
    array.bytes = bytes_.subspan(start, at_ - start);
    return {};
  }

  Result<void> alignment() {
    if (file_.find("general.alignment") == nullptr) return {};
    const auto value = file_.unsigned_number("general.alignment");
    if (!value || !std::has_single_bit(*value) || *value < 8 || *value > kMaxAlignment) {
      return damaged("general.alignment is not a power of two from 8 to " +
                     std::to_string(kMaxAlignment));
    }
    alignment_ = *value;
    return {};
  }

  Result<void> directory(uint64_t count) {
    file_.tensors.reserve(count);
    file_.offsets.reserve(count);
    for (uint64_t i = 0; i < count; ++i) NPB_TRY(tensor("tensor " + std::to_string(i + 1)));
    return {};
  }

  Result<void> tensor(const std::string& ordinal) {
    std::string_view name;
    if (!read(name)) return ends_in("the entry of " + ordinal);
    if (name.empty() || name.size() > kMaxNameBytes) {
      return damaged("the name of " + ordinal + " is " + std::to_string(name.size()) +
                     " bytes long");
    }
    const std::string what = "tensor " + quoted(name);
    uint32_t dimensions = 0;
    if (!read(dimensions)) return ends_in("the entry of " + what);
    if (dimensions == 0 || dimensions > kMaxDimensions) {
      return damaged(what + " has " + std::to_string(dimensions) + " dimensions");
    }
    WeightInfo info;
    info.name = name;
    info.rows = 1;
    for (uint32_t d = 0; d < dimensions; ++d) {
      uint64_t size = 0;
      if (!read(size)) return ends_in("the entry of " + what);
      if (size == 0) return damaged(what + " has a dimension of size 0");
      if (d == 0) {
        info.cols = size;
      } else if (!multiply(info.rows, size, info.rows)) {
        return damaged("the dimensions of " + what + " overflow");
      }
    }
    uint32_t type = 0;
    uint64_t offset = 0;
    if (!read(type) || !read(offset)) return ends_in("the entry of " + what);
    const TensorTypeInfo* type_info = tensor_type_info(type);
    if (type_info == nullptr) {
      return Error{ErrorCode::unsupported,
                   path_ + ": " + what + " has the type number " + std::to_string(type) +
                       ", which is not supported; use a file in F32, F16, BF16, Q8_0, Q4_0, Q4_1, "
                       "Q5_0, Q5_1, Q2_K to Q6_K or IQ4_NL."};
    }
    info.type = type_info->type;
    if (info.cols % type_info->block_weights != 0) {
      return damaged("the rows of " + what + " have " + std::to_string(info.cols) +
                     " weights, no multiple of " + std::string(type_info->name) + "'s block of " +
                     std::to_string(type_info->block_weights));
    }
    uint64_t row = 0;
    uint64_t bytes = 0;
    if (!multiply(info.cols / type_info->block_weights, type_info->block_bytes, row) ||
        !multiply(row, info.rows, bytes)) {
      return damaged("the dimensions of " + what + " overflow");
    }
    if (bytes > bytes_.size()) {
      return damaged(what + " would take " + std::to_string(bytes) + " bytes of a file of " +
                     std::to_string(bytes_.size()));
    }
    if (offset % alignment_ != 0) {
      return damaged("the data of " + what + " starts at byte " + std::to_string(offset) +
                     ", not on a multiple of " + std::to_string(alignment_));
    }
    file_.tensors.push_back(std::move(info));
    file_.offsets.push_back(offset);
    return {};
  }

  // Offsets in the directory count from the end of the header, rounded up to the alignment.
  Result<void> place_tensors() {
    const uint64_t data = (at_ + alignment_ - 1) / alignment_ * alignment_;
    const size_t count = file_.tensors.size();
    for (size_t i = 0; i < count; ++i) {
      const std::string& name = file_.tensors[i].name;
      const uint64_t bytes = file_.tensors[i].bytes();
      uint64_t& offset = file_.offsets[i];
      if (data > bytes_.size() || offset > bytes_.size() - data ||
          bytes > bytes_.size() - data - offset) {
        return damaged("the data of tensor " + quoted(name) + " (" + std::to_string(bytes) +
                       " bytes) reaches beyond the file's end at byte " +
                       std::to_string(bytes_.size()));
      }
      offset += data;
    }
    std::vector<size_t> order(count);
    for (size_t i = 0; i < count; ++i) order[i] = i;
    std::sort(order.begin(), order.end(),
              [&](size_t a, size_t b) { return file_.offsets[a] < file_.offsets[b]; });
    for (size_t i = 1; i < count; ++i) {
      const size_t before = order[i - 1];
      if (file_.offsets[before] + file_.tensors[before].bytes() > file_.offsets[order[i]]) {
        return damaged("the data of tensors " + quoted(file_.tensors[before].name) + " and " +
                       quoted(file_.tensors[order[i]].name) + " overlap");
      }
    }
    std::vector<std::string_view> names(count);
    for (size_t i = 0; i < count; ++i) names[i] = file_.tensors[i].name;
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice != names.end()) return damaged("tensor " + quoted(*twice) + " appears twice");
    return {};
  }

  std::span<const std::byte> bytes_;
  const std::string& path_;
  uint64_t at_ = 0;
  uint64_t alignment_ = 32;
  GgufFile file_;
};

const GgufArray* array_of(const GgufValue* value) {
  return value ? std::get_if<GgufArray>(value) : nullptr;
}

std::optional<double> as_number(const GgufValue& value) {
  if (const auto* number = std::get_if<uint64_t>(&value)) return static_cast<double>(*number);
  if (const auto* number = std::get_if<int64_t>(&value)) return static_cast<double>(*number);
  if (const auto* number = std::get_if<double>(&value)) return *number;
  return std::nullopt;
}

const char* type_name(GgufType type) {
  constexpr const char* kNames[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                    "bool", "string", "array", "u64", "i64", "f64"};
  return kNames[static_cast<uint32_t>(type)];
}

}  // namespace

Result<GgufFile> parse_gguf(std::span<const std::byte> bytes, const std::string& path) {
  return Parser(bytes, path).parse();
}

const GgufValue* GgufFile::find(std::string_view key) const {
  const auto found = index.find(key);
  return found == index.end() ? nullptr : &metadata[found->second].second;
}

std::optional<uint64_t> GgufFile::unsigned_number(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* number = std::get_if<uint64_t>(value)) return *number;
  const auto* number = std::get_if<int64_t>(value);
  if (number != nullptr && *number >= 0) return static_cast<uint64_t>(*number);
  return std::nullopt;
}

std::optional<double> GgufFile::number(std::string_view key) const {
  const GgufValue* value = find(key);
  return value ? as_number(*value) : std::nullopt;
}

std::optional<bool> GgufFile::boolean(std::string_view key) const {
  const GgufValue* value = find(key);
  const bool* flag = value ? std::get_if<bool>(value) : nullptr;
  return flag ? std::optional(*flag) : std::nullopt;
}

std::optional<std::string_view> GgufFile::text(std::string_view key) const {
  const GgufValue* value = find(key);
  const auto* text = value ? std::get_if<std::string_view>(value) : nullptr;
  return text ? std::optional(*text) : std::nullopt;
}

std::vector<std::string_view> GgufFile::texts(std::string_view key) const {
  const GgufArray* array = array_of(find(key));
  if (array == nullptr || array->type != GgufType::string) return {};
  std::vector<std::string_view> result;
  result.reserve(array->count);
  const std::byte* at = array->bytes.data();
  for (uint64_t i = 0; i < array->count; ++i) {
    const auto length = static_cast<size_t>(read_at<uint64_t>(at));
    result.emplace_back(reinterpret_cast<const char*>(at + 8), length);
    at += 8 + length;
  }
  return result;
}

std::vector<double> GgufFile::numbers(std::string_view key) const {
  const GgufArray* array = array_of(find(key));
  const uint64_t size = array ? scalar_bytes(array->type) : 0;
  if (size == 0) return {};
  std::vector<double> result;
  result.reserve(array->count);
  for (uint64_t i = 0; i < array->count; ++i) {
    const GgufValue element = scalar_at(array->type, array->bytes.data() + i * size);
    const bool* flag = std::get_if<bool>(&element);
    result.push_back(flag ? (*flag ? 1.0 : 0.0) : as_number(element).value_or(0.0));
  }
  return result;
}

std::string describe(const GgufValue& value) {
  constexpr size_t kLongest = 120;
  if (const auto* array = std::get_if<GgufArray>(&value)) {
    return std::string(type_name(array->type)) + "[" + std::to_string(array->count) + "]";
  }
  if (const bool* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<uint64_t>(&value)) return std::to_string(*number);
  if (const auto* number = std::get_if<int64_t>(&value)) return std::to_string(*number);
  if (const auto* number = std::get_if<double>(&value)) {
    char text[32];
    std::snprintf(text, sizeof text, "%.9g", *number);
    return text;
  }
  std::string text;
  for (const char c : std::get<std::string_view>(value).substr(0, kLongest)) {
    const auto code = static_cast<unsigned char>(c);
    text += code < 0x20 || code >= 0x7f ? (c == '\n' ? ' ' : '?') : c;
  }
  return std::get<std::string_view>(value).size() > kLongest ? text + "..." : text;
}

}  // namespace npb

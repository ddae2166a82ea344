#include "backends/qnn/tensor_data.h"

#include <bit>
#include <cstdio>
#include <cstring>

#include "core/half.h"

namespace npb::qnn {
namespace {

enum class Content { integer, real, fixed, boolean };

struct DataType {
  uint32_t code;
  const char* name;
  uint32_t bits;
  Content content;
};
constexpr DataType kTypes[] = {
    {kInt8, "int8", 8, Content::integer},        {kInt16, "int16", 16, Content::integer},
    {kInt32, "int32", 32, Content::integer},     {kInt64, "int64", 64, Content::integer},
    {kUint8, "uint8", 8, Content::integer},      {kUint16, "uint16", 16, Content::integer},
    {kUint32, "uint32", 32, Content::integer},   {kUint64, "uint64", 64, Content::integer},
    {kFloat16, "float16", 16, Content::real},    {kFloat32, "float32", 32, Content::real},
    {kFloat64, "float64", 64, Content::real},    {kBfloat16, "bfloat16", 16, Content::real},
    {kSfixed4, "sfixed4", 4, Content::fixed},    {kSfixed8, "sfixed8", 8, Content::fixed},
    {kSfixed16, "sfixed16", 16, Content::fixed}, {kSfixed32, "sfixed32", 32, Content::fixed},
    {kUfixed4, "ufixed4", 4, Content::fixed},    {kUfixed8, "ufixed8", 8, Content::fixed},
    {kUfixed16, "ufixed16", 16, Content::fixed}, {kUfixed32, "ufixed32", 32, Content::fixed},
    {kBool8, "bool8", 8, Content::boolean},
};

const DataType* find_type(uint32_t code) {
  for (const DataType& type : kTypes) {
    if (type.code == code) return &type;
  }
  return nullptr;
}

uint64_t next_random(uint64_t& state) {  // SplitMix64
  uint64_t z = state += 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

/// The bits of a number in [-1, 1) in the type's format.
uint64_t real_bits(uint32_t code, double value) {
  const auto single = static_cast<float>(value);
  switch (code) {
    case kFloat16:
      return f32_to_f16(single);
    case kBfloat16:
      return std::bit_cast<uint32_t>(single) >> 16;
    case kFloat64:
      return std::bit_cast<uint64_t>(value);
    default:
      return std::bit_cast<uint32_t>(single);
  }
}

}  // namespace

std::string data_type_name(uint32_t data_type) {
  if (const DataType* type = find_type(data_type)) return type->name;
  char text[24];
  std::snprintf(text, sizeof text, "type 0x%03x", data_type);
  return text;
}

uint64_t tensor_bytes(uint32_t data_type, uint64_t count) {
  const DataType* type = find_type(data_type);
  if (!type || count > UINT64_MAX / 64 - 1) return 0;
  return (count * type->bits + 7) / 8;
}

std::string quantization_text(const Quantization& quantization) {
  if (quantization.definition != 1) return {};
  char text[80];
  const ScaleOffset& whole =
      quantization.encoding == 2 ? quantization.bits.scale_offset : quantization.scale_offset;
  if (quantization.encoding == 0 || quantization.encoding == 2)
    std::snprintf(text, sizeof text, "scale %.6g, offset %d", static_cast<double>(whole.scale),
                  whole.offset);
  else if (quantization.encoding == 1)
    std::snprintf(text, sizeof text, "per channel of axis %d", quantization.axis.axis);
  else
    std::snprintf(text, sizeof text, "encoding %u", quantization.encoding);
  return text;
}

void generate_input(uint32_t data_type, uint64_t seed, const std::string& name,
                    std::span<std::byte> data) {
  const DataType* type = find_type(data_type);
  if (!type) return;
  uint64_t state = seed ^ 0xcbf29ce484222325ull;
  for (const char c : name) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  const size_t width = type->bits < 8 ? 1 : type->bits / 8;  // two elements of 4 bits at once
  for (size_t at = 0; at + width <= data.size(); at += width) {
    const uint64_t random = next_random(state);
    uint64_t bits = random;
    if (type->content == Content::integer || type->content == Content::boolean)
      bits = random >> 63;
    else if (type->content == Content::real)
      bits = real_bits(data_type, static_cast<double>(random >> 11) * 0x1p-52 - 1.0);
    std::memcpy(data.data() + at, &bits, width);  // little-endian, as every target is
  }
}

}  // namespace npb::qnn

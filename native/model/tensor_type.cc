#include "model/tensor_type.h"

#include <array>
#include <cctype>

namespace npb {

namespace {

constexpr std::array<TensorTypeInfo, 14> kTypes{{
    {TensorType::f32, "F32", 1, 4},
    {TensorType::f16, "F16", 1, 2},
    {TensorType::q4_0, "Q4_0", 32, 18},
    {TensorType::q4_1, "Q4_1", 32, 20},
    {TensorType::q5_0, "Q5_0", 32, 22},
    {TensorType::q5_1, "Q5_1", 32, 24},
    {TensorType::q8_0, "Q8_0", 32, 34},
    {TensorType::q2_k, "Q2_K", 256, 84},
    {TensorType::q3_k, "Q3_K", 256, 110},
    {TensorType::q4_k, "Q4_K", 256, 144},
    {TensorType::q5_k, "Q5_K", 256, 176},
    {TensorType::q6_k, "Q6_K", 256, 210},
    {TensorType::iq4_nl, "IQ4_NL", 32, 18},
    {TensorType::bf16, "BF16", 1, 2},
}};

}  // namespace

const TensorTypeInfo* tensor_type_info(uint32_t gguf_number) {
  for (const TensorTypeInfo& info : kTypes) {
    if (static_cast<uint32_t>(info.type) == gguf_number) return &info;
  }
  return nullptr;
}

const TensorTypeInfo& tensor_type_info(TensorType type) {
  return *tensor_type_info(static_cast<uint32_t>(type));
}

std::optional<TensorType> tensor_type_from_name(std::string_view name) {
  for (const TensorTypeInfo& info : kTypes) {
    if (info.name.size() != name.size()) continue;
    size_t same = 0;
    while (same < name.size() &&
           std::toupper(static_cast<unsigned char>(name[same])) == info.name[same]) {
      ++same;
    }
    if (same == name.size()) return info.type;
  }
  return std::nullopt;
}

}  // namespace npb

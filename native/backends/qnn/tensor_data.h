// What the bytes of a QNN tensor are: names and sizes of data types, quantisation in words, and
// inputs made up for a graph that comes without any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "backends/qnn/abi.h"

namespace npb::qnn {

/// "float16", "ufixed8" (unsigned fixed point of 8 bits); "type 0x…" for an unknown one.
std::string data_type_name(uint32_t data_type);

/// Bytes of `count` elements; types of 4 bits hold two in a byte. 0: unknown type or overflow.
uint64_t tensor_bytes(uint32_t data_type, uint64_t count);

/// "scale 0.02, offset -128", "encoding 5"; empty where undefined. Nothing behind pointers is read.
std::string quantization_text(const Quantization& quantization);

/// Fills `data` with elements that depend on `seed` and `name` only: floats in [-1, 1), fixed-point
/// numbers over their whole range, and 0 or 1 for plain integers and booleans, because those are
/// most often ids, positions or masks, where larger ones may reach outside a table.
void generate_input(uint32_t data_type, uint64_t seed, const std::string& name,
                    std::span<std::byte> data);

}  // namespace npb::qnn

#include "backends/xnnpack/formats.h"

#include "backends/xnnpack/pack_blocks.h"

namespace npb::cpu {
namespace {

Format blocks(BlockFormat format) { return {.family = Format::Family::blocks, .blocks = format}; }
Format dense(bool half) { return {.family = Format::Family::dense, .half = half}; }
Format xnnpack(XnnFormat format, bool minimums = false) {
  return {.family = Format::Family::xnnpack, .xnnpack = format, .with_minimums = minimums};
}

bool narrow(BlockFormat format) {
  return format == BlockFormat::q4 || format == BlockFormat::q4_min;
}

bool plain(TensorType type) {
  return type == TensorType::f32 || type == TensorType::f16 || type == TensorType::bf16;
}

Format choose_blocks(TensorType type, Precision precision) {
  const auto exact = exact_block_format(type);
  if (precision == Precision::int4) {
    return blocks(exact && narrow(*exact) ? *exact : BlockFormat::q4_min);
  }
  if (precision == Precision::int8 && exact && narrow(*exact)) {
    return blocks(*exact == BlockFormat::q4 ? BlockFormat::q8 : BlockFormat::q8_min);
  }
  return blocks(exact.value_or(BlockFormat::q8));
}

Format choose_xnnpack(TensorType type, uint64_t cols, Precision precision) {
  const auto exact = exact_block_format(type);
  const bool divides = cols % kBlock == 0;  // a condition of XNNPACK's 4-bit block format
  if (!divides || precision == Precision::int8) return xnnpack(XnnFormat::qc8w);
  if (exact == BlockFormat::q4) return xnnpack(XnnFormat::qb4w);
  if (exact == BlockFormat::q4_min || precision == Precision::int4)
    return xnnpack(XnnFormat::qb4w, true);
  return xnnpack(XnnFormat::qc8w);
}

}  // namespace

Format choose_format(TensorType type, uint64_t cols, Precision precision, bool own_blocks,
                     bool channels) {
  switch (precision) {
    case Precision::f32:
      return dense(false);
    case Precision::f16:
      return dense(true);
    default:
      if (channels && precision != Precision::int4 && plain(type) && cols <= kMostChannelColumns)
        return {.family = Format::Family::channels};
      return own_blocks ? choose_blocks(type, precision) : choose_xnnpack(type, cols, precision);
  }
}

}  // namespace npb::cpu

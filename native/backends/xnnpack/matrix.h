// A weight matrix in the form that one kind of product reads. Products are made of column panels,
// so that threads share one product by panels (and, where the kind allows it, by rows).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "backends/xnnpack/arena.h"
#include "backends/xnnpack/kernels/kernels.h"

struct xnn_quantization_params;

namespace npb::cpu {

/// Forms of a product's input. A group of products that share an input prepares each form once.
struct InputForms {
  bool floats = false;
  bool blocks = false;    // int8 in blocks of 32, symmetric
  bool rows = false;      // int8 per row, asymmetric: XNNPACK's dynamic quantisation
  bool sums = false;      // f32 sums of 32 columns
  bool channels = false;  // int8 per row, asymmetric, for our own kernels

  InputForms& operator|=(const InputForms& other) {
    floats |= other.floats;
    blocks |= other.blocks;
    rows |= other.rows;
    sums |= other.sums;
    channels |= other.channels;
    return *this;
  }
};

/// The prepared input of one step; row 0 is the step's first row.
struct ProductInput {
  const float* floats = nullptr;
  size_t float_stride = 0;
  BlockRows blocks;
  const int8_t* row_codes =
      nullptr;  // rows of exactly k codes: XNNPACK fixes the stride beforehand
  size_t row_code_stride = 0;
  const xnn_quantization_params* row_params = nullptr;  // 16 more than rows, repeating the last
  const float* sums = nullptr;
  size_t sum_stride = 0;
  ChannelRows channels;
};

class Matrix {
 public:
  Matrix(size_t rows, size_t cols) : n_(rows), k_(cols) {}
  virtual ~Matrix() = default;

  size_t n() const { return n_; }  // output channels
  size_t k() const { return k_; }
  size_t panels() const { return (n_ + kPanel - 1) / kPanel; }

  virtual InputForms input() const = 0;
  /// Panels that must stay together: task borders are multiples of it.
  virtual size_t grain() const { return 1; }
  /// False: all rows of a step go through one call per range of panels.
  virtual bool splits_rows() const { return true; }

  /// out[r * out_stride + column] for rows [row, row + count) and the columns of panels [begin,
  /// end), whole panels. Different ranges may run on different threads at once.
  virtual void multiply(const ProductInput& input, size_t row, size_t count, size_t begin,
                        size_t end, float* out, size_t out_stride) const = 0;

  virtual size_t weight_bytes() const = 0;         // as held
  virtual const char* kernel() const = 0;          // "vnni_q4_min"
  virtual const char* compute_format() const = 0;  // for people

 private:
  size_t n_, k_;
};

/// Panels of quantised blocks, in zeroed memory that somebody else owns and fills.
class BlockMatrix final : public Matrix {
 public:
  static size_t bytes(BlockFormat format, size_t n, size_t k);
  BlockMatrix(const Kernels& kernels, BlockFormat format, size_t n, size_t k);
  void set_memory(std::byte* panels) { panels_ = reinterpret_cast<uint8_t*>(panels); }

  BlockFormat format() const { return format_; }
  size_t units() const { return (k() + kUnit - 1) / kUnit; }
  uint8_t* panel(size_t index) const { return panels_ + index * units() * unit_bytes(format_); }

  InputForms input() const override { return {.blocks = true}; }
  void multiply(const ProductInput& input, size_t row, size_t count, size_t begin, size_t end,
                float* out, size_t out_stride) const override;
  size_t weight_bytes() const override { return bytes(format_, n(), k()); }
  const char* kernel() const override;
  const char* compute_format() const override;

 private:
  const Kernels& kernels_;
  BlockFormat format_;
  uint8_t* panels_ = nullptr;
};

/// Panels of int8 with one scale per channel, in zeroed memory that somebody else owns and fills.
class ChannelMatrix final : public Matrix {
 public:
  static size_t bytes(size_t n, size_t k);
  /// `k` at most kMostChannelColumns.
  ChannelMatrix(const Kernels& kernels, size_t n, size_t k);
  void set_memory(std::byte* memory) { memory_ = memory; }

  /// Packs channels [first, first + 16), of which `rows` exist, from f32 weights [rows][k]: each
  /// channel's largest magnitude becomes code 128 +- 127.
  void pack_panel(size_t panel, const float* weights, size_t rows) const;

  InputForms input() const override;
  void multiply(const ProductInput& input, size_t row, size_t count, size_t begin, size_t end,
                float* out, size_t out_stride) const override;
  size_t weight_bytes() const override { return bytes(n(), k()); }
  const char* kernel() const override { return "channels_q8"; }
  const char* compute_format() const override {
    return "int8 per channel, int8 activations per row";
  }

 private:
  size_t quads() const { return (k() + 3) / 4; }
  uint8_t* codes() const { return reinterpret_cast<uint8_t*>(memory_); }
  float* scales() const { return reinterpret_cast<float*>(memory_ + panels() * quads() * 64); }
  float* sums() const { return scales() + panels() * kPanel; }

  const Kernels& kernels_;
  std::byte* memory_ = nullptr;
};

/// Panels of f32 or f16, in zeroed memory that somebody else owns and fills; products in f32.
class DenseMatrix final : public Matrix {
 public:
  static size_t bytes(bool half, size_t n, size_t k);
  /// `of_sums`: the input are the block sums instead of the columns themselves.
  DenseMatrix(const Kernels& kernels, bool half, size_t n, size_t k, bool of_sums = false);
  void set_memory(std::byte* panels) { panels_ = panels; }

  bool half() const { return half_; }
  std::byte* panel(size_t index) const { return panels_ + index * kPanel * k() * (half_ ? 2 : 4); }

  InputForms input() const override;
  void multiply(const ProductInput& input, size_t row, size_t count, size_t begin, size_t end,
                float* out, size_t out_stride) const override;
  size_t weight_bytes() const override { return bytes(half_, n(), k()); }
  const char* kernel() const override { return half_ ? "panels_f16" : "panels_f32"; }
  const char* compute_format() const override {
    return half_ ? "f16 weights, f32 activations" : "f32";
  }

 private:
  const Kernels& kernels_;
  bool half_;
  bool of_sums_;
  std::byte* panels_ = nullptr;
};

}  // namespace npb::cpu

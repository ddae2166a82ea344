// Products by XNNPACK's fully connected operators: every instruction set that XNNPACK knows.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "backends/xnnpack/matrix.h"
#include "core/result.h"

struct xnn_operator;

namespace npb::cpu {

enum class XnnFormat : uint8_t {
  qc8w,  // int8 per channel, int8 activations per row
  qb4w,  // int4 in blocks of 32 with bf16 scales, int8 activations per row
};

/// Starts XNNPACK once per process. Errors: device_unavailable, out_of_memory.
Result<void> initialize_xnnpack();

/// Slabs of output channels, one operator each, so that threads run different slabs at once and a
/// slab's weights stay in the caches while many rows pass over them. An operator is used by one
/// thread at a time.
class XnnMatrix final : public Matrix {
 public:
  /// `correction` (may be null): panels of f16 over the block sums, added to the product.
  XnnMatrix(XnnFormat format, size_t n, size_t k, size_t slab_panels, DenseMatrix* correction);
  ~XnnMatrix() override;

  XnnFormat format() const { return format_; }
  DenseMatrix* correction() const { return correction_; }
  size_t slabs() const { return slabs_.size(); }
  size_t slab_begin(size_t slab) const { return slab * slab_panels_ * kPanel; }
  size_t slab_rows(size_t slab) const;

  /// Packs one slab; any thread, each slab once. qc8w: int8 codes [rows][k]
  /// and one f32 scale per row. qb4w: [rows][k / 2] codes, lower column in the low nibble, offset
  /// 8, and bf16 scales [rows][k / 32].
  Result<void> pack(size_t slab, const void* weights, const void* scales);

  InputForms input() const override;
  size_t grain() const override { return slab_panels_; }
  bool splits_rows() const override { return false; }
  /// `out_stride` must be panels() * 16 when there is more than one row.
  void multiply(const ProductInput& input, size_t row, size_t count, size_t begin, size_t end,
                float* out, size_t out_stride) const override;
  size_t weight_bytes() const override;
  const char* kernel() const override;
  const char* compute_format() const override;

 private:
  struct Slab {
    xnn_operator* op = nullptr;
    size_t shaped_rows = 0;  // that the operator is shaped for
  };
  XnnFormat format_;
  size_t slab_panels_;
  DenseMatrix* correction_;
  mutable std::vector<Slab> slabs_;
};

}  // namespace npb::cpu

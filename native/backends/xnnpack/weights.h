// The packed weights of one session: decides each matrix's form, packs all of them in parallel
// straight from the file's blocks, and keeps them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "backends/backend.h"
#include "backends/xnnpack/arena.h"
#include "backends/xnnpack/compile.h"
#include "backends/xnnpack/formats.h"

namespace npb::cpu {

class PackedWeights final : public WeightStore {
 public:
  struct Options {
    Precision precision = Precision::automatic;
    unsigned threads = 1;
    bool own_blocks = false;
    bool channels = false;  // int8 per channel for weights that have no blocks of their own
    std::string cache_dir;  // empty: no packed-weights file
  };
  PackedWeights(std::shared_ptr<const WeightSource> source, const Kernels& kernels,
                Options options);

  /// Before pack(): only plans.
  Result<const Matrix*> matrix(const WeightRef& weight, const std::string& node) override;
  Result<const float*> vector(const WeightRef& weight) override;

  /// Fills every planned matrix. Peak memory stays near the packed size: source pages are released
  /// as they are used up. Errors: out_of_memory, unsupported.
  Result<void> pack();

  /// A matrix that was planned before, or null.
  const Matrix* find(const WeightRef& weight) const;
  bool from_cache() const { return from_cache_; }
  uint64_t source_bytes() const { return source_bytes_; }  // read from the model
  uint64_t packed_bytes() const;

 private:
  struct Entry {
    WeightRef weight;
    Format format;
    std::unique_ptr<Matrix> matrix;
    std::unique_ptr<DenseMatrix> correction;
    size_t offset = 0;             // in the arena
    size_t correction_offset = 0;  // in the arena
  };
  struct Job {
    Entry* entry;
    size_t begin, end;  // panels, or one slab
  };

  uint64_t identity() const;
  Result<void> run_jobs();
  Result<void> pack_job(const Job& job) const;
  Result<void> pack_slab(const Entry& entry, size_t slab, const std::byte* rows) const;
  void pack_channels(const Entry& entry, size_t begin, size_t end, const std::byte* rows) const;
  void pack_dense(const Entry& entry, size_t begin, size_t end, const std::byte* rows) const;

  std::shared_ptr<const WeightSource> source_;
  const Kernels& kernels_;
  Options options_;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::map<std::tuple<const WeightInfo*, uint64_t, uint64_t>, Entry*> by_slice_;
  std::map<std::tuple<const WeightInfo*, uint64_t, uint64_t>, std::vector<float>> vectors_;
  Arena arena_;
  size_t arena_bytes_ = 0;
  uint64_t source_bytes_ = 0;
  bool from_cache_ = false;
};

}  // namespace npb::cpu

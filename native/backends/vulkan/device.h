// gpu::Device over Vulkan 1.1 without optional features.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backends/gpu/device.h"
#include "backends/vulkan/buffers.h"
#include "backends/vulkan/instance.h"
#include "backends/vulkan/pipelines.h"
#include "backends/vulkan/record.h"

namespace npb::vulkan {

class VulkanDevice : public gpu::Device {
 public:
  /// Errors: device_unavailable, unsupported, out_of_memory.
  /// `cache_folder` is for compiled kernels; empty: they are not kept.
  static Result<std::unique_ptr<VulkanDevice>> open(const PhysicalDevice& physical,
                                                    const std::filesystem::path& cache_folder);
  ~VulkanDevice() override;

  const gpu::Limits& limits() const override { return physical_.limits; }
  const DeviceInfo& info() const override { return physical_.info; }
  Result<gpu::BufferId> create_buffer(uint64_t bytes, gpu::BufferKind kind) override;
  Result<void> write(gpu::BufferId buffer, uint64_t offset,
                     std::span<const std::byte> bytes) override;
  Result<void> read(gpu::BufferId buffer, uint64_t offset, std::span<std::byte> bytes) override;
  std::byte* mapped(gpu::BufferId buffer) override;
  Result<std::unique_ptr<gpu::RecordedList>> record(std::span<const gpu::Dispatch> list) override;
  bool runs_ahead() const override { return true; }
  Result<uint32_t> submit(gpu::RecordedList& list) override;
  Result<gpu::Finished> finish(gpu::RecordedList& list) override;
  Result<std::vector<uint64_t>> profile(std::span<const gpu::Dispatch> list) override;
  gpu::KernelCache keep_kernels() override { return pipelines_->keep(); }

 private:
  explicit VulkanDevice(const PhysicalDevice& physical) : physical_(physical) {}
  Result<void> initialize(const std::filesystem::path& cache_folder);
  Recorder recorder();
  Result<StampSlot> stamp_slot();
  Result<uint32_t> submit(const std::vector<VkCommandBuffer>& commands, VkFence fence);
  /// The caller's processor time in waiting, where it is known.
  Result<std::optional<uint64_t>> wait_for(VkFence fence);
  Result<void> run_once(VkCommandBuffer commands);
  /// Relates the device's clock to the host's, at most once a second: they drift apart by less than
  /// the wake-up of a thread in that time.
  void calibrate();
  /// A raw stamp on now_ns()'s clock; absent before the first calibration.
  std::optional<uint64_t> host_ns(uint64_t stamp) const;
  /// Nanoseconds between two raw stamps, which wrap at the queue's valid bits.
  uint64_t stamp_ns(uint64_t begin, uint64_t end) const;

  PhysicalDevice physical_;
  VkDevice device_ = VK_NULL_HANDLE;
  VkQueue queue_ = VK_NULL_HANDLE;
  VkCommandPool commands_ = VK_NULL_HANDLE;
  VkFence fence_ = VK_NULL_HANDLE;  // of copies; lists have their own
  PFN_vkGetCalibratedTimestampsEXT get_calibrated_ = nullptr;
  struct Calibration {
    uint64_t stamp = 0, host_ns = 0;
  };
  std::optional<Calibration> calibration_;
  bool hung_ = false;  // a submission never came back: nothing of it may be waited for or freed
  std::unique_ptr<Buffers> buffers_;
  gpu::BufferId stamps_ = gpu::kNoBuffer;  // kStampSlots pairs
  uint32_t stamp_slots_used_ = 0;
  std::unique_ptr<Pipelines> pipelines_;
};

/// Difference of two timestamps of `valid_bits` bits, in ticks; correct across one wrap.
uint64_t timestamp_difference(uint64_t begin, uint64_t end, uint32_t valid_bits);

}  // namespace npb::vulkan

// gpu::Device over OpenCL 1.2.
#pragma once

#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "backends/gpu/device.h"
#include "backends/opencl/platform.h"
#include "backends/opencl/wait.h"

namespace npb::opencl {

class OpenClDevice : public gpu::Device {
 public:
  /// `cache_folder` is for compiled kernels; empty: they are not kept.
  static Result<std::unique_ptr<OpenClDevice>> open(const PlatformDevice& device,
                                                    std::filesystem::path cache_folder);
  ~OpenClDevice() override;

  const gpu::Limits& limits() const override { return platform_.limits; }
  const DeviceInfo& info() const override { return platform_.info; }
  Result<gpu::BufferId> create_buffer(uint64_t bytes, gpu::BufferKind kind) override;
  Result<void> write(gpu::BufferId buffer, uint64_t offset,
                     std::span<const std::byte> bytes) override;
  Result<void> read(gpu::BufferId buffer, uint64_t offset, std::span<std::byte> bytes) override;
  std::byte* mapped(gpu::BufferId buffer) override;
  Result<std::unique_ptr<gpu::RecordedList>> record(std::span<const gpu::Dispatch> list) override;
  Result<void> execute(gpu::RecordedList& list, StepTiming& timing) override;
  Result<std::vector<uint64_t>> profile(std::span<const gpu::Dispatch> list) override;
  gpu::KernelCache keep_kernels() override;

 private:
  OpenClDevice(const Api& cl, const PlatformDevice& device, std::filesystem::path cache_folder)
      : cl_(cl),
        platform_(device),
        cache_folder_(std::move(cache_folder)),
        waiter_(cl, device.wait_limit) {}
  Result<void> initialize();
  /// Leaves out what the device offers but its compiler refuses: that happens.
  Result<void> prove_features();
  /// From the binary of an earlier process where there is one, else from source.
  Result<cl_program> program(const std::string& source);
  Result<cl_program> compile(const std::string& source);
  /// Null where the driver refuses the binary.
  cl_program load_binary(std::span<const std::byte> binary);
  /// Empty where the driver gives none.
  std::vector<std::byte> binary_of(cl_program program) const;
  /// A binding as a memory object of its own: the whole buffer, or a sub-buffer made once.
  Result<cl_mem> memory(const gpu::Binding& binding);
  struct Image {
    cl_mem handle = nullptr;
    uint32_t base = 0;  // the texel at which the binding begins
  };
  /// A 1D image of four-word texels that holds a binding, made once.
  Result<Image> image(const gpu::Binding& binding);
  Result<void> set_arguments(const gpu::Dispatch& dispatch, cl_kernel kernel);
  std::string build_options() const;

  struct Buffer {
    cl_mem handle = nullptr;
    uint64_t bytes = 0;
    std::unique_ptr<std::byte[]> shadow;  // host_shared: what mapped() shows
  };
  const Api& cl_;
  PlatformDevice platform_;
  std::filesystem::path cache_folder_;
  uint32_t programs_written_ = 0, programs_opaque_ = 0, writes_failed_ = 0;
  cl_context context_ = nullptr;
  cl_command_queue queue_ = nullptr;
  uint64_t held_bytes_ = 0;
  Waiter waiter_;
  std::vector<Buffer> buffers_;
  gpu::BufferId shared_ = gpu::kNoBuffer;  // the host_shared one
  using Part = std::tuple<gpu::BufferId, uint64_t, uint64_t>;
  std::map<Part, cl_mem> sub_buffers_;
  std::map<Part, cl_mem> images_;
};

}  // namespace npb::opencl

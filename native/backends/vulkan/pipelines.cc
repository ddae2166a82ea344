#include "backends/vulkan/pipelines.h"

#include <array>

#include "backends/vulkan/spirv_modules.h"

namespace npb::vulkan {

using gpu::Kernel;

std::string module_name(const gpu::Dispatch& dispatch) {
  std::string module = gpu::name(dispatch.kernel);
  if (gpu::reads_matrix(dispatch.kernel)) module += std::string(".") + gpu::name(dispatch.format);
  if (dispatch.variant.texel) module += ".texel";
  if (dispatch.variant.kv_f16) module += ".f16";
  const bool reduces = dispatch.kernel == Kernel::matvec || dispatch.kernel == Kernel::norm ||
                       dispatch.kernel == Kernel::l2_norm || dispatch.kernel == Kernel::attention;
  if (dispatch.variant.subgroup && reduces) module += ".sg";
  return module;
}

namespace {

/// Everything a driver's compiled kernels depend on.
uint64_t cache_key(const VkPhysicalDeviceProperties& properties) {
  uint64_t hash = gpu::hash_text(properties.deviceName);
  const uint32_t ids[] = {properties.vendorID, properties.deviceID, properties.driverVersion,
                          properties.apiVersion};
  hash = gpu::hash_bytes(std::as_bytes(std::span(ids)), hash);
  hash = gpu::hash_bytes(std::as_bytes(std::span(properties.pipelineCacheUUID)), hash);
  for (const SpirvModule& module : spirv_modules())
    hash = gpu::hash_bytes(std::as_bytes(std::span(module.words, module.bytes / 4)),
                           gpu::hash_text(module.name, hash));
  return hash;
}

}  // namespace

Result<std::unique_ptr<Pipelines>> Pipelines::make(const VkPhysicalDeviceProperties& properties,
                                                   VkDevice device,
                                                   const std::filesystem::path& cache_folder) {
  std::unique_ptr<Pipelines> pipelines(
      new Pipelines(device, gpu::KernelCacheFile(cache_folder, "vulkan", cache_key(properties))));
  NPB_TRY(pipelines->initialize());
  return pipelines;
}

VkDescriptorType Pipelines::binding_type(bool texel, uint32_t binding) {
  if (!texel || binding > 2) return VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
  return binding == 2 ? VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER : VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
}

Result<void> Pipelines::initialize() {
  for (bool texel : {false, true}) {
    Shape& shape = shapes_[texel];
    std::array<VkDescriptorSetLayoutBinding, gpu::kMaxBindings> bindings{};
    for (uint32_t i = 0; i < bindings.size(); ++i)
      bindings[i] = {i, binding_type(texel, i), 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
    VkDescriptorSetLayoutCreateInfo set{};
    set.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
    set.bindingCount = static_cast<uint32_t>(bindings.size());
    set.pBindings = bindings.data();
    VkResult result = vkCreateDescriptorSetLayout(device_, &set, nullptr, &shape.set);
    if (result != VK_SUCCESS) return vulkan_error(result, "Creating the descriptor layout");
    const VkPushConstantRange push{VK_SHADER_STAGE_COMPUTE_BIT, 0, gpu::kMaxPushWords * 4};
    VkPipelineLayoutCreateInfo layout{};
    layout.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
    layout.setLayoutCount = 1;
    layout.pSetLayouts = &shape.set;
    layout.pushConstantRangeCount = 1;
    layout.pPushConstantRanges = &push;
    result = vkCreatePipelineLayout(device_, &layout, nullptr, &shape.layout);
    if (result != VK_SUCCESS) return vulkan_error(result, "Creating the pipeline layout");
  }
  kept_ = file_.read();
  VkPipelineCacheCreateInfo cache{};
  cache.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO;
  cache.initialDataSize = kept_.size();
  cache.pInitialData = kept_.data();
  const VkResult result = vkCreatePipelineCache(device_, &cache, nullptr, &cache_);
  if (result != VK_SUCCESS) return vulkan_error(result, "Creating the pipeline cache");
  return {};
}

gpu::KernelCache Pipelines::keep() const {
  if (!file_.enabled()) return gpu::KernelCache::off;
  size_t size = 0;
  if (vkGetPipelineCacheData(device_, cache_, &size, nullptr) != VK_SUCCESS)
    return gpu::KernelCache::failed;
  std::vector<std::byte> data(size);
  if (vkGetPipelineCacheData(device_, cache_, &size, data.data()) != VK_SUCCESS)
    return gpu::KernelCache::failed;
  data.resize(size);
  if (size <= sizeof(VkPipelineCacheHeaderVersionOne)) return gpu::KernelCache::opaque;
  // A kernel that the file didn't have has joined it.
  if (data.size() == kept_.size()) return gpu::KernelCache::hit;
  return file_.write(data).ok() ? gpu::KernelCache::written : gpu::KernelCache::failed;
}

Pipelines::~Pipelines() {
  for (const auto& [key, pipeline] : pipelines_) vkDestroyPipeline(device_, pipeline, nullptr);
  vkDestroyPipelineCache(device_, cache_, nullptr);
  for (const Shape& shape : shapes_) {
    vkDestroyPipelineLayout(device_, shape.layout, nullptr);
    vkDestroyDescriptorSetLayout(device_, shape.set, nullptr);
  }
}

Result<VkPipeline> Pipelines::get(const gpu::Dispatch& dispatch) {
  const gpu::Variant& variant = dispatch.variant;
  const std::string module = module_name(dispatch);
  const Key key{module,          variant.local_size, variant.lanes,  variant.rows,
                variant.columns, variant.x_quads,    variant.queries};
  if (const auto found = pipelines_.find(key); found != pipelines_.end()) return found->second;

  const SpirvModule* words = nullptr;
  for (const SpirvModule& candidate : spirv_modules())
    if (module == candidate.name) words = &candidate;
  if (!words) return Error{ErrorCode::internal, "This build has no shader " + module};
  VkShaderModuleCreateInfo shader{};
  shader.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO;
  shader.codeSize = words->bytes;
  shader.pCode = words->words;
  VkShaderModule handle = VK_NULL_HANDLE;
  VkResult result = vkCreateShaderModule(device_, &shader, nullptr, &handle);
  if (result != VK_SUCCESS) return vulkan_error(result, "Loading the shader " + module);

  // Constant ids as the shaders declare them; a shader ignores those that it doesn't use.
  const std::array<uint32_t, 6> values = {variant.local_size, variant.lanes,   variant.rows,
                                          variant.columns,    variant.x_quads, variant.queries};
  std::array<VkSpecializationMapEntry, 6> entries{};
  for (uint32_t i = 0; i < entries.size(); ++i) entries[i] = {i, i * 4, 4};
  const VkSpecializationInfo constants{static_cast<uint32_t>(entries.size()), entries.data(),
                                       sizeof values, values.data()};
  VkComputePipelineCreateInfo create{};
  create.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
  create.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  create.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  create.stage.module = handle;
  create.stage.pName = "main";
  create.stage.pSpecializationInfo = &constants;
  create.layout = shapes_[variant.texel].layout;
  VkPipeline pipeline = VK_NULL_HANDLE;
  result = vkCreateComputePipelines(device_, cache_, 1, &create, nullptr, &pipeline);
  vkDestroyShaderModule(device_, handle, nullptr);
  if (result != VK_SUCCESS)
    return Error{ErrorCode::unsupported, "The GPU driver refuses the kernel " + module + " (" +
                                             result_name(result) +
                                             "); update the driver, or try --backend opencl."};
  pipelines_[key] = pipeline;
  return pipeline;
}

}  // namespace npb::vulkan

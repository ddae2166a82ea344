// Declarations of two extensions, made here because the headers of distributions know one of them
// only in part and the other not at all. Shapes as the public specification (Khronos' registry) and
// published users of Qualcomm's driver give them.
#pragma once

#include "backends/opencl/loader.h"

namespace npb::opencl {

// cl_khr_command_buffer 0.9
using CommandBufferHandle = struct OpaqueCommandBuffer*;
using SyncPoint = cl_uint;
using CreateCommandBuffer = CommandBufferHandle(CL_API_CALL*)(cl_uint queues,
                                                              const cl_command_queue*,
                                                              const cl_ulong* properties, cl_int*);
using CommandNDRangeKernel = cl_int(CL_API_CALL*)(CommandBufferHandle, cl_command_queue,
                                                  const cl_ulong* properties, cl_kernel,
                                                  cl_uint work_dim, const size_t* offset,
                                                  const size_t* global, const size_t* local,
                                                  cl_uint waits, const SyncPoint*, SyncPoint*,
                                                  void** mutable_handle);
using FinalizeCommandBuffer = cl_int(CL_API_CALL*)(CommandBufferHandle);
using ReleaseCommandBuffer = cl_int(CL_API_CALL*)(CommandBufferHandle);
using EnqueueCommandBuffer = cl_int(CL_API_CALL*)(cl_uint queues, cl_command_queue*,
                                                  CommandBufferHandle, cl_uint waits,
                                                  const cl_event*, cl_event*);

// cl_qcom_recordable_queues 1.0
constexpr cl_command_queue_properties kQueueRecordable = cl_command_queue_properties{1} << 30;
using RecordingHandle = struct OpaqueRecording*;
using NewRecording = RecordingHandle(CL_API_CALL*)(cl_command_queue, cl_int*);
using EndRecording = cl_int(CL_API_CALL*)(RecordingHandle);
using ReleaseRecording = cl_int(CL_API_CALL*)(RecordingHandle);
/// The four pairs replace arguments, offsets, global and local sizes of recorded launches.
using EnqueueRecording = cl_int(CL_API_CALL*)(cl_command_queue, RecordingHandle, size_t,
                                              const void* arguments, size_t, const void* offsets,
                                              size_t, const void* global_sizes, size_t,
                                              const void* local_sizes, cl_uint waits,
                                              const cl_event*, cl_event*);

}  // namespace npb::opencl

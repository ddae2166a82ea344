// The OpenCL library, found at run time. The one file that knows where vendors put it.
#pragma once

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#include <CL/cl.h>

#include <string>
#include <vector>

#include "core/result.h"

namespace npb::opencl {

#define NPB_CL_FUNCTIONS(F)    \
  F(clGetPlatformIDs)          \
  F(clGetPlatformInfo)         \
  F(clGetDeviceIDs)            \
  F(clGetDeviceInfo)           \
  F(clCreateContext)           \
  F(clReleaseContext)          \
  F(clCreateCommandQueue)      \
  F(clReleaseCommandQueue)     \
  F(clCreateProgramWithSource) \
  F(clCreateProgramWithBinary) \
  F(clBuildProgram)            \
  F(clGetProgramBuildInfo)     \
  F(clGetProgramInfo)          \
  F(clReleaseProgram)          \
  F(clCreateKernel)            \
  F(clReleaseKernel)           \
  F(clSetKernelArg)            \
  F(clCreateBuffer)            \
  F(clCreateSubBuffer)         \
  F(clCreateImage)             \
  F(clReleaseMemObject)        \
  F(clEnqueueWriteBuffer)      \
  F(clEnqueueReadBuffer)       \
  F(clEnqueueNDRangeKernel)    \
  F(clFinish)                  \
  F(clFlush)                   \
  F(clSetEventCallback)        \
  F(clGetEventInfo)            \
  F(clGetEventProfilingInfo)   \
  F(clReleaseEvent)            \
  F(clGetExtensionFunctionAddressForPlatform)

struct Api {
#define F(function) decltype(&::function) function = nullptr;
  NPB_CL_FUNCTIONS(F)
#undef F
  std::string path;         // the library that was opened
  void* library = nullptr;  // its handle
  /// An extension's function: from the platform, else from the library itself, as some loaders know
  /// only their own functions. Null where neither has it.
  void* extension(cl_platform_id platform, const char* name) const;
};

/// Opened once per process. `NPU_BENCH_OPENCL` names another library first. Errors:
/// device_unavailable.
Result<const Api*> api();

/// Vendors' .icd files that name a library which can't be loaded, each as "FILE names LIBRARY,
/// which can't be loaded (why)"; empty where there are none, and on systems without such files.
std::vector<std::string> broken_drivers();

/// "CL_OUT_OF_RESOURCES (-5)".
std::string status_name(cl_int status);
Error opencl_error(cl_int status, const std::string& what);

}  // namespace npb::opencl

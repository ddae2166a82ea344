// The OpenCL library, found at run time. The one file that knows where vendors put it.
#pragma once

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#include <CL/cl.h>

#include <string>

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
  F(clReleaseMemObject)        \
  F(clEnqueueWriteBuffer)      \
  F(clEnqueueReadBuffer)       \
  F(clEnqueueNDRangeKernel)    \
  F(clFinish)                  \
  F(clFlush)                   \
  F(clWaitForEvents)           \
  F(clGetEventProfilingInfo)   \
  F(clReleaseEvent)

struct Api {
#define F(function) decltype(&::function) function = nullptr;
  NPB_CL_FUNCTIONS(F)
#undef F
  std::string path;  // the library that was opened
};

/// Opened once per process. `NPU_BENCH_OPENCL` names another library first. Errors:
/// device_unavailable.
Result<const Api*> api();

/// "CL_OUT_OF_RESOURCES (-5)".
std::string status_name(cl_int status);
Error opencl_error(cl_int status, const std::string& what);

}  // namespace npb::opencl

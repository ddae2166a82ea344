#include "backends/qnn/errors.h"

#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <mutex>

namespace npb::qnn {
namespace {

struct CodeName {
  uint32_t code;
  const char* name;
};

constexpr CodeName kNames[] = {
    {1000, "not supported"},
    {1002, "memory was refused"},
    {1003, "system error"},
    {1004, "invalid argument"},
    {1005, "operation not permitted"},
    {1006, "platform not supported"},
    {1007, "the connection to the DSP was lost and is recovering"},
    {1008, "incompatible binaries"},
    {1009, "a library could not be loaded"},
    {1010, "no resources left"},
    {1011, "the connection to the DSP is lost for good"},
    {1100, "general failure"},
    {3110, "operation failed validation"},
    {4000, "backend cannot initialize"},
    {5000, "invalid context argument"},
    {5001, "no such context"},
    {5002, "invalid context handle"},
    {5003, "context not finalized"},
    {5004, "context binary of an incompatible version"},
    {5005, "context binary could not be opened"},
    {5008, "context binary made for another device"},
    {5010, "invalid context configuration"},
    {5011, "context binary not optimal for this device"},
    {5012, "context aborted"},
    {5013, "context timed out"},
    {6000, "invalid graph argument"},
    {6001, "invalid graph handle"},
    {6002, "no such graph"},
    {6003, "invalid or duplicate graph name"},
    {6004, "invalid graph tensor"},
    {6005, "invalid operation"},
    {6007, "unconnected node"},
    {6020, "graph could not be created"},
    {6021, "graph could not be optimized"},
    {6022, "graph could not be finalized"},
    {6023, "graph not finalized"},
    {6024, "graph is finalized already"},
    {6025, "execution queue full"},
    {6031, "execution aborted"},
    {6033, "execution timed out"},
    {6035, "graph is not enabled"},
    {7001, "invalid tensor handle"},
    {7003, "tensor exists already"},
    {7004, "invalid tensor"},
    {7005, "tensor not supported"},
    {8003, "memory could not be mapped"},
    {13001, "invalid performance setting"},
    {13002, "invalid performance configuration"},
    {13003, "performance setting could not be sent"},
    {13004, "performance setting not supported"},
    {14000, "invalid device handle"},
    {14001, "device could not be configured or its session could not be opened"},
    {14002, "no such hardware"},
    {14004, "no access to the device"},
    {30002, "system call failed"},
    {30010, "malformed context binary"},
};

constexpr CodeName kRanges[] = {
    {1000, "common error"},     {2000, "property error"},
    {3000, "op package error"}, {4000, "backend error"},
    {5000, "context error"},    {6000, "graph error"},
    {7000, "tensor error"},     {8000, "memory error"},
    {9000, "signal error"},     {11000, "log error"},
    {12000, "profile error"},   {13000, "performance error"},
    {14000, "device error"},    {15000, "global configuration error"},
    {30000, "system error"},    {60000, "interface error"},
};

struct Advice {
  ErrorCode code;
  const char* text;
};

Advice advice_for(uint32_t code) {
  switch (code) {
    case 1002:
    case 1010:
    case 8003:
      return {ErrorCode::out_of_memory,
              "reduce --input-length, --output-length, --batch-size or the model's size"};
    case 1007:
    case 1011:
    case 6031:
      return {ErrorCode::device_lost,
              "run again; if it stays, restart the device and look for its DSP's crash log"};
    case 5012:
    case 5013:
    case 6033:
      return {ErrorCode::timeout, "run again with less load, or a smaller model"};
    case 1006:
    case 1008:
    case 1009:
    case 4000:
    case 14000:
    case 14001:
    case 14002:
    case 14004:
      return {ErrorCode::device_unavailable,
              "`npu-bench doctor` lists what the NPU needs on this system"};
    case 1000:
    case 3110:
    case 6005:
    case 7004:
    case 7005:
      return {ErrorCode::unsupported,
              "use a newer QNN runtime, or run this model on --device cpu or gpu"};
    case 5004:
    case 5005:
    case 5008:
    case 5011:
    case 30010:
      return {ErrorCode::invalid_model,
              "prepare the context binary again for this device and runtime"};
    default:
      return {ErrorCode::internal,
              "set NPU_BENCH_QNN_LOG=3 to see the runtime's log, and try another runtime version"};
  }
}

std::mutex g_log_mutex;
char g_last_error[512];

}  // namespace

std::string status_name(Status status) {
  const uint32_t code = code_of(status);
  const char* text = "unknown error";
  for (const CodeName& range : kRanges) {
    if (code >= range.code && code < range.code + (range.code == 60000 ? 5535u : 1000u))
      text = range.name;
  }
  for (const CodeName& known : kNames) {
    if (known.code == code) text = known.name;
  }
  return std::string(text) + " (" + std::to_string(code) + ")";
}

Error call_failed(const Functions& functions, Status status, const std::string& doing) {
  const Advice advice = advice_for(code_of(status));
  std::string message = doing + " failed: " + status_name(status);
  const char* own = nullptr;
  if (functions.error_get_message && functions.error_get_message(status, &own) == 0 && own && *own)
    message += "; the runtime says \"" + std::string(own) + "\"";
  {
    const std::lock_guard<std::mutex> lock(g_log_mutex);
    if (g_last_error[0]) message += "; its log ends with \"" + std::string(g_last_error) + "\"";
  }
  return Error{advice.code, message + ". What to do: " + advice.text + "."};
}

uint32_t log_level() {
  const char* wanted = std::getenv("NPU_BENCH_QNN_LOG");
  const int level = wanted ? std::atoi(wanted) : 0;
  return level >= 1 && level <= 5 ? static_cast<uint32_t>(level) : 1;
}

void log_line(const char* format, uint32_t level, uint64_t, va_list arguments) {
  char line[sizeof g_last_error];
  if (!format || std::vsnprintf(line, sizeof line, format, arguments) < 0) return;
  for (char* c = line; *c; ++c) {
    if (static_cast<unsigned char>(*c) < ' ') *c = ' ';
  }
  const std::lock_guard<std::mutex> lock(g_log_mutex);
  if (level == 1) std::snprintf(g_last_error, sizeof g_last_error, "%s", line);
  if (std::getenv("NPU_BENCH_QNN_LOG")) std::fprintf(stderr, "qnn[%u] %s\n", level, line);
}

void forget_log() {
  const std::lock_guard<std::mutex> lock(g_log_mutex);
  g_last_error[0] = '\0';
}

}  // namespace npb::qnn

// The runtime's error codes as names and sentences.
#pragma once

#include <string>

#include "backends/qnn/abi.h"
#include "core/result.h"

namespace npb::qnn {

/// "graph finalize failed (6022)"; for unknown codes the range that they belong to.
std::string status_name(Status status);

/// A failed call as one sentence: what was being done, the code's name, the runtime's own message
/// (through `functions` where it has one) and the last error line of its log, then what to do.
Error call_failed(const Functions& functions, Status status, const std::string& doing);

/// Receives the runtime's log lines, on any thread. Kept: the last error line. NPU_BENCH_QNN_LOG=
/// 1 (errors) to 5 (debug) also prints them to stderr.
void log_line(const char* format, uint32_t level, uint64_t timestamp, va_list arguments);
uint32_t log_level();
void forget_log();

}  // namespace npb::qnn

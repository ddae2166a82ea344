// An imitation of Qualcomm's runtime, made from our own declarations: libraries (HTP, System,
// Genie, cdsprpc) that the backend opens like the vendor's. HTP's computes what the graphs say,
// with every tensor rounded to f16; all can be told to misbehave. What runs on them is simulated
// and says so.
#pragma once

#include <cstdint>

namespace npb::qnn::fake {

enum class Hostile : uint32_t {
  no,
  null_info,
  unknown_version,
  no_graphs,
  too_many_graphs,
  null_graphs,
  null_name,
  null_tensors,
  too_many_tensors,
  huge_rank,
  null_dims,
  overflowing_dims,
  zero_dim,
  endless_name,
  count,
};

/// Set by a test between calls; counters are the library's.
struct Control {
  uint32_t core_major = 2, core_minor = 40;
  bool no_provider = false;
  const char* missing_entry = nullptr;  // name of a function that the table then lacks
  const char* fail_call = nullptr;      // name of a function that fails
  uint32_t fail_at = 0;                 // at its call number fail_at + 1
  uint32_t fail_code = 1100;
  const char* refuse_type = nullptr;  // operation that fails validation
  uint32_t execute_sleep_ms = 0;
  uint32_t crash_at_execute = 0;  // 1: at the first execution

  int32_t live_logs = 0, live_backends = 0, live_devices = 0, live_contexts = 0, live_profiles = 0,
          live_votes = 0, live_memory = 0;  // memory: registered handles
  const char* build_id = "fake";
  uint32_t shared_reads = 0;  // tensors of an execution that came by handle
  uint32_t executions = 0;
  uint32_t votes_cast = 0;
  uint32_t last_corner = 0;  // of the last DCVS vote
  uint32_t calls = 0;        // of any function
  int32_t live() const {
    return live_logs + live_backends + live_devices + live_contexts + live_profiles + live_votes +
           live_memory;
  }
};
struct SystemControl {
  uint32_t core_minor = 40;  // layout that it writes
  const char* build_id = "fake";
  uint32_t soc_model = 57, arch = 75;
  uint32_t quantization = 0x7fffffff;  // encoding that every tensor claims; pointers lead nowhere
  Hostile hostile = Hostile::no;
  int32_t live_contexts = 0;
};

/// Of the fake libcdsprpc.
struct RpcControl {
  int32_t live_blocks = 0;
  uint32_t allocations = 0;
  bool refuse = false;
};

// Exported by the libraries.
using GetRpcControl = RpcControl* (*)();        // npb_fake_rpc_control
using GetControl = Control* (*)();              // npb_fake_control
using GetSystemControl = SystemControl* (*)();  // npb_fake_system_control

}  // namespace npb::qnn::fake

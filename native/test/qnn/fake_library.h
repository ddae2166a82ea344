// The fake runtime from a test's side: its controls, set back when a test ends.
#pragma once

#include <dlfcn.h>
#include <doctest/doctest.h>

#include <map>
#include <string>

#include "test/qnn/fake_qnn.h"

namespace npb::test {

inline void* fake_symbol(const char* library, const char* name) {
  void* handle = dlopen((std::string(NPB_FAKE_QNN_DIR) + "/" + library).c_str(), RTLD_NOW);
  REQUIRE_MESSAGE(handle != nullptr, dlerror());
  return dlsym(handle, name);
}

struct FakeRuntime {
  qnn::fake::Control& control =
      *reinterpret_cast<qnn::fake::GetControl>(fake_symbol("libQnnHtp.so", "npb_fake_control"))();
  qnn::fake::SystemControl& system = *reinterpret_cast<qnn::fake::GetSystemControl>(
      fake_symbol("libQnnSystem.so", "npb_fake_system_control"))();

  qnn::fake::RpcControl& rpc = *reinterpret_cast<qnn::fake::GetRpcControl>(
      fake_symbol("libcdsprpc.so", "npb_fake_rpc_control"))();

  FakeRuntime() { clear(); }
  ~FakeRuntime() { clear(); }
  void clear() {
    control = {};
    system = {};
    rpc = {};
  }
  static std::map<std::string, std::string> extra() { return {{"qnn_lib_dir", NPB_FAKE_QNN_DIR}}; }
};

}  // namespace npb::test

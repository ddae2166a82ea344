// What a test may tell the fake libGenie, and what it counts.
#pragma once

#include <cstdint>

namespace npb::qnn::fake {

struct GenieControl {
  uint32_t major = 1;
  const char* fail_call = nullptr;
  int32_t fail_status = -1;
  uint32_t stop_after = UINT32_MAX;  // tokens after which the answer ends by itself
  uint32_t extra_tokens = 0;         // given beyond the limit that was set
  int32_t live = 0;                  // handles
  uint32_t resets = 0, policy = 0;
};
using GetGenieControl = GenieControl* (*)();  // npb_fake_genie_control

}  // namespace npb::qnn::fake

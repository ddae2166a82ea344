// The fake libGenie: a dialog that counts upwards from its prompt's last token, an embedding of the
// text's letters, and a profile in Genie's form. Tests only.
#include "test/qnn/fake_genie.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "backends/qnn/genie.h"

#define FAKE_EXPORT extern "C" __attribute__((visibility("default")))

using namespace npb::qnn;

namespace {

fake::GenieControl g_control;
uint32_t g_queries = 0, g_most_tokens = UINT32_MAX;

GenieStatus ordered(const char* name) {
  return g_control.fail_call && std::strcmp(name, g_control.fail_call) == 0 ? g_control.fail_status
                                                                            : 0;
}
#define MAY_FAIL(name) \
  if (const GenieStatus status = ordered(name)) return status

GenieStatus give(GenieHandle* out) {
  *out = new int(0);
  ++g_control.live;
  return 0;
}
GenieStatus take_back(GenieHandle handle) {
  delete static_cast<const int*>(handle);
  --g_control.live;
  return 0;
}

}  // namespace

FAKE_EXPORT fake::GenieControl* npb_fake_genie_control() { return &g_control; }

FAKE_EXPORT uint32_t Genie_getApiMajorVersion() { return g_control.major; }
FAKE_EXPORT uint32_t Genie_getApiMinorVersion() { return 21; }
FAKE_EXPORT uint32_t Genie_getApiPatchVersion() { return 0; }

FAKE_EXPORT GenieStatus GenieDialogConfig_createFromJson(const char* json, GenieHandle* out) {
  MAY_FAIL("createFromJson");
  if (std::strstr(json, "turbo")) return -8;
  return give(out);
}
FAKE_EXPORT GenieStatus GenieDialogConfig_free(GenieHandle config) { return take_back(config); }
FAKE_EXPORT GenieStatus GenieDialogConfig_bindProfiler(GenieHandle, GenieHandle) { return 0; }
FAKE_EXPORT GenieStatus GenieDialog_create(GenieHandle, GenieHandle* out) {
  MAY_FAIL("create");
  return give(out);
}
FAKE_EXPORT GenieStatus GenieDialog_free(GenieHandle dialog) { return take_back(dialog); }
FAKE_EXPORT GenieStatus GenieDialog_reset(GenieHandle) {
  MAY_FAIL("reset");
  ++g_control.resets;
  return 0;
}
FAKE_EXPORT GenieStatus GenieDialog_setMaxNumTokens(GenieHandle, uint32_t count) {
  MAY_FAIL("setMaxNumTokens");
  g_most_tokens = count;
  return 0;
}
FAKE_EXPORT GenieStatus GenieDialog_setPerformancePolicy(GenieHandle, uint32_t policy) {
  MAY_FAIL("setPerformancePolicy");
  g_control.policy = policy;
  return 0;
}
FAKE_EXPORT GenieStatus GenieDialog_tokenQuery(GenieHandle, const uint32_t* tokens, uint32_t count,
                                               uint32_t code, GenieTokenCallback callback,
                                               const void* user) {
  MAY_FAIL("tokenQuery");
  if (code != kGenieComplete || count == 0) return -6;
  ++g_queries;
  const uint32_t most = g_control.stop_after < g_most_tokens ? g_control.stop_after : g_most_tokens;
  for (uint32_t i = 0; i < most + g_control.extra_tokens; ++i) {
    const uint32_t token = tokens[count - 1] + 1 + i;
    callback(&token, 1, i == 0 ? kGenieBegin : kGenieContinue, user);
  }
  callback(nullptr, 0, kGenieEnd, user);
  return 0;
}

FAKE_EXPORT GenieStatus GenieEmbeddingConfig_createFromJson(const char*, GenieHandle* out) {
  return give(out);
}
FAKE_EXPORT GenieStatus GenieEmbeddingConfig_free(GenieHandle config) { return take_back(config); }
FAKE_EXPORT GenieStatus GenieEmbedding_create(GenieHandle, GenieHandle* out) { return give(out); }
FAKE_EXPORT GenieStatus GenieEmbedding_free(GenieHandle handle) { return take_back(handle); }
FAKE_EXPORT GenieStatus GenieEmbedding_generate(GenieHandle, const char* text,
                                                GenieEmbeddingCallback callback, const void* user) {
  MAY_FAIL("generate");
  ++g_queries;
  const std::vector<float> vector(text, text + std::strlen(text));
  const uint32_t dims[] = {1, static_cast<uint32_t>(vector.size())};
  callback(dims, 2, vector.data(), user);
  return 0;
}

FAKE_EXPORT GenieStatus GenieProfile_create(GenieHandle, GenieHandle* out) { return give(out); }
FAKE_EXPORT GenieStatus GenieProfile_free(GenieHandle profile) { return take_back(profile); }
FAKE_EXPORT GenieStatus GenieProfile_getJsonData(GenieHandle, GenieAllocate allocate,
                                                 const char** json) {
  const std::string number = std::to_string(g_queries);
  const std::string text =
      R"({"components":[{"name":"dialog0","type":"dialog","events":[)"
      R"({"type":"GenieDialog_create","init-time":{"value":9,"unit":"us"}},)"
      R"({"type":"GenieDialog_query","duration":70,"num-prompt-tokens":{"value":)" +
      number + R"(,"unit":""},"time-to-first-token":{"value":1500,"unit":"us"},)" +
      R"("token-generation-rate":{"value":12.5,"unit":"toks/sec"}}]}]})";
  const char* room = nullptr;
  allocate(text.size() + 1, &room);
  if (!room) return -3;
  std::memcpy(const_cast<char*>(room), text.c_str(), text.size() + 1);
  *json = room;
  return 0;
}

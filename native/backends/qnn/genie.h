// libGenie: the vendor's own loop over a bundle of context binaries. Declarations of our own, found
// at run time like the rest of the runtime.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "core/json.h"
#include "core/result.h"
#include "model/model.h"

namespace npb::qnn {

using GenieStatus = int32_t;  // 0 success
using GenieHandle = const void*;

// Sentence codes: what one query is of a text, and what one callback is of an answer.
constexpr uint32_t kGenieComplete = 0, kGenieBegin = 1, kGenieContinue = 2, kGenieEnd = 3,
                   kGenieAbort = 4;

using GenieTokenCallback = void (*)(const uint32_t* tokens, uint32_t count, uint32_t code,
                                    const void* user);
using GenieEmbeddingCallback = void (*)(const uint32_t* dims, uint32_t rank, const float* vector,
                                        const void* user);
using GenieAllocate = void (*)(size_t bytes, const char** out);

/// The functions that we call; those of the second group may be null.
struct GenieFunctions {
  uint32_t (*api_major)();
  uint32_t (*api_minor)();
  uint32_t (*api_patch)();
  GenieStatus (*dialog_config_create)(const char* json, GenieHandle* config);
  GenieStatus (*dialog_config_free)(GenieHandle config);
  GenieStatus (*dialog_create)(GenieHandle config, GenieHandle* dialog);
  GenieStatus (*dialog_free)(GenieHandle dialog);
  GenieStatus (*dialog_reset)(GenieHandle dialog);
  GenieStatus (*dialog_token_query)(GenieHandle dialog, const uint32_t* tokens, uint32_t count,
                                    uint32_t code, GenieTokenCallback callback, const void* user);

  GenieStatus (*dialog_set_max_tokens)(GenieHandle dialog, uint32_t count);
  GenieStatus (*dialog_set_policy)(GenieHandle dialog, uint32_t policy);
  GenieStatus (*dialog_bind_profiler)(GenieHandle config, GenieHandle profile);
  GenieStatus (*profile_create)(GenieHandle config, GenieHandle* profile);
  GenieStatus (*profile_free)(GenieHandle profile);
  GenieStatus (*profile_json)(GenieHandle profile, GenieAllocate allocate, const char** json);
  GenieStatus (*embedding_config_create)(const char* json, GenieHandle* config);
  GenieStatus (*embedding_config_free)(GenieHandle config);
  GenieStatus (*embedding_create)(GenieHandle config, GenieHandle* embedding);
  GenieStatus (*embedding_free)(GenieHandle embedding);
  GenieStatus (*embedding_generate)(GenieHandle embedding, const char* text,
                                    GenieEmbeddingCallback callback, const void* user);
  GenieStatus (*embedding_bind_profiler)(GenieHandle config, GenieHandle profile);
};

class Genie {
 public:
  /// libGenie from the folders of library_folders(). Errors: device_unavailable (not there, or not
  /// loadable), unsupported (a function is missing, another major version).
  static Result<std::shared_ptr<const Genie>> open(const std::map<std::string, std::string>& extra);
  const GenieFunctions& functions() const { return functions_; }
  const std::string& version() const { return version_; }  // "1.21.0"
  const std::string& path() const { return path_; }

 private:
  GenieFunctions functions_ = {};
  std::string version_, path_;
};

/// "JSON schema (-8)".
std::string genie_status_name(GenieStatus status);
Error genie_failed(GenieStatus status, const std::string& doing);

/// A bundle's genie_config.json.
struct GenieBundle {
  std::string folder, text;
  bool embedding = false;
  uint32_t vocab_size = 0, context_tokens = 0;
  std::string sampler;  // in words
};

/// Errors: not_found, io, invalid_model (no dialog and no embedding, a size missing).
Result<GenieBundle> read_genie_bundle(const std::string& folder);

/// Family decoder or encoder, format "genie"; no weights that we could read.
std::shared_ptr<const Model> model_of(const GenieBundle& bundle);

/// Whether libGenie takes the configuration: its schema is checked, nothing is loaded. Errors:
/// those of Genie::open(), invalid_model with what Genie says.
Result<void> check_genie_config(const Genie& genie, const GenieBundle& bundle);

}  // namespace npb::qnn

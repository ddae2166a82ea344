// What is not written yet: each says so to the caller.
#include "model/load.h"
#include "model/tokenizer_files.h"

namespace npb {

namespace {
Error unsupported(const std::string& what) {
  return {ErrorCode::unsupported, what + " cannot be read by this build."};
}
}  // namespace

Result<std::shared_ptr<const Model>> load_safetensors_folder(const std::string& path,
                                                             const LoadOptions&) {
  return unsupported(path);
}

}  // namespace npb
namespace npb {
Result<std::shared_ptr<const Tokenizer>> folder_tokenizer(const std::string& folder) {
  return unsupported(folder);
}
}  // namespace npb

// A context binary as a model: what it is, for people, and whether this runtime and this chip can
// take it.
#pragma once

#include <memory>
#include <string>

#include "backends/qnn/context_binary.h"
#include "core/file.h"
#include "model/model.h"

namespace npb::qnn {

struct ContextFile {
  std::shared_ptr<const MappedFile> file;  // the runtime may read it until the context is freed
  BinaryDescription description;
  std::span<const uint8_t> bytes() const {
    return {reinterpret_cast<const uint8_t*>(file->bytes().data()), file->bytes().size()};
  }
};

/// Maps `path` and reads its description. Errors: not_found, io, invalid_model, unsupported.
Result<ContextFile> read_context_file(const Library& library, const std::string& path);

/// Family graph, format "qnn-context".
std::shared_ptr<const Model> model_of(const ContextFile& file);

/// Errors: unsupported, with what the binary was made for and what is here: another SoC or Hexagon
/// version, or a runtime later than this one. What either side doesn't tell is let pass, and so is
/// another SoC of the same Hexagon version if `any_soc`.
Result<void> check_target(const BinaryDescription& description, const Library& library,
                          const Platform& platform, bool any_soc);

}  // namespace npb::qnn

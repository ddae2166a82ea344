// The weights of a GGUF file, as views into the mapped file.
#pragma once

#include <memory>

#include "core/file.h"
#include "model/gguf.h"
#include "model/weight_index.h"

namespace npb {

/// `gguf` must have been parsed from `file`'s bytes.
std::shared_ptr<const WeightSource> make_gguf_weights(std::shared_ptr<const MappedFile> file,
                                                      const GgufFile& gguf);

}  // namespace npb

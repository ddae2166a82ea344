// Backend "xnnpack": the host's processor, by XNNPACK's operators and kernels of our own beside
// them.
#pragma once

#include "backends/backend.h"

namespace npb {

/// SessionOptions::extra: "kernels" = "xnnpack" (XNNPACK's formats even where our block kernels
/// would serve) or the name of an instruction set ("base", "avx2", "avx512", "avx512vnni",
/// "neondot").
const Backend& xnnpack_backend();

}  // namespace npb

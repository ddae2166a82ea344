// Backend "reference": the interpreter of native/graph as a device. Slow and exact, chosen by name
// only.
#pragma once

#include "backends/backend.h"

namespace npb {

const Backend& reference_backend();

}  // namespace npb

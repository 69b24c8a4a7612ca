// The instruction sets of this build, and the choice among them.
#pragma once

#include <vector>

#include "kernels/table.h"

namespace densegrad {

// The names that DENSEGRAD_ISA may take on this machine, the most capable last.
std::vector<const char*> available_isas();

// The table of one of them. Throws std::invalid_argument for another name.
const KernelTable& kernels_named(const char* isa);

}  // namespace densegrad

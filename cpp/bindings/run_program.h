// How Python runs a program.
#pragma once

#include <span>
#include <vector>

#include "program/program.h"

namespace densegrad::python {

// Other Python threads run meanwhile if it takes long. A program that runs already on another thread is waited for.
void run_program(Program& program, std::span<const void* const> arguments, std::vector<Tensor>& results);

}  // namespace densegrad::python

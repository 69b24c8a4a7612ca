// The line of the user's code that runs.
#pragma once

#include "tape/tape.h"

namespace densegrad::python {

// The innermost one outside of the package; an empty file if there is none.
Tape::Place users_place();

}  // namespace densegrad::python

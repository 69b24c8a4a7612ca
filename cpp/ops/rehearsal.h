// Runs of code for the shapes that it gives, as when a functional model is made.
#pragma once

namespace densegrad {

// Whether this thread is in one: assignments to variables are checked then, and not made.
bool& rehearsing();

}  // namespace densegrad

// What becomes of a script before its values get memory.
#pragma once

#include <span>
#include <vector>

#include "program/steps.h"

namespace densegrad {

// By value: whether a step or a result reads it, and whether an update takes it as a gradient.
struct Uses {
  std::vector<char> needed, updates;
};

// What nobody needs is dropped, some steps become one, results and shared gradients become values of their own, and so do
// views of variables that are written before the view is read.
Uses rewrite(Script& script);

// By value: that whose memory it is a view of, or itself.
std::vector<int> roots(const Script& script);

inline std::span<const int> gradients_of(const ScriptStep& step) { return std::span(step.inputs).last(step.gradients); }

}  // namespace densegrad

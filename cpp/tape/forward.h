// The forward walk over a recording: tangents of the sources in, tangents of the targets out.
#pragma once

#include <vector>

#include "tape/walk.h"

namespace densegrad {

// For each target, the sum over the sources of d target / d source · tangent; undefined where nothing connects them. What
// the rules compute is itself run as primitives, so that outer recorders can differentiate it again.
std::vector<Tensor> walk_forward(const Recording& recording, const std::vector<Tensor>& sources,
                                 const std::vector<Tensor>& tangents, const std::vector<Tensor>& targets);

}  // namespace densegrad

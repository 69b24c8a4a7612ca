// The backward walk over a recording: cotangents in, gradients of the sources out.
#pragma once

#include <deque>
#include <vector>

#include "core/flat_map.h"
#include "ops/primitive.h"

namespace densegrad {

// Nodes in the order in which they ran. A deque: a walk may append to the recording that it walks (a persistent tape
// whose gradient is taken while it is open), and nodes must not move.
using Recording = std::deque<Node>;

// The gradient of sum_i <targets[i], cotangents[i]> with respect to each source; undefined where nothing connects them.
// What the rules compute is itself run as primitives, so that outer recorders can differentiate it again.
std::vector<Tensor> walk_back(const Recording& recording, const std::vector<Tensor>& targets,
                              const std::vector<Tensor>& cotangents, const std::vector<Tensor>& sources);

}  // namespace densegrad

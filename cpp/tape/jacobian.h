// Jacobians: one backward walk for all entries of the target, batched over them.
#pragma once

#include <vector>

#include "tape/walk.h"

namespace densegrad {

// d target[i] / d source[j], of shape target.shape + source.shape; undefined where unconnected. With `by_row`, of shape
// (rows,) + target.shape[1:] + source.shape[1:]: all rows share a cotangent, as row r of the target depends on row r of
// the source alone.
std::vector<Tensor> walk_jacobian(const Recording& recording, const Tensor& target, const std::vector<Tensor>& sources,
                                  bool by_row);

}  // namespace densegrad

// What operations on the matrices in the last two axes share.
#pragma once

#include "core/tensor.h"

namespace densegrad {

// The axes before those of the matrices.
Shape leading(const Shape& s);
// Throws unless `a` holds square matrices of floats.
void require_square(const char* tag, const Tensor& a);
Tensor transposed(const Tensor& x);
// The identity matrix (m, m).
Tensor eye(DType dtype, index_t m);
// (x + x^T) / 2.
Tensor symmetric(const Tensor& x);

}  // namespace densegrad

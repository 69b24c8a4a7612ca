// Activations y = act(z) and their backward step dz = act'(z)^T dy. To add one: a struct in one of the files below, its
// place in `Activations`, and the enum value in formulas/enums.h.
//
// V is float, double or a graph handle. On a graph handle a formula is also differentiated further, so every branch
// must be right together with its derivatives, at the seam too.
//
// An entry says:
//   name        the Keras name
//   rowwise     false: forward and grad act on one entry. true: on a whole row (V must be a handle with row_sum and
//               row_max), and forward_row / grad_row are the loops over one row of memory
//   needs_z     whether grad reads z; where it does not, z may be anything
//   tangent     act'(z) t, on a handle; only where the Jacobian is not its own transpose, else grad is that
//   parameters  if it has any: their names and defaults, and `with(values, f)`, which calls f with the formula for these
//               values: the struct itself or another one, with forward, grad and needs_z
#pragma once

#include "formulas/activations_piecewise.h"
#include "formulas/activations_rows.h"
#include "formulas/activations_smooth.h"
#include "formulas/list.h"

namespace densegrad::formulas {
namespace {

using Activations = List<Linear, Sigmoid, Relu, Softmax, Tanh, Exponential, Softplus, LogSigmoid, Softsign, Silu, Gelu,
                         Mish, Squareplus, TanhShrink, Elu, Selu, Celu, LeakyRelu, Relu6, HardSigmoid, HardSilu,
                         HardTanh, SoftShrink, HardShrink, Threshold, SparsePlus, SparseSigmoid, LogSoftmax>;
static_assert(Activations::size == size_of<Activation>(), "one entry per enum value, in its order");

// f(Entry{}) for an activation known at run time.
template <class F>
constexpr auto visit(Activation activation, F&& f) {
  return visit_entry(Activations{}, static_cast<int>(activation), f);
}
// f(formula) for its parameters.
template <class F>
constexpr auto visit(Activation activation, const ActivationValues& values, F&& f) {
  return visit(activation, [&](auto entry) { return with<decltype(entry)>(values, f); });
}

}  // namespace
}  // namespace densegrad::formulas

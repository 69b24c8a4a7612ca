// Losses: the value of a row (before sample weights and reduction) and its gradient. To add one: a struct in losses/, its
// place in `Losses`, and the enum value in formulas/enums.h.
//
// t is y_true, p is y_pred, z the logits, o the parameters, K the number of columns. The form says what there is:
//   values   p holds predictions or probabilities; the gradient is d value / d p
//   logits   p holds logits, and so z = p;         the gradient is d value / d z
//   fused    p is the softmax (sigmoid) of z;      the value comes from z, the gradient is d value / d z
//
// An entry says (what most say is in LossEntry):
//   name           the Keras name
//   formula        the value in words, for documentation
//   parameters     the numbers that it may be given; o has their order
//   label_factor   a parameter that may be an array: it multiplies the labels, after smoothing, before the entry sees them
//   has_logits     whether there is a form for logits
//   head           the activation that it fuses with: its output carries z, and the form is then `fused`
//   broadcasts     whether y_true and y_pred may have different shapes, as Keras lets them
//   rereads(form)  whether grad_row needs entries of p after it wrote there: d may not lie where p does
//   sparse         whether memory holds one class label per row instead of t (graph handles always hold the one-hot t)
//   hinge_labels   whether labels that are all 0 or 1 become -1 or 1 before the entry sees them
//   elementwise    whether it is a mean (or sum) over columns of a formula of one entry
//   value_row<form>(row), grad_row<form>(row, scale, d)   one row of memory; grad_row writes scale * gradient
//   softmax_values(rows, values), softmax_grads(rows, scale, scale_step, d)   with softmax as head, instead of these for
//                  the forms logits and fused: at most `group` rows at once; p is there for the form logits too
//   values(form, t, p, z, o, K), grad(form, t, p, z, o, K)   the same on graph handles (rows, K), with row_sum, row_max
//                  and row_largest; values has shape (rows, 1)
//   output_grad(t, p, o, K)   for a head: the derivative of the fused value by p alone, unclipped; a term with t = 0 is 0
// An elementwise loss derives these from its formula (ElementwiseLoss); a loss whose columns depend on each other has
// the loop and the graph version side by side.
#pragma once

#include "formulas/losses/crossentropy.h"
#include "formulas/losses/focal.h"
#include "formulas/losses/hinge.h"
#include "formulas/losses/regression.h"

namespace densegrad::formulas {
namespace {

using Losses = List<MeanSquaredError, BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy,
                    MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError, Huber, Poisson,
                    KLDivergence, CosineSimilarity, Hinge, SquaredHinge, CategoricalHinge, BinaryFocalCrossentropy,
                    CategoricalFocalCrossentropy, CategoricalGeneralizedCrossEntropy, LogCosh>;
static_assert(Losses::size == size_of<Loss>(), "one entry per enum value, in its order");

template <class... Entries>
constexpr bool parameters_fit(List<Entries...>) {
  return ((Entries::parameters.size() <= max_loss_parameters) && ...);
}
static_assert(parameters_fit(Losses{}), "a node keeps at most max_loss_parameters of them");

// f(Entry{}) for a loss known at run time.
template <class F>
constexpr auto visit(Loss loss, F&& f) {
  return visit_entry(Losses{}, static_cast<int>(loss), f);
}

}  // namespace
}  // namespace densegrad::formulas

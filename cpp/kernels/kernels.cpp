// The kernel table of one instruction set. CMake compiles this file once per set, with DENSEGRAD_ISA as its name and
// the -march to match. The only symbol that leaves the object is kernel_table_<isa>: everything included here has
// internal linkage, since code for a newer machine must never stand in for that of an older one.
#include "kernels/activations.h"
#include "kernels/elementwise.h"
#include "kernels/losses.h"
#include "kernels/optimizers.h"
#include "kernels/panels.h"
#include "kernels/products.h"
#include "kernels/reduce.h"
#include "kernels/table.h"

#ifndef DENSEGRAD_ISA
#error "DENSEGRAD_ISA must name the instruction set, such as x86_64_v3"
#endif

#define DENSEGRAD_TEXT_OF(x) #x
#define DENSEGRAD_TEXT(x) DENSEGRAD_TEXT_OF(x)
#define DENSEGRAD_JOIN_OF(a, b) a##b
#define DENSEGRAD_JOIN(a, b) DENSEGRAD_JOIN_OF(a, b)

namespace densegrad {
namespace {

template <class T, class... U, class... B, class... C, class... A, class... L, class... O>
constexpr Kernels<T> kernels_of(formulas::List<U...>, formulas::List<B...>, formulas::List<C...>, formulas::List<A...>,
                                formulas::List<L...>, formulas::List<O...>) {
  return {
      .unary = {unary<T, U>...},
      .binary = {binary<T, T, B>...},
      .compare = {binary<T, bool, C>...},
      .where = where<T>,
      .clip = clip<T>,
      .sum = sum<T>,
      .sum_of_squares = sum_of_squares<T>,
      .sum_columns = sum_columns<T>,
      .max = max<T>,
      .argmax = argmax<T>,
      .logsumexp = logsumexp<T>,
      .transpose = transpose<T>,
      .product = product<T>,
      .panel_product = register_bytes == 64 ? panel_product<T> : nullptr,
      .bias_add = bias_add<T>,
      .activation = {activation<T, A>...},
      .activation_grad = {activation_grad<T, A>...},
      .loss = {loss<T, L>...},
      .loss_grad = {loss_grad<T, L>...},
      .prepare_update = {prepare_update<T, O>...},
      .update = {update<T, O>...},
      .decay = decay<T>,
      .move_average = move_average<T>,
  };
}

template <class T>
constexpr Kernels<T> all_kernels = kernels_of<T>(Unaries{}, Binaries{}, Compares{}, formulas::Activations{},
                                                 formulas::Losses{}, formulas::Optimizers{});

constexpr KernelTable table = {DENSEGRAD_TEXT(DENSEGRAD_ISA), all_kernels<float>, all_kernels<double>};

}  // namespace

const KernelTable& DENSEGRAD_JOIN(kernel_table_, DENSEGRAD_ISA)();
const KernelTable& DENSEGRAD_JOIN(kernel_table_, DENSEGRAD_ISA)() { return table; }

}  // namespace densegrad

// What one instruction-set variant supplies: plain function pointers on raw, contiguous, row-major memory.
// No function here allocates, throws, or keeps a pointer. Outputs may not overlap inputs unless a line says so.
#pragma once

#include <array>
#include <cstddef>

#include "formulas/enums.h"

namespace densegrad {

// The rows of a loss. y_true is T, or int64 class labels for the sparse loss (then `labels` is set and y_true null).
template <class T>
struct LossArgs {
  index_t rows, cols;
  const T* y_true;
  const index_t* labels;
  const T* y_pred;           // probabilities, predictions, or logits (LossForm::logits)
  const T* z;                // only LossForm::fused
  const double* parameters;  // in the order that the formula declares
  LossForm form;
};

constexpr std::size_t most_slots = 8;

// n entries that an optimizer updates; `slots` in the order that the formula declares.
template <class T>
struct UpdatePart {
  index_t n;
  T* w;
  const T* grad;
  std::array<T*, most_slots> slots;

  // `count` entries from `first` on.
  UpdatePart from(index_t first, index_t count) const {
    UpdatePart some{count, w + first, grad + first, slots};
    for (T*& slot : some.slots) slot = slot ? slot + first : nullptr;
    return some;
  }
};

// What an optimizer step is told. `hyper` in the order that the formula declares.
template <class T>
struct UpdateArgs {
  T learning_rate;
  const double* hyper;
  index_t step;  // iterations + 1
  T shared;      // the number that all variables share, where the formula has one
};

// What all entries of a step have in common: the formula's own.
template <class T>
struct PreparedUpdate {
  alignas(8) std::byte numbers[12 * sizeof(T)];
};

// C (m, n) = A B + bias with A[i, k] = a[i * a_row + k * a_col], B[k, j] = b[k * b_row + j * b_col], and the entries of a
// row of C side by side.
template <class T>
struct ProductArgs {
  index_t m, n, k;
  const T* a;
  index_t a_row, a_col;
  const T* b;
  index_t b_row, b_col;
  T* c;
  index_t c_row;
  const T* bias;  // (n,), or null
};

// What `panel_product` needs to work in.
inline constexpr std::size_t panel_product_bytes = 960 << 10;

template <class T>
struct Kernels {
  // y[i] = f(x[i])
  void (*unary[size_of<Unary>()])(index_t n, const T* x, T* y);
  // y[i] = f(a[i * a_step], b[i * b_step]); steps are 0 or 1
  void (*binary[size_of<Binary>()])(index_t n, const T* a, index_t a_step, const T* b, index_t b_step, T* y);
  void (*compare[size_of<Compare>()])(index_t n, const T* a, index_t a_step, const T* b, index_t b_step, bool* y);
  // y[i] = c[i * c_step] ? a[i * a_step] : b[i * b_step]
  void (*where)(index_t n, const bool* c, index_t c_step, const T* a, index_t a_step, const T* b, index_t b_step, T* y);
  // y[i] = min(max(x[i], lo), hi); NaN stays NaN
  void (*clip)(index_t n, T lo, T hi, const T* x, T* y);

  // Reductions of x (outer, n, inner) over the middle axis to y (outer, inner).
  void (*sum)(index_t outer, index_t n, index_t inner, const T* x, T* y);
  // The bits that `sum` has for the rounded squares of n neighbours.
  void (*sum_of_squares)(index_t n, const T* x, T* y);
  // Sums of `width` neighbouring columns of x (n, inner): the bits that `sum` has for them. inner > 1.
  void (*sum_columns)(index_t n, index_t inner, index_t width, const T* x, T* y);
  void (*max)(index_t outer, index_t n, index_t inner, const T* x, T* y);           // n >= 1; a NaN wins
  void (*argmax)(index_t outer, index_t n, index_t inner, const T* x, index_t* y);  // first of ties; a NaN wins
  void (*logsumexp)(index_t outer, index_t n, index_t inner, const T* x, T* y);     // n >= 1

  // y[c, r] = x[r, c], where the rows of x lie x_row apart
  void (*transpose)(index_t rows, index_t cols, const T* x, index_t x_row, T* y);
  // b_row or b_col is 1. False, and nothing has happened, where the shape and the instruction set are not such that this is
  // faster than a BLAS. The bits of a row of C do not depend on the other rows.
  bool (*product)(const ProductArgs<T>& args);
  // For long sides. One of a_row and a_col is 1, and one of b_row and b_col. Null where a BLAS is as fast. `memory` is
  // aligned to 64 bytes.
  void (*panel_product)(const ProductArgs<T>& args, std::byte* memory);

  // z[r, c] += b[c]
  void (*bias_add)(index_t rows, index_t cols, const T* b, T* z);
  // y = act(z), row by row. y may be z.
  void (*activation[size_of<Activation>()])(const ActivationValues& values, index_t rows, index_t cols, const T* z,
                                            T* y);
  // dz = act'(z)^T dy from y = act(z), or from z where the formula needs it. dz may be dy.
  void (*activation_grad[size_of<Activation>()])(const ActivationValues& values, index_t rows, index_t cols, const T* y,
                                                 const T* z, const T* dy, T* dz);

  // values[r]: the loss of row r, reduced over its columns (before weights and reduction).
  void (*loss[size_of<Loss>()])(const LossArgs<T>& args, T* values);
  // d[r, c] = row_scale[r * row_scale_step] * d values[r] / d y_pred[r, c]; for LossForm::fused: / d z[r, c]. And the
  // values of `loss`, if `values` is not null.
  void (*loss_grad[size_of<Loss>()])(const LossArgs<T>& args, const T* row_scale, index_t row_scale_step, T* d,
                                     T* values);

  // An optimizer step: first what all entries have in common, then several arrays with the same number of slots.
  void (*prepare_update[size_of<Optimizer>()])(const UpdateArgs<T>& args, PreparedUpdate<T>& prepared);
  void (*update[size_of<Optimizer>()])(const PreparedUpdate<T>& prepared, int slot_count, const UpdatePart<T>* parts,
                                       std::size_t part_count);
  // w -= w weight_decay learning_rate
  void (*decay)(index_t n, T weight_decay, T learning_rate, T* w);
  // average = momentum average + (1 - momentum) w
  void (*move_average)(index_t n, T momentum, const T* w, T* average);
};

struct KernelTable {
  const char* isa;  // psABI level: "x86_64", "x86_64_v3", "x86_64_v4", "arm64"
  Kernels<float> f32;
  Kernels<double> f64;
};

// The chosen variant: by cpuid once, or by DENSEGRAD_ISA. Throws std::invalid_argument for an unknown or unsupported name.
const KernelTable& kernels();

// The kernels as operations call them: those of kernels(), with long calls cut into pieces for the threads of the pool,
// where the sizes decide. The bits are those of one piece.
template <class T>
const Kernels<T>& kernels_for();
template <>
const Kernels<float>& kernels_for<float>();
template <>
const Kernels<double>& kernels_for<double>();

}  // namespace densegrad

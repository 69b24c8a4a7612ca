// The kernels on the pool: each function here has the signature of the kernel that it calls, for a piece at a time. The
// loops of a kernel compute an entry, row or column in the same way wherever the piece begins.
#include <array>
#include <cstddef>
#include <utility>

#include "core/pool.h"
#include "formulas/activations.h"
#include "formulas/rows.h"
#include "kernels/table.h"

namespace densegrad {
namespace {

template <class T>
const Kernels<T>& whole();
template <>
const Kernels<float>& whole() {
  return kernels().f32;
}
template <>
const Kernels<double>& whole() {
  return kernels().f64;
}

// Entries per piece, by what one entry costs.
constexpr index_t grain_of(Unary op) {
  switch (op) {
    case Unary::negative:
    case Unary::square:
    case Unary::sqrt:
    case Unary::abs:
    case Unary::sign:
    case Unary::floor:
    case Unary::ceil:
    case Unary::round: return light_grain;
    default: return heavy_grain;
  }
}
constexpr index_t grain_of(Activation activation) {
  switch (activation) {
    case Activation::linear:
    case Activation::relu:
    case Activation::softsign:
    case Activation::squareplus:
    case Activation::leaky_relu:
    case Activation::relu6:
    case Activation::hard_sigmoid:
    case Activation::hard_silu:
    case Activation::hard_tanh:
    case Activation::soft_shrink:
    case Activation::hard_shrink:
    case Activation::threshold:
    case Activation::sparse_plus:
    case Activation::sparse_sigmoid: return light_grain;
    default: return heavy_grain;
  }
}
constexpr index_t grain_of(Loss loss) {
  switch (loss) {
    case Loss::mean_squared_error:
    case Loss::mean_absolute_error:
    case Loss::mean_absolute_percentage_error:
    case Loss::huber:
    case Loss::cosine_similarity:
    case Loss::hinge:
    case Loss::squared_hinge:
    case Loss::categorical_hinge: return light_grain;
    default: return heavy_grain;
  }
}
constexpr index_t update_grain = light_grain / 4;  // an optimizer reads and writes several arrays

// As many rows as make a piece.
index_t rows_per_piece(index_t grain, index_t cols) { return std::max<index_t>(1, grain / std::max<index_t>(1, cols)); }

template <class T, Unary op>
void unary(index_t n, const T* x, T* y) {
  for_pieces(n, grain_of(op), [=](index_t first, index_t count) {
    whole<T>().unary[static_cast<int>(op)](count, x + first, y + first);
  });
}

template <class T>
void clip(index_t n, T lo, T hi, const T* x, T* y) {
  for_pieces(n, light_grain,
             [=](index_t first, index_t count) { whole<T>().clip(count, lo, hi, x + first, y + first); });
}

// A reduction, a number of outer positions at a time.
template <index_t grain, class T, class Y>
void reduce(void (*kernel)(index_t, index_t, index_t, const T*, Y*), index_t outer, index_t n, index_t inner,
            const T* x, Y* y) {
  for_pieces(outer, rows_per_piece(grain, n * inner),
             [=](index_t first, index_t count) { kernel(count, n, inner, x + first * n * inner, y + first * inner); });
}

// The sum of n entries from the sums of pieces, which are halves of halves as in formulas::sum_of. `sum_of_piece` is
// called with their lengths, where they begin, and where their sums go.
template <class T>
class PiecewiseSum {
 public:
  template <class F>
  PiecewiseSum(index_t n, const T* x, const F& sum_of_piece) : longest_(std::max(light_grain, n / (most_pieces / 4))) {
    cut(0, n);
    parallel_for(count_, [&](index_t k) {
      const auto [first, length] = pieces_[static_cast<std::size_t>(k)];
      sum_of_piece(length, x + first, &sums_[static_cast<std::size_t>(k)]);
    });
    const T* next = sums_.data();
    total_ = joined(n, next);
  }
  T total() const { return total_; }

 private:
  static constexpr index_t most_pieces = 256;

  void cut(index_t first, index_t n) {
    if (n <= longest_) {
      pieces_[static_cast<std::size_t>(count_++)] = {first, n};
      return;
    }
    const index_t half = formulas::half_of<T>(n);
    cut(first, half);
    cut(first + half, n - half);
  }
  T joined(index_t n, const T*& next) const {
    if (n <= longest_) return *next++;
    const index_t half = formulas::half_of<T>(n);
    const T left = joined(half, next);
    return left + joined(n - half, next);
  }

  index_t longest_, count_ = 0;
  std::array<std::pair<index_t, index_t>, most_pieces> pieces_;
  std::array<T, most_pieces> sums_;
  T total_;
};

template <class T>
void sum(index_t outer, index_t n, index_t inner, const T* x, T* y) {
  if (outer == 1 && inner == 1 && n > light_grain) {
    const auto piece = [](index_t length, const T* from, T* to) { whole<T>().sum(1, length, 1, from, to); };
    y[0] = PiecewiseSum<T>(n, x, piece).total();
  } else if (outer == 1 && inner > 1) {
    // Whole cache lines of y, and enough columns for the loads.
    const index_t width = std::max<index_t>(64, rows_per_piece(light_grain, n) / 64 * 64);
    if (n * inner <= light_grain) return whole<T>().sum(1, n, inner, x, y);
    for_pieces(inner, width,
               [=](index_t first, index_t count) { whole<T>().sum_columns(n, inner, count, x + first, y + first); });
  } else {
    reduce<light_grain>(whole<T>().sum, outer, n, inner, x, y);
  }
}
template <class T>
void sum_of_squares(index_t n, const T* x, T* y) {
  if (n <= light_grain) return whole<T>().sum_of_squares(n, x, y);
  y[0] = PiecewiseSum<T>(n, x, whole<T>().sum_of_squares).total();
}
template <class T>
void max(index_t outer, index_t n, index_t inner, const T* x, T* y) {
  reduce<light_grain>(whole<T>().max, outer, n, inner, x, y);
}
template <class T>
void argmax(index_t outer, index_t n, index_t inner, const T* x, index_t* y) {
  reduce<light_grain>(whole<T>().argmax, outer, n, inner, x, y);
}
template <class T>
void logsumexp(index_t outer, index_t n, index_t inner, const T* x, T* y) {
  reduce<heavy_grain>(whole<T>().logsumexp, outer, n, inner, x, y);
}

template <class T>
void bias_add(index_t rows, index_t cols, const T* b, T* z) {
  for_pieces(rows, rows_per_piece(light_grain, cols),
             [=](index_t first, index_t count) { whole<T>().bias_add(count, cols, b, z + first * cols); });
}

// f(first, rows, cols) for pieces: of rows where the formula needs whole ones, else of entries, as one row.
template <Activation which, class Entry, class F>
void activation_pieces(index_t rows, index_t cols, const F& f) {
  if constexpr (Entry::rowwise) {
    for_pieces(rows, rows_per_piece(grain_of(which), cols),
               [&](index_t first, index_t count) { f(first * cols, count, cols); });
  } else {
    for_pieces(rows * cols, grain_of(which), [&](index_t first, index_t count) { f(first, 1, count); });
  }
}

template <class T, Activation which, class Entry>
void activation(const ActivationValues& values, index_t rows, index_t cols, const T* z, T* y) {
  activation_pieces<which, Entry>(rows, cols, [&](index_t at, index_t r, index_t c) {
    whole<T>().activation[static_cast<int>(which)](values, r, c, z + at, y + at);
  });
}
template <class T, Activation which, class Entry>
void activation_grad(const ActivationValues& values, index_t rows, index_t cols, const T* y, const T* z, const T* dy,
                     T* dz) {
  activation_pieces<which, Entry>(rows, cols, [&](index_t at, index_t r, index_t c) {
    whole<T>().activation_grad[static_cast<int>(which)](values, r, c, y + at, z + at, dy + at, dz + at);
  });
}

// f(args of the piece, first row)
template <Loss which, class T, class F>
void loss_pieces(const LossArgs<T>& args, const F& f) {
  for_pieces(args.rows, rows_per_piece(grain_of(which), args.cols), [&](index_t first, index_t count) {
    LossArgs<T> piece = args;
    piece.rows = count;
    if (args.y_true) piece.y_true += first * args.cols;
    if (args.labels) piece.labels += first;
    piece.y_pred += first * args.cols;
    if (args.z) piece.z += first * args.cols;
    f(piece, first);
  });
}
template <class T, Loss which>
void loss(const LossArgs<T>& args, T* values) {
  loss_pieces<which>(args, [=](const LossArgs<T>& piece, index_t first) {
    whole<T>().loss[static_cast<int>(which)](piece, values + first);
  });
}
template <class T, Loss which>
void loss_grad(const LossArgs<T>& args, const T* row_scale, index_t row_scale_step, T* d, T* values) {
  loss_pieces<which>(args, [&](const LossArgs<T>& piece, index_t first) {
    whole<T>().loss_grad[static_cast<int>(which)](piece, row_scale + first * row_scale_step, row_scale_step,
                                                  d + first * args.cols, values ? values + first : nullptr);
  });
}

// Small arrays go together, larger ones one after the other, in pieces.
template <class T, Optimizer which>
void update(const PreparedUpdate<T>& prepared, int slot_count, const UpdatePart<T>* parts, std::size_t part_count) {
  const auto kernel = whole<T>().update[static_cast<int>(which)];
  for (std::size_t k = 0; k < part_count;) {
    std::size_t small = 0;
    while (k + small < part_count && parts[k + small].n <= update_grain) ++small;
    if (small > 0) {
      kernel(prepared, slot_count, parts + k, small);
      k += small;
      continue;
    }
    const UpdatePart<T>& part = parts[k++];
    for_pieces(part.n, update_grain, [&](index_t first, index_t count) {
      const UpdatePart<T> piece = part.from(first, count);
      kernel(prepared, slot_count, &piece, 1);
    });
  }
}
template <class T>
void decay(index_t n, T weight_decay, T learning_rate, T* w) {
  for_pieces(n, update_grain,
             [=](index_t first, index_t count) { whole<T>().decay(count, weight_decay, learning_rate, w + first); });
}
template <class T>
void move_average(index_t n, T momentum, const T* w, T* average) {
  for_pieces(n, update_grain, [=](index_t first, index_t count) {
    whole<T>().move_average(count, momentum, w + first, average + first);
  });
}

// Those that are not set here (binary, compare, where) are called on runs that for_each_run has cut.
template <class T, int... U, int... A, class... Entry, int... L, int... O>
Kernels<T> in_pieces(std::integer_sequence<int, U...>, std::integer_sequence<int, A...>, formulas::List<Entry...>,
                     std::integer_sequence<int, L...>, std::integer_sequence<int, O...>) {
  Kernels<T> k = whole<T>();
  ((k.unary[U] = unary<T, static_cast<Unary>(U)>), ...);
  k.clip = clip<T>;
  k.sum = sum<T>;
  k.sum_of_squares = sum_of_squares<T>;
  k.max = max<T>;
  k.argmax = argmax<T>;
  k.logsumexp = logsumexp<T>;
  k.bias_add = bias_add<T>;
  ((k.activation[A] = activation<T, static_cast<Activation>(A), Entry>), ...);
  ((k.activation_grad[A] = activation_grad<T, static_cast<Activation>(A), Entry>), ...);
  ((k.loss[L] = loss<T, static_cast<Loss>(L)>), ...);
  ((k.loss_grad[L] = loss_grad<T, static_cast<Loss>(L)>), ...);
  ((k.update[O] = update<T, static_cast<Optimizer>(O)>), ...);
  k.decay = decay<T>;
  k.move_average = move_average<T>;
  return k;
}

template <class E>
using Each = std::make_integer_sequence<int, size_of<E>()>;

template <class T>
const Kernels<T>& table() {
  static const Kernels<T> table =
      in_pieces<T>(Each<Unary>(), Each<Activation>(), formulas::Activations(), Each<Loss>(), Each<Optimizer>());
  return table;
}

}  // namespace

template <>
const Kernels<float>& kernels_for<float>() {
  return table<float>();
}
template <>
const Kernels<double>& kernels_for<double>() {
  return table<double>();
}

}  // namespace densegrad

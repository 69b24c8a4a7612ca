// Bad arguments throw the documented types (core/error.h), name the argument, and leave nothing behind.
#include <limits>
#include <new>

#include "check.h"
#include "kernels/dispatch.h"

namespace densegrad::driver {
namespace {

constexpr index_t huge = std::numeric_limits<index_t>::max() / 2;

void test_types(Rng& rng) {
  const Tensor f = uniform(rng, {2, 3}), g = cast(f, DType::float32), i = integers(rng, {2, 3}, 2);
  const Tensor b = integers(rng, {2, 3}, 2, DType::boolean);
  require_throw<TypeError>(
      "mixed dtypes", [&] { add(f, g); }, "[add] `x1` is float64 but `x2` is float32");
  require_throw<TypeError>(
      "exp of int", [&] { unary(Unary::exp, i); }, "[exp] `x` is int64");
  require_throw<TypeError>(
      "negative of bool", [&] { negative(b); }, "[negative] `x` is bool");
  require_throw<TypeError>(
      "divide of int", [&] { divide(i, i); }, "[divide]");
  require_throw<TypeError>(
      "where by float", [&] { where(f, f, f); }, "[where] `condition` is float64");
  require_throw<TypeError>(
      "clip of int", [&] { clip(i, 0, 1); }, "[clip] `x` is int64");
  require_throw<TypeError>(
      "sum of bool", [&] { sum(b); }, "[sum] `x` is bool");
  require_throw<TypeError>(
      "mean of int", [&] { mean(i); }, "[mean] `x` is int64");
  require_throw<TypeError>(
      "matmul of int", [&] { matmul(i, i, true); }, "[matmul]");
  require_throw<TypeError>(
      "dense of int", [&] { dense(i, f, Tensor(), Activation::relu); }, "[dense] `x` is int64");
  require_throw<TypeError>(
      "dense, mixed",
      [&] {
        dense(g, transpose(f, {1, 0}), Tensor(), Activation::relu);
      },
      "`kernel` is float64");
  require_throw<TypeError>(
      "relu of int", [&] { activation(Activation::relu, i, -1); }, "[relu] `x` is int64");
  require_throw<TypeError>(
      "loss of int", [&] { loss(f, i, Tensor(), {Loss::mean_squared_error}); }, "`y_pred` is int64");
  require_throw<TypeError>(
      "take by float", [&] { take(f, f, 0); }, "[take] `indices` is float64");
  require_throw<TypeError>(
      "one_hot of float", [&] { one_hot(f, 3, DType::float32); }, "[one_hot] `indices` is float64");
  require_throw<TypeError>(
      "concatenate, mixed",
      [&] {
        concatenate({f, g}, 0);
      },
      "[concatenate] `xs[0]` is float64");
}

void test_values(Rng& rng) {
  using E = std::invalid_argument;
  const Tensor x = uniform(rng, {2, 3}), v = uniform(rng, {4}), s = uniform(rng, {}), none = uniform(rng, {2, 0});
  const Tensor labels = integers(rng, {2}, 2);
  require_throw<E>(
      "broadcast", [&] { add(x, v); }, "[add]");
  require_throw<E>(
      "matmul", [&] { matmul(x, x); }, "[matmul] `x1` has shape (2, 3) but `x2` has shape (2, 3)");
  require_throw<E>(
      "matmul of scalars", [&] { matmul(s, x); }, "scalars have no matrix product");
  require_throw<E>(
      "dense rank", [&] { dense(v, x, Tensor(), Activation::linear); }, "[dense] `x` has shape (4,)");
  require_throw<E>(
      "dense kernel", [&] { dense(x, v, Tensor(), Activation::linear); }, "`kernel` has shape (4,)");
  require_throw<E>(
      "dense shapes", [&] { dense(x, x, Tensor(), Activation::linear); }, "x.shape[1] must equal kernel.shape[0]");
  require_throw<E>(
      "dense bias",
      [&] {
        dense(x, transpose(x, {1, 0}), v, Activation::linear);
      },
      "`bias` has shape (4,)");
  require_throw<E>(
      "softmax of a scalar", [&] { activation(Activation::softmax, s, -1); }, "[softmax] `x` is a scalar");
  require_throw<E>(
      "softmax axis", [&] { activation(Activation::softmax, x, 2); }, "`axis` is 2");
  require_throw<E>(
      "sum axis", [&] { sum(x, Shape{2}); }, "[sum] `axis` is 2");
  require_throw<E>(
      "sum axis twice",
      [&] {
        sum(x, Shape{0, -2});
      },
      "twice");
  require_throw<E>(
      "max of nothing", [&] { max(none, Shape{1}); }, "[max]");
  require_throw<E>(
      "argmax of nothing", [&] { argmax(none, 1); }, "[argmax]");
  require_throw<E>(
      "reshape", [&] { reshape(x, {4}); }, "[reshape] `x` has shape (2, 3)");
  require_throw<E>(
      "reshape -1 twice",
      [&] {
        reshape(x, {-1, -1});
      },
      "[reshape]");
  require_throw<E>(
      "transpose twice",
      [&] {
        transpose(x, {0, 0});
      },
      "[transpose] `axes` names axis 0 twice");
  require_throw<E>(
      "transpose rank", [&] { transpose(x, {0}); }, "[transpose] `axes` has 1 entries");
  require_throw<E>(
      "concatenate nothing", [&] { concatenate({}, 0); }, "[concatenate] `xs` is empty");
  require_throw<E>(
      "concatenate shapes",
      [&] {
        concatenate({x, none}, 0);
      },
      "[concatenate]");
  require_throw<E>(
      "broadcast_to",
      [&] {
        broadcast_to(x, {3, 3});
      },
      "[broadcast_to]");
  require_throw<E>(
      "sum_to",
      [&] {
        sum_to(x, {2, 2});
      },
      "[sum_to]");
  require_throw<E>(
      "take from a scalar", [&] { take(s, labels, 0); }, "[take] `x` is a scalar");
  require_throw<E>(
      "scatter_add", [&] { scatter_add(x, labels, v); }, "[scatter_add] `updates` has shape (4,)");
  require_throw<E>(
      "one_hot classes", [&] { one_hot(labels, -1, DType::float32); }, "`num_classes` is -1");
  require_throw<E>(
      "loss shapes", [&] { loss(v, x, Tensor(), {Loss::binary_crossentropy}); }, "`y_true` has shape (4,)");
  require_throw<E>(
      "loss axis",
      [&] {
        loss(x, x, Tensor(), {Loss::binary_crossentropy, false, 2});
      },
      "`axis` is 2");
  for (index_t bad : {-1, 3}) {
    const Tensor wrong = tensor_of(DType::int64, {2}, [&](index_t k) { return k ? bad : 0; });
    require_throw<E>(
        "a label out of range", [&] { loss(wrong, x, Tensor(), {Loss::sparse_categorical_crossentropy}); },
        "contains the label");
    require_throw<std::out_of_range>(
        "an index out of range",
        [&] {
          take(transpose(x, {1, 0}), wrong, 0);
        },
        "[take] `indices`");
    require_throw<std::out_of_range>(
        "an index out of range", [&] { scatter_add(uniform(rng, {3}), wrong, uniform(rng, {2})); }, "[scatter_add]");
  }
  require_throw<E>(
      "too many axes", [] { Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}; }, "[shape] more than 8 axes");
  require_throw<E>(
      "an unknown instruction set", [] { kernels_named("abacus"); }, "abacus");
}

void test_sizes(Rng& rng) {
  const Tensor row = uniform(rng, {1, 1}), nothing = uniform(rng, {1, 0});
  require_throw<OutOfMemory>(
      "a tensor that no memory holds", [] { Tensor(DType::float64, {huge}); },
      "and dtype float64 takes 36893488147 GB");
  require_throw<std::overflow_error>(
      "a shape that overflows",
      [] {
        Tensor(DType::float64, {huge, huge});
      },
      "too many entries");
  require_throw<std::overflow_error>(
      "broadcast_to",
      [&] {
        broadcast_to(row, {huge, huge});
      },
      "too many entries");
  require_throw<OutOfMemory>(
      "one_hot", [&] { one_hot(integers(rng, {1}, 1), huge, DType::float64); }, "there is not so much memory");
  require(broadcast_to(nothing, {huge, 0}).size() == 0, "a huge empty tensor is not empty");
  require_throw<std::overflow_error>(
      "reshape",
      [&] {
        reshape(row, {huge, huge, huge});
      },
      "too many entries");
}

void test_tape(Rng& rng) {
  const Tensor x = uniform(rng, {2, 3});
  Tape fresh(false, true);
  require_throw<std::runtime_error>(
      "never entered", [&] { fresh.gradient({x}, {x}, {}); }, "never entered");
  Tape tape(false, true);
  tape.enter();
  require_throw<std::invalid_argument>(
      "entered twice", [&] { tape.enter(); }, "still recording");
  tape.watch(x);
  const Tensor y = multiply(x, x);
  require_throw<std::invalid_argument>(
      "a cotangent's shape",
      [&] {
        tape.gradient({y}, {x}, {uniform(rng, {3, 2})});
      },
      "`output_gradients` 0 has shape (3, 2)");
  const std::vector<Tensor> g = tape.gradient({y}, {x}, {});  // the failed call consumed nothing
  require(g[0].defined(), "a failed gradient consumed the tape");

  const Tensor symbolic = Tensor::symbolic(DType::float64, {unknown, 3});
  require_throw<SymbolicError>(
      "values of a symbolic tensor", [&] { symbolic.raw(); }, "symbolic");
  const Tensor out = dense(symbolic, uniform(rng, {3, 2}), Tensor(), Activation::softmax);
  require(!out.has_storage() && out.shape() == Shape{unknown, 2}, "a symbolic dense has shape ", out.shape());
}

}  // namespace

void test_errors(Rng& rng) {
  test_types(rng);
  test_values(rng);
  test_sizes(rng);
  test_tape(rng);
}

}  // namespace densegrad::driver

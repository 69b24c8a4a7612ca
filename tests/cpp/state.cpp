// What stays and what changes: variables, the stack of recorders, deep graphs, callbacks.
#include "check.h"
#include "ops/update.h"

namespace densegrad::driver {
namespace {

Tensor filled(double v, const Shape& s = {3, 2}) { return Tensor::full(DType::float64, s, v); }

void require_all(const char* what, const Tensor& t, double v) {
  for (double x : values_of(t)) require(x == v, what, ": ", x, " instead of ", v);
}

void test_variable() {
  const auto v = std::make_shared<Variable>(filled(1), "v", true);
  const void* address = v->value().raw();
  const std::uint64_t id = v->value().id();
  const Tensor kept = v->read(), flat = reshape(v->read(), {6}), part = v->value().view({1, 2}, 2);
  v->assign(filled(2));
  require_all("a kept tensor after assign", kept, 1);
  require_all("a reshaped tensor after assign", flat, 1);
  require_all("a view after assign", part, 1);
  require_all("the variable after assign", v->value(), 2);
  require(v->value().raw() == address, "assign moved the variable");
  require(v->value().id() == id, "assign changed the variable's identity");

  v->assign(cast(filled(3), DType::float32));
  require_all("assign of float32", v->value(), 3);
  require(v->value().dtype() == DType::float64, "assign changed the dtype");
  v->assign(v->value());
  require_all("assign of itself", v->value(), 3);
  require(v->value().raw() == address, "a second assign moved the variable");
  require_throw<std::invalid_argument>(
      "assign of another shape",
      [&] {
        v->assign(filled(4, {2, 3}));
      },
      "Variable.assign");
  require_all("the variable after a failed assign", v->value(), 3);

  // What a tape holds is the value at the time of the operation.
  Tape tape(false, true);
  tape.enter();
  const Tensor y = multiply(v->read(), v->read());
  v->assign(filled(10));
  const std::vector<Tensor> g = tape.gradient({y}, {v->value()}, {});
  require_all("the gradient after assign", g[0], 6);
  require(tape.watched_variables().size() == 1, "the tape watched ", tape.watched_variables().size(), " variables");

  const auto frozen = std::make_shared<Variable>(filled(1), "frozen", false);
  Tape other(false, true);
  other.enter();
  const Tensor z = multiply(frozen->read(), frozen->read());
  require(!other.gradient({z}, {frozen->value()}, {})[0].defined(), "a frozen variable was watched");

  const Tensor before = v->read();
  const auto iterations = std::make_shared<Variable>(Tensor::scalar(DType::int64, 0), "iterations", false);
  optimizer_step({.optimizer = Optimizer::sgd, .hyper = {0, 0}, .shared = {}}, {{v, filled(1), {}}},
                 Tensor::scalar(DType::float64, 0.5), {}, iterations);
  require_all("a kept tensor after an update", before, 10);
  require_all("the variable after an update", v->value(), 9.5);
  require(v->value().raw() == address, "an update moved the variable");
}

void test_deep_graph() {
  constexpr int depth = 10000;
  const Tensor x = filled(1), one = filled(1);
  Tape tape(false, false);
  tape.enter();
  tape.watch(x);
  Tensor y = x;
  for (int i = 0; i < depth; ++i) y = i % 2 ? subtract(y, one) : add(y, one);
  for (int i = 0; i < depth; ++i) y = activation(Activation::relu, y, -1);
  const std::vector<Tensor> g = tape.gradient({y}, {x}, {});
  require_all("the gradient of a deep chain", g[0], 1);

  Tensor doubled = x;  // x + x, of which the walk must visit each node once
  Tape wide(true, false);
  wide.enter();
  wide.watch(x);
  for (int i = 0; i < 30; ++i) doubled = add(doubled, doubled);
  require_all("the gradient of 2^30 paths", wide.gradient({doubled}, {x}, {})[0], 0x1p30);
  wide.exit();
}

// ---- Recorders ----------------------------------------------------------------------------------------------------------

void test_recorders() {
  const Tensor x = filled(2);
  const std::size_t before = recorders().size();
  try {
    Tape outer(false, false), inner(true, false);
    outer.enter();
    inner.enter();
    outer.watch(x);
    PauseRecording pause;
    dense(x, x, Tensor(), Activation::linear);
  } catch (const std::invalid_argument&) {
  }
  require(recorders().size() == before, "an exception left recorders open");

  Tape tape(true, false);
  tape.enter();
  tape.watch(x);
  const Tensor y = multiply(x, x);
  {
    PauseRecording pause;
    require(recorders().empty(), "PauseRecording left recorders");
    const Tensor z = multiply(x, x);
    require(!tape.tracks(z), "a paused tape recorded");
  }
  try {
    matmul(x, x);
  } catch (const std::invalid_argument&) {
  }
  require(recorders().size() == before + 1, "a failed operation changed the stack");
  require_all("the gradient after a failed operation", tape.gradient({y}, {x}, {})[0], 4);
  tape.exit();
  require_throw<std::invalid_argument>(
      "a second exit", [&] { tape.exit(); }, "not recording");

  // Tapes may be left in any order, and a tape that dies while it records takes itself off the stack.
  auto first = std::make_unique<Tape>(false, false), second = std::make_unique<Tape>(false, false);
  first->enter();
  second->enter();
  first.reset();
  require(recorders().size() == before + 1, "a dead tape is still open");
  second.reset();
  require(recorders().size() == before, "a dead tape is still open");

  // A consumed tape starts afresh.
  Tape reused(false, false);
  for (int i = 0; i < 2; ++i) {
    reused.enter();
    reused.watch(x);
    require_all("a reused tape", reused.gradient({multiply(x, x)}, {x}, {})[0], 4);
    require_throw<std::runtime_error>(
        "a second gradient", [&] { reused.gradient({x}, {x}, {}); }, "one set of gradients");
  }
  // A gradient from an open persistent tape records itself on that tape.
  Tape open(true, false);
  open.enter();
  open.watch(x);
  const Tensor slope = open.gradient({multiply(x, multiply(x, x))}, {x}, {})[0];
  require_all("a gradient inside an open tape", slope, 12);
  require_all("the second derivative on one tape", open.gradient({slope}, {x}, {})[0], 12);
  open.exit();
}

// ---- Callbacks ----------------------------------------------------------------------------------------------------------

struct Cube final : Callback {
  Tensor x;
  int* alive;
  bool broken;
  Cube(Tensor at, int* count, bool fails) : x(std::move(at)), alive(count), broken(fails) { ++*alive; }
  ~Cube() override { --*alive; }
  Cube(const Cube&) = delete;
  Cube& operator=(const Cube&) = delete;
  std::vector<Tensor> vjp(const Tensors& dy) override {
    if (broken) throw std::runtime_error("the callback fails");
    return {multiply(dy[0], multiply(constant_like(x, 3), multiply(x, x)))};
  }
  std::unique_ptr<Callback> clone() const override { return std::make_unique<Cube>(x, alive, broken); }
};

void test_callbacks() {
  const Tensor x = filled(2);
  int alive = 0;
  const auto cube = [&](bool broken) {
    Tensor y;
    {
      PauseRecording pause;
      y = multiply(x, multiply(x, x));
    }
    return record_custom({x}, {y}, std::make_unique<Cube>(x, &alive, broken))[0];
  };
  {
    Tape outer(false, false);
    outer.enter();
    outer.watch(x);
    Tape inner(false, false);
    inner.enter();
    inner.watch(x);
    const Tensor slope = inner.gradient({cube(false)}, {x}, {})[0];
    require_all("a callback's gradient", slope, 12);
    require_all("the gradient of a callback's gradient", outer.gradient({slope}, {x}, {})[0], 12);
  }
  require(alive == 0, alive, " callbacks outlive their tapes");
  {
    Tape tape(false, false);
    tape.enter();
    tape.watch(x);
    const Tensor y = cube(true);
    require_throw<std::runtime_error>(
        "a failing callback", [&] { tape.gradient({y}, {x}, {}); }, "the callback fails");
    require(recorders().empty(), "a failing callback left recorders open");
  }
  require(alive == 0, alive, " callbacks outlive a failed gradient");
  struct Wrong final : Callback {
    std::vector<Tensor> vjp(const Tensors& dy) override { return {dy[0], dy[0]}; }
    std::unique_ptr<Callback> clone() const override { return std::make_unique<Wrong>(); }
  };
  Tape tape(false, false);
  tape.enter();
  tape.watch(x);
  const Tensor y = record_custom({x}, {x}, std::make_unique<Wrong>())[0];
  require_throw<std::invalid_argument>(
      "a callback with too many gradients", [&] { tape.gradient({y}, {x}, {}); }, "returned 2 gradients");
}

void test_sources(Rng& rng) {
  // dL/da, dL/dz and dL/dx of a fused head, each against its own definition: dL/dz = Jᵀ·dL/da.
  const Tensor x = uniform(rng, {5, 4}), w = uniform(rng, {4, 3}), t = uniform(rng, {5, 3}, 0.1, 0.9);
  Tape tape(true, false);
  tape.enter();
  tape.watch(w);
  const Tensor p = dense(x, w, Tensor(), Activation::softmax), z = p.pre()->z;
  const Tensor value = loss(t, p, Tensor(), {Loss::categorical_crossentropy});
  tape.exit();
  const std::vector<Tensor> g = tape.gradient({value}, {p, z, w}, {});
  require_close("dL/dz = Jᵀ·dL/da", activation_grad(Activation::softmax, p, z, g[0]), g[1], 1e-14);
  require_close("dL/dW = xᵀ·dL/dz", matmul(x, g[1], true, false), g[2], 1e-14);
}

}  // namespace

void test_state(Rng& rng) {
  test_variable();
  test_deep_graph();
  test_recorders();
  test_callbacks();
  test_sources(rng);
}

}  // namespace densegrad::driver

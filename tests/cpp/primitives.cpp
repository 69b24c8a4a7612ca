// Every primitive: evaluation in both dtypes, three derivatives against central differences, coarse equal to decomposed.
#include <set>

#include "check.h"

namespace densegrad::driver {

std::string describe(const PrimitiveCase& c) {
  std::ostringstream text;
  text << c.name;
  for (const Tensor& t : c.inputs) text << ' ' << t.dtype() << t.shape();
  return text.str();
}

Tensors evaluate(const PrimitiveCase& c, Tensors in, bool fine) {
  if (c.fused >= 0) {
    in[1] = activation(static_cast<Activation>(c.fused), in[c.z], -1);
    if (c.name == "loss") in.push_back(in[1]);  // as the caller knows it
  }
  const Primitive& p = primitive(c.name);
  if (!fine && c.name == "dense") {  // which of two primitives, the activation decides
    const Tensor y = dense(in[0], in[1], in.size() > 2 ? in[2] : Tensor(), std::get<ActivationParams>(c.params));
    return y.pre()->z.defined() ? Tensors{y, y.pre()->z} : Tensors{y};
  }
  if (!fine) return run(p, in, c.params);
  Tensors out;
  p.decompose(in, c.params, out);
  return out;
}

namespace {

// The sum of all float outputs, as a function of the wanted inputs.
Function function_of(const PrimitiveCase& c, bool fine) {
  return [c, fine](const std::vector<Tensor>& x) {
    Tensors in = c.inputs;
    for (std::size_t i = 0; i < x.size(); ++i) in[c.wanted[i]] = x[i];
    const Tensors out = evaluate(c, in, fine);
    Tensor total;
    double weight = 1;
    for (const Tensor& y : out) {
      // Squared, so that linear primitives have a second derivative; weighted, so that the outputs differ.
      const Tensor part = multiply(constant_like(y, weight), add(unary(Unary::square, y), y));
      total = total.defined() ? add(total, sum(part)) : sum(part);
      weight += 0.5;
    }
    return total;
  };
}

// False if the differences were inconclusive.
bool check_case(Rng& rng, const PrimitiveCase& c) {
  const Primitive& p = primitive(c.name);
  const std::string what = describe(c);
  const Tensors out = evaluate(c, c.inputs, false);
  require(!out.empty(), what, ": no output");
  const Tensors again = evaluate(c, c.inputs, false);
  for (std::size_t i = 0; i < out.size(); ++i) require(same_bits(out[i], again[i]), what, ": a second run differs");

  // In float32 the same to single precision.
  Tensors single;
  for (const Tensor& t : c.inputs) single.push_back(is_float(t.dtype()) ? cast(t, DType::float32) : t);
  if (!std::holds_alternative<CastParams>(c.params) && !std::holds_alternative<OneHotParams>(c.params)) {
    const Tensors narrow = evaluate(c, single, false);
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (!is_float(out[i].dtype())) continue;
      require(narrow[i].dtype() == DType::float32, what, ": float32 gives ", narrow[i].dtype());
      require_close(what + " in float32", cast(narrow[i], DType::float64), out[i], 1e-5);
    }
  }
  if (p.decompose) {
    const Tensors fine = evaluate(c, c.inputs, true);
    require(fine.size() == out.size(), what, ": the decomposition has ", fine.size(), " outputs");
    for (std::size_t i = 0; i < out.size(); ++i) require_close(what + " decomposed", fine[i], out[i], 1e-13);
  }
  if (c.wanted.empty()) return true;
  std::vector<Tensor> x;
  for (std::size_t i : c.wanted) x.push_back(c.inputs[i]);
  const Function f = function_of(c, false);
  if (p.decompose) {
    const std::vector<Tensor> coarse = gradients(f, x), fine = gradients(function_of(c, true), x);
    for (std::size_t i = 0; i < x.size(); ++i) require_close(what + " decomposed gradient", fine[i], coarse[i], 1e-12);
  }
  return check_derivatives(rng, what, f, x, 3);
}

// ---- The table ----------------------------------------------------------------------------------------------------------

using Cases = std::vector<PrimitiveCase>;

void elementwise_cases(Rng& rng, Cases& cases) {
  for (const Shape& s : {Shape{}, Shape{0, 3}, Shape{1}, Shape{3, 5}, Shape{67}}) {
    for (const char* name : {"negative", "square", "exp", "expm1", "sin", "cos", "tanh", "erf", "erfc"})
      cases.push_back({name, {uniform(rng, s)}, {}, {0}});
    for (const char* name : {"tan", "arctan", "sinh", "cosh", "arcsinh"})
      cases.push_back({name, {uniform(rng, s)}, {}, {0}});
    for (const char* name : {"arcsin", "arccos", "arctanh"})
      cases.push_back({name, {uniform(rng, s, -0.8, 0.8)}, {}, {0}});
    cases.push_back({"arccosh", {uniform(rng, s, 1.5, 3)}, {}, {0}});
    cases.push_back({"erfinv", {uniform(rng, s, -0.8, 0.8)}, {}, {0}});
    cases.push_back({"erfcinv", {uniform(rng, s, 0.2, 1.8)}, {}, {0}});
    for (const char* name : {"lgamma", "digamma"}) cases.push_back({name, {uniform(rng, s, 0.8, 3)}, {}, {0}});
    for (const char* name : {"sqrt", "log", "log1p"}) cases.push_back({name, {uniform(rng, s, 0.5, 2)}, {}, {0}});
    for (const char* name : {"floor", "ceil", "round"}) cases.push_back({name, {uniform(rng, s, -9, 9)}});
    for (const char* name : {"abs", "sign"}) cases.push_back({name, {nonzero(rng, s)}, {}, {0}});
    cases.push_back({"clip", {nonzero(rng, s)}, ClipParams{-0.1, 0.1}, {0}});
    cases.push_back({"clip", {nonzero(rng, s)}, ClipParams{-3, 3}, {0}});
    cases.push_back({"cast", {uniform(rng, s)}, CastParams{DType::float64}, {0}});
    cases.push_back({"identity", {uniform(rng, s)}, {}, {0}});
    cases.push_back({"stop_gradient", {uniform(rng, s)}});
  }
  const std::pair<Shape, Shape> shapes[] = {{{3, 5}, {3, 5}}, {{3, 5}, {5}},    {{3, 1}, {1, 5}}, {{}, {2, 2}},
                                            {{2, 1, 3}, {}},  {{0, 4}, {1, 4}}, {{17}, {17}}};
  for (const auto& [a, b] : shapes) {
    for (const char* name : {"add", "subtract", "multiply", "maximum", "minimum"}) {
      cases.push_back({name, {uniform(rng, a), uniform(rng, b, 1.5, 2)}, {}, {0, 1}});
      cases.push_back({name, {uniform(rng, a, 2.5, 3), uniform(rng, b)}, {}, {0, 1}});
    }
    cases.push_back({"divide", {uniform(rng, a), nonzero(rng, b)}, {}, {0, 1}});
    cases.push_back({"power", {uniform(rng, a, 0.5, 2), uniform(rng, b, -2, 2)}, {}, {0, 1}});
    cases.push_back({"arctan2", {uniform(rng, a, 0.5, 2), uniform(rng, b, 0.5, 2)}, {}, {0, 1}});
    cases.push_back({"polygamma", {integers(rng, a, 3, DType::float64), uniform(rng, b, 1, 3)}, {}, {1}});
    // Quotients between 1.1 and 1.7.
    cases.push_back({"mod", {uniform(rng, a, 2.1, 2.5), uniform(rng, b, 1.5, 1.9)}, {}, {0, 1}});
    cases.push_back({"floor_divide", {uniform(rng, a, 2.1, 2.5), uniform(rng, b, 1.5, 1.9)}});
    for (const char* name : {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal"}) {
      cases.push_back({name, {uniform(rng, a), uniform(rng, b)}});
      cases.push_back({name, {integers(rng, a, 2), integers(rng, b, 2)}});
    }
    cases.push_back({"where", {integers(rng, a, 2, DType::boolean), uniform(rng, b), uniform(rng, a)}, {}, {1, 2}});
  }
  for (DType from : {DType::boolean, DType::int32, DType::int64, DType::float32, DType::float64}) {
    for (DType to : {DType::boolean, DType::int32, DType::int64, DType::float32, DType::float64}) {
      cases.push_back({"cast", {integers(rng, {5}, 2, from)}, CastParams{to}});
    }
  }
}

void reduction_cases(Rng& rng, Cases& cases) {
  for (const Shape& axes : {Shape{}, Shape{0}, Shape{1}, Shape{2}, Shape{0, 1}, Shape{0, 2}, Shape{0, 1, 2}}) {
    for (bool keep : {false, true}) {
      for (const char* name : {"sum", "max", "logsumexp"}) {
        cases.push_back({name, {uniform(rng, {3, 4, 5})}, AxesParams{axes, keep}, {0}});
        cases.push_back({name, {uniform(rng, {1, 7, 2})}, AxesParams{axes, keep}, {0}});
      }
      cases.push_back({"sum", {uniform(rng, {2, 0, 3})}, AxesParams{axes, keep}, {0}});
    }
  }
  cases.push_back({"sum", {uniform(rng, {700})}, AxesParams{{0}, false}, {0}});
  cases.push_back({"logsumexp", {uniform(rng, {2, 300})}, AxesParams{{1}, false}, {0}});
  for (int axis : {0, 1, 2}) cases.push_back({"argmax", {uniform(rng, {3, 4, 5})}, AxisParams{axis}});
  cases.push_back({"argmax", {integers(rng, {3, 4}, 3)}, AxisParams{1}});
  cases.push_back({"argsort", {uniform(rng, {3, 4})}});
  const std::pair<Shape, Shape> grow[] = {{{}, {3, 2}}, {{1}, {4}}, {{3, 1}, {2, 3, 4}}, {{1, 4}, {0, 4}}, {{2}, {2}}};
  for (const auto& [small, large] : grow) {
    cases.push_back({"broadcast_to", {uniform(rng, small)}, ShapeParams{large}, {0}});
    cases.push_back({"sum_to", {uniform(rng, large)}, ShapeParams{small}, {0}});
  }
}

void movement_cases(Rng& rng, Cases& cases) {
  cases.push_back({"reshape", {uniform(rng, {3, 4})}, ShapeParams{{2, 6}}, {0}});
  cases.push_back({"reshape", {uniform(rng, {0, 4})}, ShapeParams{{2, 0, 7}}, {0}});
  cases.push_back({"reshape", {uniform(rng, {1, 1})}, ShapeParams{{}}, {0}});
  for (const Shape& axes : {Shape{0, 1, 2}, Shape{2, 1, 0}, Shape{1, 0, 2}, Shape{2, 0, 1}}) {
    cases.push_back({"transpose", {uniform(rng, {3, 4, 5})}, PermuteParams{axes}, {0}});
    cases.push_back({"transpose", {uniform(rng, {3, 0, 5})}, PermuteParams{axes}, {0}});
  }
  cases.push_back(
      {"concatenate", {uniform(rng, {2, 3}), uniform(rng, {2, 1}), uniform(rng, {2, 0})}, AxisParams{1}, {0, 1, 2}});
  Tensors many;  // more than a SmallVector keeps inline
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < 40; ++i) {
    many.push_back(uniform(rng, {1, 2}));
    all.push_back(i);
  }
  cases.push_back({"concatenate", many, AxisParams{0}, all});
  cases.push_back({"slice", {uniform(rng, {5, 7})}, SliceParams{{1, 6}, {2, -2}, {2, 3}}, {0}});
  cases.push_back({"slice", {uniform(rng, {5, 7})}, SliceParams{{4, 0}, {-1, 1}, {5, 0}}, {0}});
  cases.push_back({"place", {uniform(rng, {2, 3})}, SliceParams{{1, 6}, {2, -2}, {5, 7}}, {0}});
  cases.push_back({"place", {uniform(rng, {0, 3})}, SliceParams{{0, 0}, {1, 1}, {2, 3}}, {0}});
  for (DType d : {DType::int32, DType::int64}) {
    cases.push_back({"take", {uniform(rng, {4, 3}), integers(rng, {2, 5}, 4, d)}, {}, {0}});
    cases.push_back({"take", {uniform(rng, {4}), integers(rng, {0}, 4, d)}, {}, {0}});
    cases.push_back(
        {"scatter_add", {uniform(rng, {4, 3}), integers(rng, {6}, 4, d), uniform(rng, {6, 3})}, {}, {0, 2}});
    cases.push_back({"one_hot", {tensor_of(d, {4}, [](index_t i) { return i - 1; })}, OneHotParams{2, DType::float64}});
  }
}

void layer_cases(Rng& rng, Cases& cases) {
  const auto sides = [](bool transpose, index_t r, index_t c) { return transpose ? Shape{c, r} : Shape{r, c}; };
  for (int t = 0; t < 4; ++t) {
    const bool ta = (t & 1) != 0, tb = (t & 2) != 0;
    const std::array<index_t, 3> sizes[] = {{3, 4, 5}, {1, 1, 1}, {0, 3, 2}, {2, 0, 3}, {17, 3, 1}, {2, 31, 33}};
    for (const auto& [m, k, n] : sizes) {
      cases.push_back(
          {"matmul", {uniform(rng, sides(ta, m, k)), uniform(rng, sides(tb, k, n))}, MatmulParams{ta, tb}, {0, 1}});
    }
    const Shape a = sides(ta, 2, 3), b = sides(tb, 3, 4);
    cases.push_back(
        {"matmul", {uniform(rng, {5, 1, a[0], a[1]}), uniform(rng, {2, b[0], b[1]})}, MatmulParams{ta, tb}, {0, 1}});
  }
  for (int i = 0; i < size_of<Activation>(); ++i) {
    const ActivationParams p = params_of(static_cast<Activation>(i));
    for (const Shape& s : {Shape{3, 5}, Shape{0, 4}, Shape{4, 1}, Shape{2, 3, 17}, Shape{7}}) {
      cases.push_back({"activation", {nonzero(rng, s)}, p, {0}});
      cases.push_back({"activation_grad", {nonzero(rng, s), uniform(rng, s), uniform(rng, s)}, p, {0, 1, 2}});
    }
    // Several cotangents of one output, and one row of them for all rows.
    for (const Shape& s : {Shape{2, 3, 5}, Shape{2, 1, 5}, Shape{1, 5}}) {
      cases.push_back({"activation_grad", {nonzero(rng, {3, 5}), uniform(rng, {3, 5}), uniform(rng, s)}, p, {0, 1, 2}});
    }
    for (const Shape& s : {Shape{3, 4}, Shape{0, 4}, Shape{1, 1}, Shape{2, 3, 5}, Shape{2, 0}}) {
      const Tensor x = uniform(rng, s), w = uniform(rng, {s.back(), 3}), b = nonzero(rng, {3});
      if (s.count() > 0 || s.back() > 0) cases.push_back({"dense", {x, w}, p, {0, 1}});
      cases.push_back({"dense", {x, w, b}, p, {0, 1, 2}});
    }
  }
}

void linear_algebra_cases(Rng& rng, Cases& cases) {
  // Far from singular, and positive definite where the noise is left out.
  const auto matrix = [&](index_t n, bool noise) {
    Tensor diagonal = one_hot(tensor_of(DType::int64, {n}, [](index_t i) { return i; }), n, DType::float64);
    diagonal = multiply(diagonal, constant_like(diagonal, 3));
    return noise ? add(diagonal, uniform(rng, {2, n, n}, -0.5, 0.5)) : diagonal;
  };
  for (const index_t n : {1, 2, 4}) {
    for (const bool transpose : {false, true})
      cases.push_back({"solve", {matrix(n, true), uniform(rng, {n, 3})}, MatmulParams{transpose, false}, {0, 1}});
    cases.push_back({"det", {matrix(n, true)}, {}, {0}});
    cases.push_back({"slogdet", {matrix(n, true)}, {}, {0}});
    cases.push_back({"cholesky", {matrix(n, false)}});
    // Eigenvalues far from each other.
    const Tensor steps = multiply(matrix(n, false), tensor_of(DType::float64, {n}, [](index_t i) { return i + 1; }));
    cases.push_back({"eigh", {add(steps, uniform(rng, {n, n}, -0.5, 0.5))}});
  }
}

void other_cases(Rng& rng, Cases& cases) {
  const RandomParams dice{
      .distribution = Distribution::integers, .shape = {3, 5}, .dtype = DType::int64, .lo = 1, .hi = 7};
  cases.push_back({"random", {integers(rng, {2}, 1000)}, dice});
  for (const Shape& s : {Shape{}, Shape{7}})
    cases.push_back({"schedule", {uniform(rng, s, 0, 9)}, ScheduleParams{Schedule::inverse_time_decay, {8, 2, 1, 0}}});
}

void loss_cases(Rng& rng, Cases& cases) {
  const auto add_pair = [&](const Tensor& t, const Tensor& p, const LossParams& params, bool sparse) {
    const Tensor dv = uniform(rng, Shape(p.shape().begin(), p.shape().end() - 1));
    PrimitiveCase value{"loss", {t, p}, params, {0, 1}}, slope{"loss_grad", {t, p, dv}, params, {0, 1, 2}};
    if (params.form == LossForm::fused) {
      const bool binary = params.loss == Loss::binary_crossentropy;
      value.fused = slope.fused = static_cast<int>(binary ? Activation::sigmoid : Activation::softmax);
      value.z = 2;
      slope.z = 3;
      value.inputs.push_back(p);
      slope.inputs.push_back(p);
      value.wanted = {0, 2};
      slope.wanted = {0, 2, 3};
    }
    if (sparse) {
      value.wanted.erase(value.wanted.begin());
      slope.wanted.erase(slope.wanted.begin());
    }
    cases.push_back(value);
    cases.push_back(slope);
  };
  for (const Shape& s : {Shape{3, 4}, Shape{1, 1}, Shape{0, 3}, Shape{2, 2, 3}}) {
    const int axis = s.rank() - 1;
    for (int l = 0; l < size_of<Loss>(); ++l) {
      const Loss loss = static_cast<Loss>(l);
      const bool sparse = is_sparse(loss);
      LossParameters o = LossOptions(loss).parameters;
      const Tensor t = sparse ? integers(rng, Shape(s.begin(), s.end() - 1), s.back()) : uniform(rng, s, 0.1, 0.9);
      const bool fuses = loss == Loss::binary_crossentropy || loss == Loss::categorical_crossentropy ||
                         loss == Loss::sparse_categorical_crossentropy;
      for (double smoothing : {0.0, 0.1}) {
        if (has_logits(loss) && !sparse) o[0] = smoothing;
        add_pair(t, uniform(rng, s, 0.1, 0.9), {loss, LossForm::values, o, axis}, sparse);
        if (has_logits(loss)) add_pair(t, nonzero(rng, s), {loss, LossForm::logits, o, axis}, sparse);
        if (fuses) add_pair(t, nonzero(rng, s), {loss, LossForm::fused, o, axis}, sparse);
      }
    }
  }
  // Classes on another axis.
  for (Loss loss : {Loss::binary_crossentropy, Loss::categorical_crossentropy, Loss::sparse_categorical_crossentropy}) {
    const bool sparse = loss == Loss::sparse_categorical_crossentropy;
    const Tensor t = sparse ? integers(rng, {2, 4}, 3) : uniform(rng, {2, 3, 4}, 0.1, 0.9);
    const std::vector<std::size_t> both = sparse ? std::vector<std::size_t>{1} : std::vector<std::size_t>{0, 1};
    cases.push_back({"loss", {t, uniform(rng, {2, 3, 4})}, LossParams{loss, LossForm::logits, {}, 1}, both});
    cases.push_back({"loss_grad",
                     {t, uniform(rng, {2, 3, 4}), uniform(rng, {2, 4})},
                     LossParams{loss, LossForm::logits, {}, 1},
                     {1, 2}});
  }
}

}  // namespace

std::vector<PrimitiveCase> primitive_cases(Rng& rng) {
  Cases cases;
  for (auto family :
       {elementwise_cases, reduction_cases, movement_cases, layer_cases, linear_algebra_cases, other_cases, loss_cases})
    family(rng, cases);
  return cases;
}

void test_primitives(Rng& rng) {
  const Cases cases = primitive_cases(rng);
  std::set<std::string> tested{"custom_gradient"};  // it has no evaluation of its own; see test_state
  std::size_t inconclusive = 0;
  for (const PrimitiveCase& c : cases) {
    inconclusive += !check_case(rng, c);
    tested.insert(c.name);
  }
  for (const Primitive* p : all_primitives())
    require(tested.count(p->name) == 1, "primitive '", p->name, "' has no case");
  for (const Primitive* p : all_primitives()) {
    if (p->shapes) require(p->vmap, "primitive '", p->name, "' has no batching rule");
  }
  require(50 * inconclusive <= cases.size(), inconclusive, " of ", cases.size(), " cases were too near a kink");
}

}  // namespace densegrad::driver

// The dense layer and the activations.
#include <algorithm>

#include "core/pool.h"
#include "formulas/activations.h"
#include "kernels/gemm.h"
#include "ops/batch.h"
#include "ops/broadcast.h"
#include "ops/graph.h"
#include "ops/ops.h"

namespace densegrad {

namespace {

// f(formula) for an activation and its parameters.
template <class F>
auto visit(const ActivationParams& params, F&& f) {
  return formulas::visit(params.activation, params.values, f);
}

bool grad_needs_z(const ActivationParams& params) {
  return visit(params, [](auto formula) { return decltype(formula)::needs_z; });
}

const char* name_of(const ActivationParams& params) {
  return names_of<Activation>()[static_cast<std::size_t>(params.activation)];
}

// Rows and columns for a kernel that works row by row (the last axis) or entry by entry.
std::pair<index_t, index_t> rows_of(const Shape& s) {
  return s.rank() == 0 ? std::pair<index_t, index_t>{1, 1} : std::pair{s.count(0, s.rank() - 1), s.back()};
}

void activate(const ActivationParams& params, const Tensor& z, const Tensor& y) {
  const auto [rows, cols] = rows_of(z.shape());
  visit_float(z.dtype(), [&, rows = rows, cols = cols](auto type) {
    using T = typename decltype(type)::type;
    kernels_for<T>().activation[static_cast<int>(params.activation)](params.values, rows, cols, z.data<T>(),
                                                                     y.mutable_data<T>());
  });
}

void require_float(const char* tag, const char* argument, const Tensor& x) {
  if (!is_float(x.dtype())) {
    fail<TypeError>("[", tag, "] `", argument, "` is ", x.dtype(),
                    ": it must be float32 or float64; convert it with cast(x, dtype).");
  }
}

// ---- dense: y = act(z), z = x·w + b.     outputs: y, and z unless the activation is linear ----------------------------

const ActivationParams& activation_of(const Params& params) { return std::get<ActivationParams>(params); }

void dense_shapes(const Tensors& in, const Params& params, Specs& out) {
  const Tensor &x = in[0], &w = in[1];
  require_float("dense", "x", x);
  if (x.rank() < 2) {
    fail("[dense] `x` has shape ", x.shape(),
         ": it must have at least 2 axes, (batch, ..., features); a single sample is x[None].");
  }
  if (w.rank() != 2) fail("[dense] `kernel` has shape ", w.shape(), ": it must be (features, units).");
  const index_t features = x.shape().back(), units = w.dim(1);
  if (features != w.dim(0) && features != unknown) {
    fail("[dense] `x` has shape ", x.shape(), " but `kernel` has shape ", w.shape(), ": x.shape[", x.rank() - 1,
         "] must equal kernel.shape[0].");
  }
  if (w.dtype() != x.dtype()) {
    fail<TypeError>("[dense] `x` is ", x.dtype(), " but `kernel` is ", w.dtype(),
                    ": they must have one dtype; convert one with cast(x, dtype).");
  }
  if (in.size() > 2) {
    const Tensor& b = in[2];
    if (b.rank() != 1 || b.dim(0) != units) {
      fail("[dense] `bias` has shape ", b.shape(), " but `kernel` has shape ", w.shape(), ": bias.shape must be (",
           units, ",).");
    }
    if (b.dtype() != x.dtype()) {
      fail<TypeError>("[dense] `x` is ", x.dtype(), " but `bias` is ", b.dtype(),
                      ": they must have one dtype; convert one with cast(x, dtype).");
    }
  }
  Shape shape(x.shape().begin(), x.shape().end() - 1);
  shape.push_back(units);
  out.push_back({x.dtype(), shape});
  if (activation_of(params).activation != Activation::linear) out.push_back({x.dtype(), shape});
}

void dense_eval(const Tensors& in, const Params& params, Tensors& out) {
  const Tensor &x = in[0], &w = in[1], &z = out.back();
  const index_t k = w.dim(0), n = w.dim(1), m = x.shape().count(0, x.rank() - 1);
  visit_float(x.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    product_plus_bias<T>(m, n, k, x.data<T>(), w.data<T>(), in.size() > 2 ? in[2].data<T>() : nullptr,
                         z.mutable_data<T>());
  });
  if (out.size() > 1) activate(activation_of(params), z, out[0]);
}

bool dense_vjp_rule(VjpContext& c) {
  const bool linear = c.outputs.size() == 1;
  Tensor dz = c.dy[c.outputs.size() - 1];  // what reached z itself, or the output of a linear layer
  if (!linear && c.dy[0].defined()) {
    const Tensor through = activation_grad(activation_of(c.params), c.outputs[0], c.outputs[1], c.dy[0]);
    if (c.is_source(c.outputs[1])) c.report(c.outputs[1], through);
    dz = dz.defined() ? add(dz, through) : through;
  }
  const bool has_bias = c.inputs.size() > 2;
  const DenseGrads g = dense_vjp(c.inputs[0], c.inputs[1], dz, c.wanted[0], c.wanted[1], has_bias && c.wanted[2]);
  c.dx[0] = g.dx;
  c.dx[1] = g.dw;
  if (has_bias) c.dx[2] = g.db;
  return true;
}

// act'(z) t, the tangent of an activation.
Tensor activation_tangent(const ActivationParams& params, const Tensor& y, const Tensor& z, const Tensor& t) {
  const Tensor own = visit(params, [&](auto formula) -> Tensor {
    if constexpr (requires { formula.tangent(Graph(y), Graph(z), Graph(t)); }) {
      return formula.tangent(Graph(y), Graph(z), Graph(t)).tensor();
    } else {
      return {};
    }
  });
  return own.defined() ? own : activation_grad(params, y, z, t);
}

bool dense_jvp(JvpContext& c) {
  const Tensor &tx = c.tangents[0], &tw = c.tangents[1];
  Tensor tz;
  const auto plus = [&tz](const Tensor& t) { tz = tz.defined() ? add(tz, t) : t; };
  if (tx.defined()) plus(matmul(tx, c.inputs[1]));
  if (tw.defined()) plus(matmul(c.inputs[0], tw));
  if (c.inputs.size() > 2 && c.tangents[2].defined()) plus(broadcast_to(c.tangents[2], c.outputs[0].shape()));
  if (c.outputs.size() == 1) {
    c.out_tangents = {tz};
  } else {
    c.out_tangents = {activation_tangent(activation_of(c.params), c.outputs[0], c.outputs[1], tz), tz};
  }
  return true;
}

void dense_vmap(VmapContext& c) {
  const bool has_bias = c.inputs.size() > 2;
  if (!c.batched[1] && !(has_bias && c.batched[2])) {  // one layer for all examples: more rows
    c.outputs = run(c.primitive, c.inputs, c.params);
    return;
  }
  const int rank = c.rank(0);
  Tensor z = matmul(lifted(c, 0, rank), lifted(c, 1, rank));
  if (has_bias) z = add(z, lifted(c, 2, rank));
  const ActivationParams& act = activation_of(c.params);
  if (act.activation == Activation::linear) {
    c.outputs = {z};
  } else {
    c.outputs = {activation(act, z, -1), z};
  }
}

void dense_decompose(const Tensors& in, const Params& params, Tensors& out) {
  Tensor z = matmul(in[0], in[1]);
  if (in.size() > 2) z = add(z, in[2]);
  if (activation_of(params).activation == Activation::linear) {
    out.push_back(z);
    return;
  }
  const Graph y = visit(activation_of(params), [&](auto formula) { return formula.forward(Graph(z)); });
  out.push_back(y.tensor());
  out.push_back(z);
}

// One primitive for every activation would save z always; those whose derivative needs only y save y alone.
const Primitive dense_primitive{.name = "dense",
                                .saved_inputs = save(0) | save(1),
                                .saved_outputs = save(0),
                                .shapes = dense_shapes,
                                .eval = dense_eval,
                                .vjp = dense_vjp_rule,
                                .jvp = dense_jvp,
                                .vmap = dense_vmap,
                                .decompose = dense_decompose,
                                .by_row = true};
const Primitive dense_z_primitive{.name = "dense",
                                  .saved_inputs = save(0) | save(1),
                                  .saved_outputs = save(0) | save(1),
                                  .shapes = dense_shapes,
                                  .eval = dense_eval,
                                  .vjp = dense_vjp_rule,
                                  .jvp = dense_jvp,
                                  .vmap = dense_vmap,
                                  .decompose = dense_decompose,
                                  .by_row = true};

// ---- activation: y = act(z) over the last axis -----------------------------------------------------------------------

void activation_shapes(const Tensors& in, const Params& params, Specs& out) {
  require_float(name_of(activation_of(params)), "x", in[0]);
  out.push_back({in[0].dtype(), in[0].shape()});
}

void activation_eval(const Tensors& in, const Params& params, Tensors& out) {
  activate(activation_of(params), in[0], out[0]);
}

bool activation_vjp(VjpContext& c) {
  c.dx[0] = activation_grad(activation_of(c.params), c.outputs[0], c.inputs[0], c.dy[0]);
  return true;
}

bool activation_jvp(JvpContext& c) {
  c.out_tangents = {activation_tangent(activation_of(c.params), c.outputs[0], c.inputs[0], c.tangents[0])};
  return true;
}

void activation_decompose(const Tensors& in, const Params& params, Tensors& out) {
  const Graph y = visit(activation_of(params), [&](auto formula) { return formula.forward(Graph(in[0])); });
  out.push_back(y.tensor());
}

const Primitive activation_primitive{.name = "activation",
                                     .saved_inputs = save(0),
                                     .saved_outputs = save(0),
                                     .shapes = activation_shapes,
                                     .eval = activation_eval,
                                     .vjp = activation_vjp,
                                     .jvp = activation_jvp,
                                     .vmap = same_vmap,
                                     .decompose = activation_decompose,
                                     .by_row = true};

// ---- activation_grad: dz = act'(z)ᵀ·dy from (y, z, dy) ----------------------------------------------------------------

// dy may have leading axes that y and z lack (several cotangents of one output), and one row that stands for all.
Shape activation_grad_shape(const Tensor& y, const Tensor& dy) {
  Shape shape = dy.shape();
  const int first = shape.rank() - y.rank();
  if (y.rank() > 0 && shape[first] == 1) shape[first] = y.dim(0);
  return shape;
}

void activation_grad_shapes(const Tensors& in, const Params&, Specs& out) {
  out.push_back({in[2].dtype(), activation_grad_shape(in[0], in[2])});
}

void activation_grad_eval(const Tensors& in, const Params& params, Tensors& out) {
  const auto [rows, cols] = rows_of(in[0].shape());
  const index_t size = in[0].size();
  if (size == 0) return;
  const index_t cotangents = out[0].size() / size, given = in[2].size() / cotangents;
  visit_float(in[2].dtype(), [&, rows = rows, cols = cols](auto type) {
    using T = typename decltype(type)::type;
    const ActivationParams& p = activation_of(params);
    for_pieces(cotangents, std::max<index_t>(1, light_grain / size), [&](index_t first, index_t count) {
      for (index_t k = first; k < first + count; ++k) {
        const T* dy = in[2].data<T>() + k * given;
        T* dz = out[0].mutable_data<T>() + k * size;
        if (given < size) {
          for (index_t at = 0; at < size; at += given) std::copy_n(dy, given, dz + at);
          dy = dz;
        }
        kernels_for<T>().activation_grad[static_cast<int>(p.activation)](p.values, rows, cols, in[0].data<T>(),
                                                                         in[1].data<T>(), dy, dz);
      }
    });
  });
}

void activation_grad_vmap(VmapContext& c) {
  if (!c.batched[0] && !c.batched[1]) {
    c.outputs = run(c.primitive, c.inputs, c.params);
    return;
  }
  const Tensor dy = repeated(c, 2), y = lifted(c, 0, c.rank(2)), z = lifted(c, 1, c.rank(2));
  const Shape shape = broadcast_shapes("activation_grad", dy.shape(), y.shape());
  c.outputs = run(c.primitive, {broadcast_to(y, shape), broadcast_to(z, shape), broadcast_to(dy, shape)}, c.params);
}

void activation_grad_decompose(const Tensors& in, const Params& params, Tensors& out) {
  const Graph y(in[0]), z(in[1]), dy(broadcast_to(in[2], activation_grad_shape(in[0], in[2])));
  const Graph dz = visit(activation_of(params), [&](auto formula) { return formula.grad(y, z, dy); });
  out.push_back(dz.tensor());
}

const Primitive activation_grad_primitive{.name = "activation_grad",
                                          .saved_inputs = save_all,
                                          .shapes = activation_grad_shapes,
                                          .eval = activation_grad_eval,
                                          .vmap = activation_grad_vmap,
                                          .decompose = activation_grad_decompose,
                                          .in_place = 2};

}  // namespace

Tensor dense(const Tensor& x, const Tensor& w, const Tensor& b, const ActivationParams& params) {
  check_parameters(params);
  const Primitive& p = grad_needs_z(params) ? dense_z_primitive : dense_primitive;
  const Tensors out = b.defined() ? run(p, {x, w, b}, params) : run(p, {x, w}, params);
  const int last = out[0].rank() - 1;
  out[0].set_pre(static_cast<int>(params.activation), last, out.size() > 1 ? out[1] : Tensor());
  return out[0];
}

Tensor activation(const ActivationParams& params, const Tensor& x, index_t axis) {
  if (params.activation == Activation::linear) return x;
  check_parameters(params);
  Tensor y;
  int a = x.rank() - 1;
  if (is_rowwise(params.activation)) {
    if (x.rank() == 0) fail("[", name_of(params), "] `x` is a scalar: it must have at least one axis.");
    a = normalize_axis(name_of(params), axis, x.rank());
  }
  if (a == x.rank() - 1) {
    y = run1(activation_primitive, {x}, params);
  } else {
    y = move_axis_back(run1(activation_primitive, {move_axis_last(x, a)}, params), a);
  }
  y.set_pre(static_cast<int>(params.activation), a, x);
  return y;
}

Tensor activation_grad(const ActivationParams& params, const Tensor& y, const Tensor& z, const Tensor& dy) {
  if (params.activation == Activation::linear) return dy;
  // z may be a ghost where the rule does not read it; y stands in for its memory.
  return run1(activation_grad_primitive, {y, grad_needs_z(params) ? z : y, dy}, params);
}

DenseGrads dense_vjp(const Tensor& x, const Tensor& w, const Tensor& dz, bool want_dx, bool want_dw, bool want_db) {
  DenseGrads g;
  if (want_dx) g.dx = matmul(dz, w, false, true);
  if (!want_dw && !want_db) return g;
  const index_t rows = x.rank() == 2 ? unknown : x.shape().count(0, x.rank() - 1);
  const Tensor dz2 = x.rank() == 2 ? dz : reshape(dz, {rows, w.dim(1)});
  if (want_dw) {
    const Tensor x2 = x.rank() == 2 ? x : reshape(x, {rows, w.dim(0)});
    g.dw = matmul(x2, dz2, true, false);
  }
  if (want_db) g.db = sum(dz2, Shape{0});
  return g;
}

std::vector<const Primitive*> dense_primitives() {
  return {&dense_primitive, &activation_primitive, &activation_grad_primitive};
}

}  // namespace densegrad

// Losses: per-sample values as one coarse primitive; what is around it is in loss_frame.cpp.
#include <cstring>

#include "formulas/losses.h"
#include "ops/batch.h"
#include "ops/graph.h"
#include "ops/ops.h"

namespace densegrad {

Shape without_axis(const Shape& shape, int axis) {
  Shape out;
  for (int i = 0; i < shape.rank(); ++i)
    if (i != axis) out.push_back(shape[i]);
  return out;
}

namespace {

// ---- loss: (y_true, y_pred[, z, passed]) -> values.   loss_grad: (y_true, y_pred, dvalues[, z]) -> d y_pred, or d z ----
// Fused, z takes part where y_pred does, and `passed` is y_pred as the caller knows it (before its rank was aligned): the
// tensor whose gradient is reported.
// The class axis may be any; the kernels see it last.

const LossParams& loss_params(const Params& params) { return std::get<LossParams>(params); }

// `t` with the class axis last, unrecorded: for eval rules.
Tensor rows_last(const Tensor& t, int axis) {
  if (axis == t.rank() - 1) return t;
  PauseRecording pause;
  return move_axis_last(t, axis);
}

template <class T>
LossArgs<T> loss_args(const Tensor& y_true, const Tensor& y_pred, const Tensor* z, const LossParams& p) {
  LossArgs<T> args{};
  args.cols = y_pred.shape().back();
  args.rows = y_pred.shape().count(0, y_pred.rank() - 1);
  if (is_sparse(p.loss)) {
    args.labels = y_true.data<index_t>();
  } else {
    args.y_true = y_true.data<T>();
  }
  args.y_pred = y_pred.data<T>();
  args.z = z ? z->data<T>() : nullptr;
  args.parameters = p.parameters.data();
  args.form = p.form;
  return args;
}

struct LossRows {
  Tensor y_true, y_pred, z;
  LossRows(const Tensor& t, const Tensor& p, const Tensor* pre, const LossParams& params)
      : y_true(is_sparse(params.loss) ? t : rows_last(t, params.axis)), y_pred(rows_last(p, params.axis)) {
    if (pre) z = rows_last(*pre, params.axis);
  }
  const Tensor* z_or_null() const { return z.defined() ? &z : nullptr; }
};

void loss_shapes(const Tensors& in, const Params& params, Specs& out) {
  out.push_back({in[1].dtype(), without_axis(in[1].shape(), loss_params(params).axis)});
}

// For programs: labels are checked in the words of their own dtype before they become class numbers.
void labels_check(const Tensors& in, const Params& params) {
  const LossParams& p = loss_params(params);
  if (is_sparse(p.loss)) check_labels(names_of<Loss>()[static_cast<std::size_t>(p.loss)], in[0], in[1].dim(p.axis));
}

void loss_eval(const Tensors& in, const Params& params, Tensors& out) {
  const LossParams& p = loss_params(params);
  const LossRows rows(in[0], in[1], in.size() > 2 ? &in[2] : nullptr, p);
  visit_float(in[1].dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    kernels_for<T>().loss[static_cast<int>(p.loss)](loss_args<T>(rows.y_true, rows.y_pred, rows.z_or_null(), p),
                                                    out[0].mutable_data<T>());
  });
}

// The formula's arguments as graph handles with the class axis last; a sparse y_true becomes one-hot.
struct LossGraph {
  Graph t, p, z;
  double cols;
};

LossGraph loss_graph(const Tensor& y_true, const Tensor& y_pred, const Tensor* z, const LossParams& p) {
  const index_t cols = y_pred.dim(p.axis);
  const Tensor t = is_sparse(p.loss) ? one_hot(y_true, cols, y_pred.dtype()) : move_axis_last(y_true, p.axis);
  const Tensor rows = move_axis_last(y_pred, p.axis);
  return {t, rows, z ? move_axis_last(*z, p.axis) : rows, static_cast<double>(cols)};
}

void loss_decompose(const Tensors& in, const Params& params, Tensors& out) {
  const LossParams& p = loss_params(params);
  const LossGraph g = loss_graph(in[0], in[1], in.size() > 2 ? &in[2] : nullptr, p);
  const Graph values = formulas::visit(p.loss, [&](auto entry) {
    return decltype(entry)::template values<Graph>(p.form, g.t, g.p, g.z, p.parameters.data(), g.cols);
  });
  out.push_back(reshape(values.tensor(), without_axis(in[1].shape(), p.axis)));
}

// The gradient by the probabilities of a fused form.
Tensor fused_output_grad(const LossParams& p, const Tensor& y_true, const Tensor& y_pred, const Tensor& dvalues) {
  const LossGraph g = loss_graph(y_true, y_pred, nullptr, p);
  const Graph slope = formulas::visit(p.loss, [&](auto entry) -> Graph {
    using Entry = decltype(entry);
    if constexpr (Entry::head == Activation::count) {
      return 0.0;  // no activation fuses with it
    } else {
      return Entry::template output_grad<Graph>(g.t, g.p, p.parameters.data(), g.cols);
    }
  });
  Shape column = dvalues.shape();
  column.push_back(1);
  return move_axis_back((slope * Graph(reshape(dvalues, column))).tensor(), p.axis);
}

Tensor loss_grad(const Tensor& y_true, const Tensor& y_pred, const Tensor& dvalues, const Tensor* z,
                 const LossParams& p);

bool loss_vjp(VjpContext& c) {
  const LossParams& p = loss_params(c.params);
  const bool fused = p.form == LossForm::fused;
  const Tensor* z = fused ? &c.inputs[2] : nullptr;
  if (fused) {
    if (c.wanted[2]) c.dx[2] = loss_grad(c.inputs[0], c.inputs[1], c.dy[0], z, p);
    const Tensor& passed = c.inputs[3];
    if (c.is_source(passed)) {
      c.report(passed, reshape(fused_output_grad(p, c.inputs[0], c.inputs[1], c.dy[0]), passed.shape()));
    }
  } else if (c.wanted[1]) {
    c.dx[1] = loss_grad(c.inputs[0], c.inputs[1], c.dy[0], z, p);
  }
  return !c.wanted[0] || is_sparse(p.loss);  // the labels' gradient is rare: by decomposition
}

void loss_grad_shapes(const Tensors& in, const Params&, Specs& out) { out.push_back({in[1].dtype(), in[1].shape()}); }

// With a second output: the values, too.
void loss_grad_eval(const Tensors& in, const Params& params, Tensors& out) {
  const LossParams& p = loss_params(params);
  const LossRows rows(in[0], in[1], in.size() > 3 ? &in[3] : nullptr, p);
  const bool last = p.axis == in[1].rank() - 1;
  const Tensor d = last ? out[0] : Tensor(out[0].dtype(), rows.y_pred.shape());
  visit_float(in[1].dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    kernels_for<T>().loss_grad[static_cast<int>(p.loss)](loss_args<T>(rows.y_true, rows.y_pred, rows.z_or_null(), p),
                                                         in[2].data<T>(), 1, d.mutable_data<T>(),
                                                         out.size() > 1 ? out[1].mutable_data<T>() : nullptr);
  });
  if (!last) {
    PauseRecording pause;
    const Tensor moved = move_axis_back(d, p.axis);
    std::memcpy(out[0].raw(), moved.raw(), static_cast<std::size_t>(d.size() * item_size(d.dtype())));
  }
}

void loss_grad_decompose(const Tensors& in, const Params& params, Tensors& out) {
  const LossParams& p = loss_params(params);
  const LossGraph g = loss_graph(in[0], in[1], in.size() > 3 ? &in[3] : nullptr, p);
  const Graph slope = formulas::visit(p.loss, [&](auto entry) {
    return decltype(entry)::template grad<Graph>(p.form, g.t, g.p, g.z, p.parameters.data(), g.cols);
  });
  Shape column = in[2].shape();
  column.push_back(1);
  out.push_back(move_axis_back((slope * Graph(reshape(in[2], column))).tensor(), p.axis));
}

void loss_vmap(VmapContext& c) {
  LossParams p = loss_params(c.params);
  Tensors in;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) in.push_back(repeated(c, i));
  ++p.axis;
  c.outputs = run(c.primitive, in, p);
}

const Primitive loss_primitive{.name = "loss",
                               .saved_inputs = save_all,
                               .shapes = loss_shapes,
                               .check = labels_check,
                               .eval = loss_eval,
                               .vjp = loss_vjp,
                               .vmap = loss_vmap,
                               .decompose = loss_decompose,
                               .companion = {.input = 2, .leader = 1}};
constexpr Primitive loss_grad_of(int in_place) {
  return {.name = "loss_grad",
          .saved_inputs = save_all,
          .shapes = loss_grad_shapes,
          .check = labels_check,
          .eval = loss_grad_eval,
          .vmap = loss_vmap,
          .decompose = loss_grad_decompose,
          .in_place = in_place};
}
const Primitive loss_grad_primitive = loss_grad_of(-1);
const Primitive loss_grad_in_place_primitive = loss_grad_of(1);

// What programs make of both. Outputs: the gradient, then the values.
constexpr Primitive loss_and_grad_of(int in_place) {
  return {.name = "loss_and_grad", .check = labels_check, .eval = loss_grad_eval, .in_place = in_place};
}
const Primitive loss_and_grad_primitive = loss_and_grad_of(-1);
const Primitive loss_and_grad_in_place_primitive = loss_and_grad_of(1);

// Whether each gradient may lie where the prediction was.
bool writes_in_place(const LossParams& p) {
  return formulas::visit(p.loss, [&](auto entry) { return !decltype(entry)::rereads(p.form); });
}

Tensor loss_grad(const Tensor& y_true, const Tensor& y_pred, const Tensor& dvalues, const Tensor* z,
                 const LossParams& p) {
  const Primitive& primitive = writes_in_place(p) ? loss_grad_in_place_primitive : loss_grad_primitive;
  if (z) return run1(primitive, {y_true, y_pred, dvalues, *z}, p);
  return run1(primitive, {y_true, y_pred, dvalues}, p);
}

}  // namespace

const Primitive* loss_with_grad(const Primitive& loss, const Primitive& grad) {
  if (&loss != &loss_primitive) return nullptr;
  if (&grad == &loss_grad_primitive) return &loss_and_grad_primitive;
  return &grad == &loss_grad_in_place_primitive ? &loss_and_grad_in_place_primitive : nullptr;
}

Tensor loss_values(const Tensors& inputs, const LossParams& params) { return run1(loss_primitive, inputs, params); }

std::vector<const Primitive*> loss_primitives() { return {&loss_primitive, &loss_grad_primitive}; }

}  // namespace densegrad

// The fine primitives under their NumPy names.
#include <pybind11/stl.h>

#include <limits>

#include "bindings/operators.h"
#include "bindings/register.h"

namespace densegrad::python {

namespace {

template <class E>
constexpr auto enum_name = [](E e) { return names_of<E>()[static_cast<std::size_t>(e)]; };

void register_elementwise(py::module_& m) {
  for (int i = 0; i < size_of<Unary>(); ++i) {
    const auto op = static_cast<Unary>(i);
    m.def(
        enum_name<Unary>(op), [op](py::handle x) { return unary(op, convert(x)); }, py::arg("x"));
  }
  for (int i = 0; i < size_of<Binary>(); ++i) {
    const auto op = static_cast<Binary>(i);
    m.def(
        enum_name<Binary>(op), [op](py::handle a, py::handle b) { return binary_of(op, a, b); }, py::arg("x1"),
        py::arg("x2"));
  }
  for (int i = 0; i < size_of<Compare>(); ++i) {
    const auto op = static_cast<Compare>(i);
    m.def(
        enum_name<Compare>(op), [op](py::handle a, py::handle b) { return compare_of(op, a, b); }, py::arg("x1"),
        py::arg("x2"));
  }
  m.def(
      "where",
      [](py::handle condition, py::handle a, py::handle b) {
        const Tensors in = convert_together({a, b});
        const Tensor c = convert(condition);
        return where(is_float(c.dtype()) ? c : cast(c, DType::boolean), in[0], in[1]);
      },
      py::arg("condition"), py::arg("x1"), py::arg("x2"));
  m.def(
      "clip",
      [](py::handle x, const std::optional<double>& lo, const std::optional<double>& hi) {
        constexpr double inf = std::numeric_limits<double>::infinity();
        return clip(convert(x), lo.value_or(-inf), hi.value_or(inf));
      },
      py::arg("x"), py::arg("x_min") = py::none(), py::arg("x_max") = py::none());
  m.def(
      "cast",
      [](py::handle x, const py::object& dtype) {
        const auto d = parse_dtype(dtype);
        if (!d) fail<TypeError>("[cast] `dtype` is None: name a dtype.");
        return detached(cast(convert(x), *d), x, false);
      },
      py::arg("x"), py::arg("dtype"));
}

void register_reductions(py::module_& m) {
  using Reduce = Tensor (*)(const Tensor&, std::optional<Shape>, bool);
  const auto def = [&](const char* name, Reduce f) {
    m.def(
        name,
        [f](py::handle x, const py::object& axis, bool keepdims) { return f(convert(x), parse_axes(axis), keepdims); },
        py::arg("x"), py::arg("axis") = py::none(), py::arg("keepdims") = false);
  };
  def("sum", sum);
  def("mean", mean);
  def("max", max);
  def("logsumexp", logsumexp);
  // As in NumPy, without an axis the tensor counts as flat.
  m.def(
      "argmax",
      [](py::handle x, const std::optional<index_t>& axis) {
        const Tensor t = convert(x);
        return axis ? argmax(t, *axis) : argmax(reshape(t, {-1}), 0);
      },
      py::arg("x"), py::arg("axis") = py::none());
  m.def(
      "broadcast_to",
      [](py::handle x, py::handle shape) {
        return detached(broadcast_to(convert(x), parse_extents("broadcast_to", shape)), x, true);
      },
      py::arg("x"), py::arg("shape"));
  m.def(
      "sum_to",
      [](py::handle x, py::handle shape) {
        return detached(sum_to(convert(x), parse_extents("sum_to", shape)), x, true);
      },
      py::arg("x"), py::arg("shape"));
}

Tensor pad_by(const Tensor& x, py::handle pad_width) {
  std::vector<std::pair<index_t, index_t>> widths;
  if (!py::isinstance<py::sequence>(pad_width) || PyUnicode_Check(pad_width.ptr())) {
    fail<TypeError>("[pad] `pad_width` is ", std::string(py::repr(pad_width)), ": it must hold one pair per axis.");
  }
  for (py::handle pair : py::reinterpret_borrow<py::object>(pad_width)) {
    if (!py::isinstance<py::sequence>(pair) || py::len(pair) != 2) {
      fail<TypeError>("[pad] `pad_width` holds ", std::string(py::repr(pair)), ": it must hold one pair per axis.");
    }
    const auto ends = py::reinterpret_borrow<py::sequence>(pair);
    widths.emplace_back(parse_index("pad", ends[0]), parse_index("pad", ends[1]));
  }
  return pad(x, widths);
}

void register_movement(py::module_& m) {
  m.def(
      "reshape",
      [](py::handle x, py::handle shape) { return detached(reshape(convert(x), parse_shape(shape, false)), x, true); },
      py::arg("x"), py::arg("newshape"));
  m.def(
      "transpose",
      [](py::handle x, const py::object& axes) {
        const Tensor t = convert(x);
        Shape order;
        if (axes.is_none()) {
          for (int i = t.rank() - 1; i >= 0; --i) order.push_back(i);
        } else {
          order = parse_shape(axes, false);
        }
        return detached(transpose(t, order), x, true);
      },
      py::arg("x"), py::arg("axes") = py::none());
  m.def(
      "concatenate",
      [](const py::sequence& xs, index_t axis) {
        std::vector<Tensor> in;
        std::optional<DType> like;
        // Owned: a sequence that is no list makes its items anew.
        for (py::object x : xs)
          if (!like && is_tensor(x)) like = peek(x).dtype();
        for (py::object x : xs) in.push_back(is_tensor(x) ? convert(x) : convert(x, like));
        return concatenate(in, axis);
      },
      py::arg("xs"), py::arg("axis") = 0);
  m.def(
      "pad", [](py::handle x, py::handle width) { return pad_by(convert(x), width); }, py::arg("x"),
      py::arg("pad_width"));
  m.def(
      "take",
      [](py::handle x, py::handle indices, const std::optional<index_t>& axis) {
        const Tensor t = convert(x), i = convert(indices);
        return axis ? take(t, i, *axis) : take(reshape(t, {-1}), i, 0);
      },
      py::arg("x"), py::arg("indices"), py::arg("axis") = py::none());
  m.def(
      "scatter_add",
      [](py::handle x, py::handle indices, py::handle updates) {
        const Tensors in = convert_together({x, updates});
        return scatter_add(in[0], convert(indices), in[1]);
      },
      py::arg("x"), py::arg("indices"), py::arg("updates"));
  m.def(
      "one_hot",
      [](py::handle indices, index_t classes, const py::object& dtype) {
        return one_hot(convert(indices), classes, parse_dtype(dtype).value_or(DType::float32));
      },
      py::arg("indices"), py::arg("num_classes"), py::arg("dtype") = "float32");
  m.def(
      "argsort", [](py::handle x) { return argsort(convert(x)); }, py::arg("x"));
  m.def(
      "stop_gradient", [](py::handle x) { return stop_gradient(convert(x)); }, py::arg("x"));
  m.def(
      "identity", [](py::handle x) { return identity(convert(x)); }, py::arg("x"));
}

}  // namespace

void register_ops(py::module_& m) {
  register_elementwise(m);
  register_reductions(m);
  register_movement(m);
  m.def(
      "matmul",
      [](py::handle a, py::handle b, bool transpose_a, bool transpose_b) {
        const Tensors in = convert_together({a, b}, true);
        return matmul(in[0], in[1], transpose_a, transpose_b);
      },
      py::arg("x1"), py::arg("x2"), py::arg("transpose_a") = false, py::arg("transpose_b") = false);
  m.def(
      "solve",
      [](py::handle a, py::handle b, bool transpose_a) {
        const Tensors in = convert_together({a, b}, true);
        return solve(in[0], in[1], transpose_a);
      },
      py::arg("a"), py::arg("b"), py::arg("transpose_a") = false);
  m.def(
      "inv", [](py::handle a) { return inv(convert(a)); }, py::arg("a"));
  m.def(
      "det", [](py::handle a) { return det(convert(a)); }, py::arg("a"));
  m.def(
      "slogdet",
      [](py::handle a) {
        const Tensors both = slogdet(convert(a));
        return py::make_tuple(both[0], both[1]);
      },
      py::arg("a"));
  m.def(
      "cholesky", [](py::handle a) { return cholesky(convert(a)); }, py::arg("a"));
  m.def(
      "eigh",
      [](py::handle a) {
        const Tensors both = eigh(convert(a));
        return py::make_tuple(both[0], both[1]);
      },
      py::arg("a"));
  m.def("primitive_names", [] {
    std::vector<std::string> names;
    for (const Primitive* p : all_primitives()) names.push_back(p->name);
    return names;
  });
  m.def("coarse_primitive_names", [] {
    std::vector<std::string> names;
    for (const Primitive* p : all_primitives())
      if (p->decompose) names.push_back(p->name);
    return names;
  });
}

}  // namespace densegrad::python

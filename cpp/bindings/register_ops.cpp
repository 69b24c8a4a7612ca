// The fine primitives under their NumPy names.
#include <pybind11/stl.h>

#include "bindings/operators.h"
#include "bindings/register.h"
#include "core/philox.h"

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
        const std::vector<Tensor> in = convert_together({a, b});
        return where(convert(condition), in[0], in[1]);
      },
      py::arg("condition"), py::arg("x1"), py::arg("x2"));
  m.def(
      "clip", [](py::handle x, double lo, double hi) { return clip(convert(x), lo, hi); }, py::arg("x"),
      py::arg("x_min"), py::arg("x_max"));
  m.def(
      "cast",
      [](py::handle x, const py::object& dtype) {
        const auto d = parse_dtype(dtype);
        if (!d) fail<TypeError>("[cast] `dtype` is None: name a dtype.");
        return cast(convert(x), *d);
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
  m.def(
      "argmax", [](py::handle x, index_t axis) { return argmax(convert(x), axis); }, py::arg("x"),
      py::arg("axis") = -1);
  m.def(
      "broadcast_to",
      [](py::handle x, py::handle shape) { return broadcast_to(convert(x), parse_shape(shape, false)); }, py::arg("x"),
      py::arg("shape"));
  m.def(
      "sum_to", [](py::handle x, py::handle shape) { return sum_to(convert(x), parse_shape(shape, false)); },
      py::arg("x"), py::arg("shape"));
}

Tensor pad(const Tensor& x, py::handle pad_width) {
  SliceParams p{x.shape(), x.shape(), x.shape()};
  int axis = 0;
  for (py::handle pair : py::reinterpret_borrow<py::object>(pad_width)) {
    const auto ends = py::cast<py::sequence>(pair);
    const index_t before = parse_index("pad", ends[0]), after = parse_index("pad", ends[1]);
    if (axis == x.rank() || before < 0 || after < 0) {
      fail("[pad] `pad_width` must have one pair of non-negative integers for each of the ", x.rank(), " axes of `x`.");
    }
    index_t extent = 0;
    if (__builtin_add_overflow(before, x.dim(axis), &extent) || __builtin_add_overflow(extent, after, &extent)) {
      fail<std::overflow_error>("[pad] `pad_width` ", before, ", ", after, " makes axis ", axis, " too long.");
    }
    p.start[axis] = before;
    p.step[axis] = 1;
    p.extent[axis] = extent;
    ++axis;
  }
  if (axis != x.rank()) fail("[pad] `pad_width` has ", axis, " pairs but `x` has shape ", x.shape(), ": one per axis.");
  return place(x, p);
}

void register_movement(py::module_& m) {
  m.def(
      "reshape", [](py::handle x, py::handle shape) { return reshape(convert(x), parse_shape(shape, false)); },
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
        return transpose(t, order);
      },
      py::arg("x"), py::arg("axes") = py::none());
  m.def(
      "concatenate",
      [](const py::sequence& xs, index_t axis) {
        std::vector<Tensor> in;
        std::optional<DType> like;
        for (py::handle x : xs)
          if (!like && is_tensor(x)) like = peek(x).dtype();
        for (py::handle x : xs) in.push_back(is_tensor(x) ? convert(x) : convert(x, like));
        return concatenate(in, axis);
      },
      py::arg("xs"), py::arg("axis") = 0);
  m.def(
      "pad", [](py::handle x, py::handle width) { return pad(convert(x), width); }, py::arg("x"), py::arg("pad_width"));
  m.def(
      "take", [](py::handle x, py::handle indices, index_t axis) { return take(convert(x), convert(indices), axis); },
      py::arg("x"), py::arg("indices"), py::arg("axis") = 0);
  m.def(
      "scatter_add",
      [](py::handle x, py::handle indices, py::handle updates) {
        const std::vector<Tensor> in = convert_together({x, updates});
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
      "stop_gradient", [](py::handle x) { return stop_gradient(convert(x)); }, py::arg("x"));
  m.def(
      "identity", [](py::handle x) { return identity(convert(x)); }, py::arg("x"));
}

Tensor random_uniform(const Shape& shape, double lo, double hi, std::uint64_t seed, DType dtype) {
  const Philox generator(seed);
  Tensor t(dtype, shape);
  // Keras scales in the dtype of the result: u * (hi - lo) + lo.
  if (dtype == DType::float32) {
    const float low = static_cast<float>(lo), span = static_cast<float>(hi) - low;
    for (index_t i = 0; i < t.size(); i += 4) {
      const auto words = generator.block(static_cast<std::uint64_t>(i / 4));
      for (index_t j = i; j < t.size() && j < i + 4; ++j)
        t.mutable_data<float>()[j] = Philox::uniform(words[static_cast<std::size_t>(j - i)]) * span + low;
    }
  } else {
    for (index_t i = 0; i < t.size(); i += 2) {
      const auto words = generator.block(static_cast<std::uint64_t>(i / 2));
      for (index_t j = i; j < t.size() && j < i + 2; ++j) {
        const auto w = static_cast<std::size_t>(2 * (j - i));
        t.mutable_data<double>()[j] = Philox::uniform(words[w], words[w + 1]) * (hi - lo) + lo;
      }
    }
  }
  return t;
}

}  // namespace

void register_ops(py::module_& m) {
  register_elementwise(m);
  register_reductions(m);
  register_movement(m);
  m.def(
      "matmul",
      [](py::handle a, py::handle b, bool transpose_a, bool transpose_b) {
        const std::vector<Tensor> in = convert_together({a, b}, true);
        return matmul(in[0], in[1], transpose_a, transpose_b);
      },
      py::arg("x1"), py::arg("x2"), py::arg("transpose_a") = false, py::arg("transpose_b") = false);
  m.def(
      "random_uniform",
      [](py::handle shape, double lo, double hi, std::uint64_t seed, const py::object& dtype) {
        const DType d = parse_dtype(dtype).value_or(DType::float32);
        if (!is_float(d)) fail<TypeError>("[random_uniform] `dtype` is ", d, ": it must be float32 or float64.");
        return random_uniform(parse_shape(shape, false), lo, hi, seed, d);
      },
      py::arg("shape"), py::arg("minval"), py::arg("maxval"), py::arg("seed"), py::arg("dtype") = "float32");
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

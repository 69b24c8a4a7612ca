// The operators that Tensor and Variable share.
#pragma once

#include "bindings/convert.h"
#include "ops/ops.h"

namespace densegrad::python {

Tensor get_item(const Tensor& x, const py::object& index);

inline bool is_integer(DType dtype) { return dtype == DType::int32 || dtype == DType::int64; }

// The quotient of integers is float64, as NumPy's and TensorFlow's.
inline Tensor binary_of(Binary op, py::handle a, py::handle b) {
  const Tensors in = convert_together({a, b}, op == Binary::divide || op == Binary::power);
  if (op == Binary::divide && is_integer(in[0].dtype()) && in[0].dtype() == in[1].dtype()) {
    return divide(cast(in[0], DType::float64), cast(in[1], DType::float64));
  }
  return binary(op, in[0], in[1]);
}

inline Tensor compare_of(Compare op, py::handle a, py::handle b) {
  const Tensors in = convert_together({a, b});
  return compare(op, in[0], in[1]);
}

inline Tensor matmul_of(py::handle a, py::handle b) {
  const Tensors in = convert_together({a, b}, true);
  return matmul(in[0], in[1]);
}

// An operator's result. The symbolic tensor of a functional model notes its operations itself: Python asks it next.
template <class Function>
py::object operator_of(Function function) try {
  return py::cast(function());
} catch (const SymbolicOperand&) {
  return py::reinterpret_borrow<py::object>(Py_NotImplemented);
}

// Objects that are no numbers take part in == as in plain Python.
inline py::object equality_of(Compare op, py::handle a, py::handle b) {
  const bool comparable = is_tensor(b) || py::isinstance<py::array>(b) || PyNumber_Check(b.ptr()) ||
                          py::isinstance<py::list>(b) || py::isinstance<py::tuple>(b);
  if (!comparable) return py::reinterpret_borrow<py::object>(Py_NotImplemented);
  try {
    return py::cast(compare_of(op, a, b));
  } catch (const std::invalid_argument&) {  // shapes that do not broadcast are unequal
    return py::bool_(op == Compare::not_equal);
  }
}

template <class Class>
void register_operators(Class& c) {
  const auto both = [&](const char* name, const char* reflected, Binary op) {
    c.def(name,
          [op](py::handle self, py::handle other) { return operator_of([&] { return binary_of(op, self, other); }); });
    c.def(reflected,
          [op](py::handle self, py::handle other) { return operator_of([&] { return binary_of(op, other, self); }); });
  };
  both("__add__", "__radd__", Binary::add);
  both("__sub__", "__rsub__", Binary::subtract);
  both("__mul__", "__rmul__", Binary::multiply);
  both("__truediv__", "__rtruediv__", Binary::divide);
  both("__floordiv__", "__rfloordiv__", Binary::floor_divide);
  both("__mod__", "__rmod__", Binary::mod);
  both("__pow__", "__rpow__", Binary::power);

  const auto ordered = [&](const char* name, Compare op) {
    c.def(name,
          [op](py::handle self, py::handle other) { return operator_of([&] { return compare_of(op, self, other); }); });
  };
  ordered("__lt__", Compare::less);
  ordered("__le__", Compare::less_equal);
  ordered("__gt__", Compare::greater);
  ordered("__ge__", Compare::greater_equal);
  c.def("__eq__", [](py::handle self, py::handle other) { return equality_of(Compare::equal, self, other); });
  c.def("__ne__", [](py::handle self, py::handle other) { return equality_of(Compare::not_equal, self, other); });
  c.attr("__hash__") = py::none();

  c.def("__neg__", [](py::handle self) { return negative(convert(self)); });
  c.def("__abs__", [](py::handle self) { return unary(Unary::abs, convert(self)); });
  c.def("__matmul__",
        [](py::handle self, py::handle other) { return operator_of([&] { return matmul_of(self, other); }); });
  c.def("__rmatmul__",
        [](py::handle self, py::handle other) { return operator_of([&] { return matmul_of(other, self); }); });
  c.def("__getitem__", [](py::handle self, const py::object& index) { return get_item(convert(self), index); });
  c.def("__len__", [](py::handle self) {
    const Tensor t = convert(self);
    if (t.rank() == 0) fail<TypeError>("[len] the tensor is a scalar: it has no length.");
    if (t.dim(0) == unknown) fail<TypeError>("[len] the first axis of this symbolic tensor is unknown.");
    return t.dim(0);
  });

  c.def("__iter__", [](py::handle self) {
    const Tensor t = convert(self);
    if (t.rank() == 0) fail<TypeError>("[iter] the tensor is a scalar: it cannot be iterated over.");
    if (t.dim(0) == unknown) fail<TypeError>("[iter] the first axis of this symbolic tensor is unknown.");
    py::list rows;
    for (index_t i = 0; i < t.dim(0); ++i) rows.append(get_item(t, py::int_(i)));
    return py::iter(rows);
  });

  // The exits from the recorded world.
  const auto scalar = [](py::handle self, const char* kind) -> py::object {
    const Tensor t = convert(self);
    if (t.size() != 1) {
      fail<TypeError>("[", kind, "] the tensor has shape ", t.shape(),
                      ": only a tensor with one entry is a Python number.");
    }
    return exit_to_numpy(t, kind).attr("item")();
  };
  c.def(
      "item", [scalar](py::handle self) { return scalar(self, "item"); }, "The single entry as a Python number.");
  c.def("__index__", [scalar](py::handle self) {
    if (is_float(peek(self).dtype()) || peek(self).rank() != 0) {
      fail<TypeError>("[index] only an integer scalar is an index; this tensor is ", peek(self).dtype(), " of shape ",
                      peek(self).shape(), ".");
    }
    return py::int_(scalar(self, "index"));
  });
  c.def("__float__", [scalar](py::handle self) { return py::float_(scalar(self, "float")); });
  c.def("__int__", [scalar](py::handle self) { return py::int_(scalar(self, "int")); });
  c.def("__bool__", [scalar](py::handle self) { return py::bool_(scalar(self, "bool")); });
  c.def(
      "numpy",
      [](py::handle self) -> py::object {
        const Tensor t = convert(self);
        const py::array array = exit_to_numpy(t, "numpy");
        return t.rank() == 0 ? py::object(array[py::tuple()]) : py::object(array);
      },
      "A copy of the values as a NumPy array, of a scalar as a NumPy number. What is computed from it is not "
      "recorded.");
  c.def(
      "__array__",
      [](py::handle self, const py::object& dtype, const py::object& copy) -> py::object {
        if (!copy.is_none() && !py::cast<bool>(copy)) {
          fail("[__array__] a tensor is always copied: use copy=None or copy=True.");
        }
        py::object array = exit_to_numpy(convert(self), "__array__");
        return dtype.is_none() ? array : py::object(array.attr("astype")(dtype));
      },
      py::arg("dtype") = py::none(), py::arg("copy") = py::none());
  c.def("__dlpack__", [](py::handle self, const py::kwargs& options) {
    py::dict rest(options);
    if (rest.contains("copy")) {
      if (!rest["copy"].is_none() && !py::cast<bool>(rest["copy"])) {
        throw py::buffer_error("[__dlpack__] a tensor is always copied: use copy=None or copy=True.");
      }
      rest.attr("pop")("copy");
    }
    return py::object(exit_to_numpy(convert(self), "__dlpack__").attr("__dlpack__")(**rest));
  });
  c.def("__dlpack_device__", [](py::handle) { return py::make_tuple(1, 0); });       // the CPU
  c.def("__format__", [](py::handle self, const std::string& spec) -> std::string {  // as NumPy writes the values
    const Tensor& t = peek(self);
    if (!t.has_storage()) return py::str(self);
    return py::cast<std::string>(to_numpy(t)[py::tuple()].attr("__format__")(spec));
  });

  c.def_property_readonly(
      "shape", [](py::handle self) { return shape_tuple(peek(self).shape()); },
      "The extents, as a tuple; an unknown one is None.");
  c.def_property_readonly(
      "dtype", [](py::handle self) { return numpy_dtype(peek(self).dtype()); }, "The NumPy dtype of the entries.");
  c.def_property_readonly(
      "ndim", [](py::handle self) { return peek(self).rank(); }, "The number of axes.");
  c.def_property_readonly(
      "size",
      [](py::handle self) -> py::object {
        const index_t n = peek(self).size();
        return n == unknown ? py::object(py::none()) : py::object(py::int_(n));
      },
      "The number of entries; None if unknown.");
  c.def_property_readonly(
      "id", [](py::handle self) { return peek(self).id(); }, "What tapes know the tensor by.");
  c.def_property_readonly(
      "T",
      [](py::handle self) {
        const Tensor t = convert(self);
        Shape axes;
        for (int i = t.rank() - 1; i >= 0; --i) axes.push_back(i);
        return detached(transpose(t, axes), self, true);
      },
      "The tensor with its axes reversed.");
}

}  // namespace densegrad::python

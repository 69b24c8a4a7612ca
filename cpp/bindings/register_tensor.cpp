#include <algorithm>

#include "bindings/operators.h"
#include "bindings/register.h"

namespace densegrad::python {

namespace {

// One entry of an index: an integer, a slice, or a new axis. Gives the slice of axis `axis` and whether the axis stays.
void parse_slice(py::handle entry, const Tensor& x, int axis, SliceParams& p, bool& keep) {
  const index_t n = x.dim(axis);
  if (PySlice_Check(entry.ptr())) {
    keep = true;
    Py_ssize_t start = 0, stop = 0, step = 0;
    if (PySlice_Unpack(entry.ptr(), &start, &stop, &step) < 0) throw py::error_already_set();
    if (n == unknown) {
      if (start != 0 || stop != PY_SSIZE_T_MAX || step != 1) {
        fail("[getitem] axis ", axis, " of this symbolic tensor is unknown: it can only be taken whole.");
      }
      p.start[axis] = 0;
      p.step[axis] = 1;
      p.extent[axis] = unknown;
      return;
    }
    p.extent[axis] = PySlice_AdjustIndices(n, &start, &stop, step);
    p.start[axis] = start;
    p.step[axis] = step;
    return;
  }
  keep = false;
  const index_t i = parse_index<std::out_of_range>("getitem", entry);
  if (n == unknown) fail("[getitem] axis ", axis, " of this symbolic tensor is unknown: it can only be taken whole.");
  if (i < -n || i >= n) {
    fail<std::out_of_range>("[getitem] index ", i, " is out of range for axis ", axis, " with ", n, " entries.");
  }
  p.start[axis] = i < 0 ? i + n : i;
  p.step[axis] = 1;
  p.extent[axis] = 1;
}

bool is_basic(py::handle entry) {
  return entry.is_none() || entry.is(py::ellipsis()) || PySlice_Check(entry.ptr()) ||
         (PyIndex_Check(entry.ptr()) && !PyBool_Check(entry.ptr()) && !is_tensor(entry) &&
          !py::isinstance<py::array>(entry));
}

Tensor basic_item(const Tensor& x, const py::tuple& index) {
  int given = 0;
  bool has_ellipsis = false;
  for (py::handle e : index) {
    if (e.is(py::ellipsis())) {
      if (has_ellipsis) fail<std::out_of_range>("[getitem] the index has more than one `...`.");
      has_ellipsis = true;
    } else if (!e.is_none()) {
      ++given;
    }
  }
  if (given > x.rank()) {
    fail<std::out_of_range>("[getitem] the index has ", given, " entries but the tensor has shape ", x.shape(), ".");
  }
  SliceParams p{x.shape(), x.shape(), x.shape()};
  for (int i = 0; i < x.rank(); ++i) {
    p.start[i] = 0;
    p.step[i] = 1;
  }
  Shape shape;
  int axis = 0;
  const auto rest = [&](int count) {
    for (int i = 0; i < count; ++i) shape.push_back(x.dim(axis++));
  };
  bool whole = true;
  for (py::handle e : index) {
    if (e.is_none()) {
      shape.push_back(1);
    } else if (e.is(py::ellipsis())) {
      rest(x.rank() - given);
    } else {
      bool keep = true;
      parse_slice(e, x, axis, p, keep);
      whole = whole && p.start[axis] == 0 && p.step[axis] == 1 && p.extent[axis] == x.dim(axis);
      if (keep) shape.push_back(p.extent[axis]);
      ++axis;
    }
  }
  rest(x.rank() - axis);
  const Tensor part = whole ? x : slice(x, p);
  return part.shape() == shape ? (whole ? identity(part) : part) : reshape(part, shape);
}

// From the end where negative.
Tensor wrapped(const Tensor& i, index_t size) {
  return where(compare(Compare::less, i, constant_like(i, 0)), add(i, constant_like(i, static_cast<double>(size))), i);
}

// An integer or boolean array as the whole index: rows of the leading axes.
Tensor array_item(const Tensor& x, py::handle index) {
  if (PyUnicode_Check(index.ptr()) || PyFloat_Check(index.ptr())) {
    fail<TypeError>("[getitem] the index is ", std::string(py::repr(index)),
                    ": it must be an integer, a slice, None, `...`, or an array of integers or bools.");
  }
  Tensor i = convert(index);
  if (i.size() == 0 && i.rank() == 1 && !is_tensor(index) && !py::isinstance<py::array>(index)) {
    i = cast(i, DType::int64);  // an empty list has no dtype
  }
  if (i.dtype() == DType::int32 || i.dtype() == DType::int64) {
    return take(x, wrapped(i, x.rank() ? x.dim(0) : 0), 0);
  }
  if (i.dtype() != DType::boolean) {
    fail<TypeError>("[getitem] an index array is ", i.dtype(), ": it must be int32, int64 or bool.");
  }
  Shape flat{-1};
  for (int a = 0; a < i.rank(); ++a) {
    if (a >= x.rank() || i.dim(a) != x.dim(a)) {
      fail<std::out_of_range>("[getitem] the mask has shape ", i.shape(), " but the tensor has shape ", x.shape(),
                              ": the mask must match its first axes.");
    }
  }
  flat[0] = i.size();
  for (int a = i.rank(); a < x.rank(); ++a) flat.push_back(x.dim(a));
  return take(reshape(x, flat), true_rows(i), 0);
}

bool is_scalar_index(py::handle entry) {
  if (!is_tensor(entry)) return false;
  const Tensor& t = peek(entry);
  return t.rank() == 0 && (t.dtype() == DType::int32 || t.dtype() == DType::int64);
}

// A tuple of what `basic_item` takes and of integer scalars that are tensors, which are taken last: no value is read.
Tensor mixed_item(const Tensor& x, const py::tuple& index) {
  const auto takes_no_axis = [](py::handle e) { return e.is_none() || e.is(py::ellipsis()); };
  const auto given = index.size() - static_cast<std::size_t>(std::count_if(index.begin(), index.end(), takes_no_axis));
  py::list basic;
  std::vector<std::pair<int, Tensor>> chosen;  // axes of what `basic` gives
  int axis = 0;
  for (py::handle e : index) {
    if (is_scalar_index(e)) {
      chosen.emplace_back(axis++, convert(e));
      basic.append(py::slice(py::none(), py::none(), py::none()));
      continue;
    }
    if (!is_basic(e)) {
      fail<TypeError>(
          "[getitem] an index tuple may hold integers, slices, None and `...`: use take() or one_hot() for index "
          "arrays.");
    }
    basic.append(e);
    if (e.is(py::ellipsis())) axis += x.rank() - static_cast<int>(given);
    if (e.is_none() || PySlice_Check(e.ptr())) ++axis;
  }
  Tensor y = basic_item(x, py::tuple(basic));
  for (auto it = chosen.rbegin(); it != chosen.rend(); ++it)
    y = take(y, wrapped(it->second, y.dim(it->first)), it->first);
  return y;
}

std::string describe(const Tensor& t, bool short_form) {
  const std::string shape = py::str(shape_tuple(t.shape()));
  if (!t.has_storage()) {
    return "<dg.Tensor: shape=" + shape + ", dtype=" + dtype_name(t.dtype()) + ", symbolic>";
  }
  const py::array values = to_numpy(t);
  if (short_form) {
    return "dg.Tensor(" + std::string(py::str(values)) + ", shape=" + shape + ", dtype=" + dtype_name(t.dtype()) + ")";
  }
  return "<dg.Tensor: shape=" + shape + ", dtype=" + dtype_name(t.dtype()) +
         ", numpy=" + std::string(py::repr(values)) + ">";
}

}  // namespace

Tensor get_item(const Tensor& x, const py::object& index) {
  if (!py::isinstance<py::tuple>(index)) {
    return is_basic(index) ? basic_item(x, py::make_tuple(index)) : array_item(x, index);
  }
  return mixed_item(x, py::reinterpret_borrow<py::tuple>(index));
}

void register_tensor(py::module_& m) {
  py::class_<Tensor> c(
      m, "Tensor",
      "An immutable, contiguous array that the open tapes follow; made by `dg.constant` and by operations.\n\n"
      "float32, float64, int32, int64 or bool. It takes Python's operators with NumPy's broadcasting, and\n"
      "NumPy's functions; two tensors must have one dtype. Without values it is symbolic: a shape to compute\n"
      "with, whose first axis may be unknown (None).");
  register_operators(c);
  c.def("__repr__", [](py::handle t) { return describe(peek(t), false); });
  c.def("__str__", [](py::handle t) { return describe(peek(t), true); });
  c.def_property_readonly(
      "is_symbolic", [](py::handle t) { return !peek(t).has_storage(); },
      "Whether the tensor has a shape but no values.");
  c.def("__reduce__", [](py::handle self) -> py::tuple {
    const Tensor& t = peek(self);
    const py::module_ core = py::module_::import("densegrad._core");
    if (t.has_storage()) return py::make_tuple(core.attr("constant"), py::make_tuple(to_numpy(t)));
    return py::make_tuple(core.attr("placeholder"), py::make_tuple(shape_tuple(t.shape()), numpy_dtype(t.dtype())));
  });
  c.def_property_readonly(
      "z",
      [](py::handle self) {
        const Tensor& t = peek(self);
        const PreActivation* pre = t.pre();
        if (!pre) {
          throw py::attribute_error(
              "[Tensor.z] this tensor has no pre-activation: only the output of a dense layer or an activation has "
              "one.");
        }
        return pre->z.defined() ? pre->z : t;
      },
      "The pre-activation of the output of a dense layer or an activation; a source of gradients like any tensor.");
  m.def(
      "constant",
      [](py::handle value, const py::object& dtype) {
        const auto wanted = parse_dtype(dtype);
        const Tensor* tensor = tensor_in(value);
        const Tensor t = tensor             ? identity(*tensor)
                         : is_tensor(value) ? stop_gradient(peek(value))
                                            : convert(value, wanted);
        return wanted ? cast(t, *wanted) : t;
      },
      py::arg("value"), py::arg("dtype") = py::none(),
      "A tensor with a copy of a value: an array, a number, or nested lists of them.\n\n"
      "Args:\n"
      "    value: NumPy arrays keep float32, float64, int32, int64 and bool; float16 becomes float32, other integers\n"
      "        int32 or int64. Python floats become float32, ints int32. Of a tensor it is that tensor, "
      "with its gradient; of a variable the value now.\n"
      "    dtype: None keeps that; else what the value is cast to.\n\n"
      "Raises: TypeError for strings, objects, complex numbers and masked arrays.\n\n"
      "Source: TensorFlow `constant`.");
  m.def(
      "convert",
      [](py::handle value, const py::object& dtype) {
        return detached(convert(value, parse_dtype(dtype)), value, false);
      },
      py::arg("value"), py::arg("dtype") = py::none());
  m.def(
      "placeholder",
      [](py::handle shape, const py::object& dtype) {
        const Shape s = parse_shape(shape, true);
        for (int i = 0; i < s.rank(); ++i) {
          if ((i > 0 && s[i] == unknown) || s[i] < unknown) {
            fail("[placeholder] `shape` is ", s, ": only the first axis may be unknown, and none negative.");
          }
        }
        return Tensor::symbolic(parse_dtype(dtype).value_or(DType::float32), s);
      },
      py::arg("shape"), py::arg("dtype") = "float32");

  py::class_<PlacedTensor, Tensor>(m, "PlacedTensor")
      .def(py::init([](const Tensor& part) { return PlacedTensor(part); }), py::arg("part"));
  py::class_<SymbolicTensor, Tensor>(m, "SymbolicTensor")
      .def(py::init([](const Tensor& placeholder) { return SymbolicTensor(placeholder); }), py::arg("placeholder"));
}

}  // namespace densegrad::python

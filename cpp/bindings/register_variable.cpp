#include <pybind11/stl.h>

#include "bindings/operators.h"
#include "bindings/register.h"

namespace densegrad::python {

namespace {

// Derivatives do not pass an assignment.
void note_assignment(const Variable& v, py::handle value) {
  if (!is_tensor(value)) return;
  for (Recorder* recorder : recorders())
    if (recorder->tracks({peek(value)})) recorder->cut("assign", {peek(value)}, {v.value()});
}

// variable ± value, of the variable's shape: what assign_add and assign_sub write.
void assign_moved(Variable& v, py::handle value, Binary op) {
  note_assignment(v, value);
  PauseRecording pause(true);
  const Tensor change = convert(value, v.value().dtype());
  if (!(change.shape() == v.value().shape())) {
    fail("[Variable.assign] `value` has shape ", change.shape(), " but variable '", v.name, "' has shape ",
         v.value().shape(), ": the shapes must be equal.");
  }
  v.assign(binary(op, v.read(), change));
}

// An initial value: that of a callable, as initializers are, and of the shape that was asked for, if any.
Tensor initial_value(const py::object& value, const py::object& dtype, const py::object& shape) {
  if (value.is_none()) fail<TypeError>("[Variable] `initial_value` is None: it must be an array or a number.");
  const bool make = PyCallable_Check(value.ptr()) && !is_tensor(value);
  const bool free = shape.is_none();
  const Tensor t = convert(!make  ? value
                           : free ? value()
                                  : value(shape, py::arg("dtype") = dtype.is_none() ? py::str("float32") : dtype),
                           parse_dtype(dtype));
  if (free) return t;
  const Shape wanted = parse_shape(shape, true);
  bool fits = wanted.rank() == t.rank();
  for (int i = 0; fits && i < wanted.rank(); ++i) fits = wanted[i] == unknown || wanted[i] == t.dim(i);
  if (!fits) {
    fail("[Variable] `shape` is ", wanted, " but `initial_value` has shape ", t.shape(), ": they must be equal.");
  }
  return t;
}

}  // namespace

void register_variable(py::module_& m) {
  py::class_<Variable, std::shared_ptr<Variable>> c(
      m, "Variable", py::dynamic_attr(),
      "A tensor with a name whose value can be assigned.\n\n"
      "Args:\n"
      "    initial_value: an array, tensor or number; it is copied. Or a function that\n"
      "        makes one, of `shape` and `dtype` if `shape` is given.\n"
      "    trainable: whether open tapes watch it when it is read.\n"
      "    name: str.\n"
      "    dtype: None keeps the value's.\n"
      "    shape: what the value's must be, None in it for any extent.\n\n"
      "Source: Keras `Variable`, TensorFlow `Variable`.");
  c.def(py::init([](const py::object& value, bool trainable, const std::optional<std::string>& name,
                    const py::object& dtype, const py::object& shape) {
          for (Recorder* recorder : recorders()) recorder->made_variable();
          PauseRecording pause;
          return std::make_shared<Variable>(initial_value(value, dtype, shape), name.value_or("Variable"), trainable);
        }),
        py::arg("initial_value") = py::none(), py::arg("trainable") = true, py::arg("name") = "Variable",
        py::arg("dtype") = py::none(), py::arg("shape") = py::none());
  register_operators(c);
  c.def_readwrite("name", &Variable::name, "The name that it was given.");
  c.def_readwrite("path", &Variable::path, "The names of the layers around it and its own, joined by '/'.");
  c.def_readonly("trainable", &Variable::trainable, "Whether open tapes watch it when it is read.");
  c.def_property_readonly(
      "value", [](Variable& v) { return VariableValue(v); },
      "The value now, as a tensor that does not change with later assignments. Until the next one it counts as the\n"
      "variable: as an operand, a source of gradients, or watched. `value()` is a copy that does not.\n\n"
      "Source: Keras `Variable.value`, TensorFlow `Variable.value()`.");
  // Set on a variable, they are in its own dict.
  c.attr("constraint") = py::none();
  c.attr("regularizer") = py::none();
  const auto self = [](auto write) {
    return [write](const py::object& v, py::handle value) {
      write(py::cast<Variable&>(v), value);
      return v;
    };
  };
  c.def("assign", self([](Variable& v, py::handle value) {
          note_assignment(v, value);
          PauseRecording pause(true);
          v.assign(convert(value));
        }),
        py::arg("value"), "Writes a value of the variable's shape, cast to its dtype; returns the variable.");
  c.def("assign_add", self([](Variable& v, py::handle value) { assign_moved(v, value, Binary::add); }),
        py::arg("value"), "Adds a value of the variable\'s shape; returns the variable.");
  c.def("assign_sub", self([](Variable& v, py::handle value) { assign_moved(v, value, Binary::subtract); }),
        py::arg("value"), "Subtracts a value of the variable\'s shape; returns the variable.");
  py::class_<VariableValue, Tensor>(m, "VariableValue")
      .def(
          "__call__", [](const VariableValue& value) { return identity(value); },
          "The same as a plain tensor: what depends on it depends on the variable only by the tapes that saw the "
          "reading.");
  m.def("restored_variable", [](py::handle value, bool trainable, const std::string& name, const std::string& path) {
    const auto v = std::make_shared<Variable>(convert(value), name, trainable);
    v->path = path;
    return v;
  });
  c.def("__reduce__", [](const py::object& self) {
    Variable& v = py::cast<Variable&>(self);
    const py::object restore = py::module_::import("densegrad._core").attr("restored_variable");
    return py::make_tuple(restore, py::make_tuple(to_numpy(v.value()), v.trainable, v.name, v.path),
                          self.attr("__dict__"));
  });
  c.def("__repr__", [](Variable& v) {
    const std::string shape = py::str(shape_tuple(v.value().shape()));
    return "<dg.Variable '" + v.path + "': shape=" + shape + ", dtype=" + dtype_name(v.value().dtype()) +
           ", numpy=" + std::string(py::repr(to_numpy(v.value()))) + ">";
  });
}

}  // namespace densegrad::python

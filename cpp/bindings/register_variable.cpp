#include "bindings/operators.h"
#include "bindings/register.h"

namespace densegrad::python {

namespace {

// variable ± value, of the variable's shape: what assign_add and assign_sub write.
void assign_moved(Variable& v, py::handle value, Binary op) {
  PauseRecording pause;
  const Tensor change = convert(value, v.value().dtype());
  if (!(change.shape() == v.value().shape())) {
    fail("[Variable.assign] `value` has shape ", change.shape(), " but variable '", v.name, "' has shape ",
         v.value().shape(), ": the shapes must be equal.");
  }
  v.assign(binary(op, v.value(), change));
}

}  // namespace

void register_variable(py::module_& m) {
  py::class_<Variable, std::shared_ptr<Variable>> c(m, "Variable");
  c.def(py::init([](py::handle value, bool trainable, const std::string& name, const py::object& dtype) {
          PauseRecording pause;
          return std::make_shared<Variable>(convert(value, parse_dtype(dtype)), name, trainable);
        }),
        py::arg("initial_value"), py::arg("trainable") = true, py::arg("name") = "Variable",
        py::arg("dtype") = py::none());
  register_operators(c);
  c.def_readwrite("name", &Variable::name);
  c.def_readwrite("path", &Variable::path);
  c.def_readonly("trainable", &Variable::trainable);
  c.def_property_readonly("value", [](Variable& v) { return v.read(); });
  const auto self = [](auto write) {
    return [write](const py::object& v, py::handle value) {
      write(py::cast<Variable&>(v), value);
      return v;
    };
  };
  c.def("assign", self([](Variable& v, py::handle value) {
          PauseRecording pause;
          v.assign(convert(value));
        }),
        py::arg("value"));
  c.def("assign_add", self([](Variable& v, py::handle value) { assign_moved(v, value, Binary::add); }),
        py::arg("value"));
  c.def("assign_sub", self([](Variable& v, py::handle value) { assign_moved(v, value, Binary::subtract); }),
        py::arg("value"));
  c.def("__repr__", [](Variable& v) {
    const std::string shape = py::str(shape_tuple(v.value().shape()));
    return "<dg.Variable '" + v.path + "': shape=" + shape + ", dtype=" + dtype_name(v.value().dtype()) +
           ", numpy=" + std::string(py::repr(to_numpy(v.value()))) + ">";
  });
}

}  // namespace densegrad::python

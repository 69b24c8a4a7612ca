#include "bindings/convert.h"
#include "bindings/register.h"
#include "core/error.h"

namespace densegrad::python {

void register_errors(pybind11::module_& m) {
  pybind11::register_exception<SymbolicError>(m, "SymbolicError", PyExc_RuntimeError);
  // The standard exceptions have pybind11's own translation; these are the ones that C++ lacks.
  pybind11::register_exception_translator([](std::exception_ptr p) {
    try {
      if (p) std::rethrow_exception(p);
    } catch (const TypeError& e) {
      pybind11::set_error(PyExc_TypeError, e.what());
    } catch (const ZeroDivisionError& e) {
      pybind11::set_error(PyExc_ZeroDivisionError, e.what());
    }
  });
  pybind11::register_exception<SymbolicOperand>(m, "SymbolicOperand", PyExc_TypeError);
}

}  // namespace densegrad::python

PYBIND11_MODULE(_core, m) {
  using namespace densegrad::python;
  pybind11::options options;
  options.disable_function_signatures();  // they would name C++ types; _core.pyi has the real ones
  m.doc() = "The compiled core of densegrad.";
  register_errors(m);
  register_tensor(m);
  register_variable(m);
  register_ops(m);
  register_random(m);
  register_layers(m);
  register_optimizers(m);
  register_tape(m);
  register_function(m);
  register_program(m);
  register_config(m);
  register_traced(m);
}

#include "bindings/convert.h"
#include "bindings/register.h"
#include "core/error.h"

namespace densegrad::python {

namespace {

// Errors that are TensorFlow's as well as Python's: see errors.py.
void raise(const char* name, const char* text) {
  py::set_error(py::module_::import("densegrad.errors").attr(name), text);
}

}  // namespace

void register_errors(py::module_& m) {
  py::register_exception<SymbolicError>(m, "SymbolicError", PyExc_RuntimeError);
  py::register_exception_translator([](std::exception_ptr p) {
    try {
      if (p) std::rethrow_exception(p);
    } catch (const TypeError& e) {
      raise("InvalidTypeError", e.what());
    } catch (const ZeroDivisionError& e) {
      raise("InvalidDivisionError", e.what());
    } catch (const std::invalid_argument& e) {
      raise("InvalidArgumentError", e.what());
    } catch (const std::out_of_range& e) {
      raise("InvalidIndexError", e.what());
    } catch (const OutOfMemory& e) {
      raise("ResourceExhaustedError", e.what());
    }
  });
  py::register_exception<SymbolicOperand>(m, "SymbolicOperand", PyExc_TypeError);
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

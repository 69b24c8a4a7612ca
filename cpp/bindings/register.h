// One function per concept; module.cpp calls them in order.
#pragma once

#include <pybind11/pybind11.h>

namespace densegrad::python {

void register_errors(pybind11::module_& m);
void register_tensor(pybind11::module_& m);
void register_variable(pybind11::module_& m);
void register_ops(pybind11::module_& m);
void register_random(pybind11::module_& m);
void register_layers(pybind11::module_& m);
void register_optimizers(pybind11::module_& m);
void register_tape(pybind11::module_& m);
void register_function(pybind11::module_& m);
void register_program(pybind11::module_& m);
void register_config(pybind11::module_& m);
void register_traced(pybind11::module_& m);

}  // namespace densegrad::python

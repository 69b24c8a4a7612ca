// Traces and programs: what `densegrad.function` is made of.
#include <pybind11/stl.h>

#include "bindings/convert.h"
#include "bindings/place.h"
#include "bindings/register.h"
#include "bindings/run_program.h"
#include "program/trace.h"

namespace densegrad::python {

namespace {

class PlacedTrace final : public ProgramTrace {
 public:
  using ProgramTrace::ProgramTrace;

 protected:
  std::string place() const override {
    const Tape::Place at = users_place();
    return at.file.empty() ? "" : " (" + at.file + ", line " + std::to_string(at.line) + ")";
  }
};

// Work above this lets other Python threads run meanwhile.
constexpr double worth_letting_go = 20'000;  // ns

py::list run_with(Program& program, const std::vector<Tensor>& arguments) {
  std::vector<const void*> memory;
  for (const Tensor& t : arguments) memory.push_back(t.raw());
  std::vector<Tensor> results;
  run_program(program, memory, results);
  py::list out;
  for (Tensor& t : results) out.append(std::move(t));
  return out;
}

// Calls `function` with the tensors and returns its result, the program that does the same (or None), and why not.
py::tuple trace(const py::object& function, const std::vector<Tensor>& arguments) {
  PlacedTrace trace(arguments);
  py::tuple given(arguments.size());
  for (std::size_t i = 0; i < arguments.size(); ++i) given[i] = arguments[i];
  const py::object result = function(*given);
  trace.stop();
  std::string refusal = trace.refusal();
  std::vector<Tensor> results;
  for (py::handle leaf : flatten(result)) {
    if (const Tensor* t = tensor_in(leaf)) results.push_back(*t);
  }
  if (refusal.empty()) {
    auto program = std::make_shared<Program>(trace.script(results));
    refusal = trace.refusal();
    if (refusal.empty()) return py::make_tuple(result, py::cast(std::move(program)), py::none());
  }
  return py::make_tuple(result, py::none(), refusal);
}

}  // namespace

void run_program(Program& program, std::span<const void* const> arguments, std::vector<Tensor>& results) {
  if (program.work() < worth_letting_go && program.mutex().try_lock()) {
    const std::lock_guard lock(program.mutex(), std::adopt_lock);
    program.run(arguments, results);
    return;
  }
  const py::gil_scoped_release let_go;
  const std::lock_guard lock(program.mutex());
  program.run(arguments, results);
}

void register_program(py::module_& m) {
  py::class_<Program, std::shared_ptr<Program>>(m, "Program",
                                                "What a function did, frozen: it runs again without Python.")
      .def("run", run_with, py::arg("arguments"))
      .def("poison", &Program::poison)
      .def("describe", &Program::describe)
      .def_property_readonly("arena_bytes", &Program::arena_bytes)
      .def_property_readonly("instructions", &Program::instruction_count);
  m.def("trace", trace, py::arg("function"), py::arg("arguments"));
}

}  // namespace densegrad::python

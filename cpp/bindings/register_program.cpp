// Traces and programs: what `densegrad.function` is made of.
#include <pybind11/stl.h>

#include <algorithm>

#include "bindings/convert.h"
#include "bindings/place.h"
#include "bindings/register.h"
#include "bindings/run_program.h"
#include "core/blocks.h"
#include "program/batches.h"
#include "program/history.h"
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
// What a function took that was recorded with an arena of this size, as Python, goes back: the program has its own memory.
constexpr std::size_t worth_returning = 1 << 20;

py::list run_with(Program& program, const std::vector<Tensor>& arguments) {
  std::vector<const void*> memory;
  for (const Tensor& t : arguments) memory.push_back(t.raw());
  std::vector<Tensor> results;
  run_program(program, memory, results);
  py::list out;
  for (Tensor& t : results) out.append(std::move(t));
  return out;
}

// The columns are C-contiguous arrays of the dtypes and row shapes of the arguments, `order` an int64 array or None.
py::tuple run_rows(Program& program, const std::vector<py::array>& columns, const py::object& order, index_t first,
                   index_t times, double seconds) {
  const auto& arguments = program.arguments();
  if (columns.size() != arguments.size() || columns.empty()) {
    fail("[run_rows] `columns` has ", columns.size(), " arrays: the program takes ", arguments.size(), ".");
  }
  Rows rows{{}, columns[0].shape(0), nullptr};
  const index_t size = arguments[0].shape.rank() > 0 ? arguments[0].shape[0] : 0;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const py::array& column = columns[i];
    Shape shape = arguments[i].shape;
    const bool fits = shape.rank() > 0 && shape[0] == size && column.ndim() == shape.rank() &&
                      column.shape(0) == rows.count && std::equal(shape.begin() + 1, shape.end(), column.shape() + 1) &&
                      column.dtype().is(numpy_dtype(arguments[i].dtype)) && (column.flags() & py::array::c_style);
    if (!fits) {
      fail("[run_rows] `columns[", i, "]` must be a C-contiguous ", arguments[i].dtype, " array with rows as in ",
           shape, ".");
    }
    rows.columns.push_back(static_cast<const std::byte*>(column.data()));
  }
  if (first < 0 || times < 1 || size < 1 || times > (rows.count - first) / size) {
    fail("[run_rows] ", times, " batches of ", size, " rows from row ", first, " are not in ", rows.count, " rows.");
  }
  py::array_t<index_t, py::array::c_style> numbers;
  if (!order.is_none()) {
    numbers = py::cast<py::array_t<index_t, py::array::c_style>>(order);
    const bool inside = numbers.ndim() == 1 && numbers.size() == rows.count &&
                        std::all_of(numbers.data(), numbers.data() + numbers.size(),
                                    [&](index_t row) { return row >= 0 && row < rows.count; });
    if (!inside) fail("[run_rows] `order` must hold ", rows.count, " row numbers.");
    rows.order = numbers.data();
  }
  std::vector<Tensor> results;
  index_t done = 0;
  {
    const py::gil_scoped_release let_go;
    const std::lock_guard lock(program.mutex());
    done = run_batches(program, rows, first, times, seconds, results);
  }
  py::list out;
  for (Tensor& t : results) out.append(std::move(t));
  return py::make_tuple(done, out);
}

// Calls `function` with the tensors and returns its result, the program that does the same (or None), why not, and
// whether it made variables.
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
    if (refusal.empty()) {
      if (program->arena_bytes() >= worth_returning) return_freed_memory();
      return py::make_tuple(result, py::cast(std::move(program)), py::none(), trace.makes_variables());
    }
  }
  return py::make_tuple(result, py::none(), refusal, trace.makes_variables());
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
      .def("run_rows", run_rows, py::arg("columns"), py::arg("order"), py::arg("first"), py::arg("times"),
           py::arg("seconds"))
      .def_property_readonly("arguments",
                             [](const Program& p) {
                               py::list out;
                               for (const auto& a : p.arguments())
                                 out.append(py::make_tuple(dtype_name(a.dtype), shape_tuple(a.shape)));
                               return out;
                             })
      .def("poison", &Program::poison)
      .def("describe", &Program::describe)
      .def_property_readonly("arena_bytes", &Program::arena_bytes)
      .def_property_readonly("gradients",
                             [](const Program& p) {
                               py::list out;
                               for (const auto& g : p.gradients()) out.append(py::make_tuple(g.offsets, g.bytes));
                               return out;
                             })
      .def_property_readonly("instructions", &Program::instruction_count);
  m.def(
      "unrepeatable",
      [](const std::string& reason) {
        for (Recorder* recorder : recorders()) recorder->unrepeatable(reason);
      },
      py::arg("reason"));
  py::class_<History>(m, "History")
      .def(py::init<>())
      .def("program",
           [](History& history, const std::vector<Tensor>& results) {
             std::vector<Tensor> arguments;
             auto program = std::make_shared<Program>(history.script(results, arguments));
             return py::make_tuple(std::move(program), std::move(arguments));
           })
      .def("made", &History::made)
      .def_property_readonly("is_here", &History::is_here)
      .def_readwrite("always", &History::always);
  m.def("trace", trace, py::arg("function"), py::arg("arguments"));
}

}  // namespace densegrad::python

// Tape and custom gradients: the only bound objects that can hold Python objects, so they take part in garbage collection.
#include <pybind11/stl.h>

#include <utility>

#include "bindings/convert.h"
#include "bindings/place.h"
#include "bindings/register.h"
#include "ops/ops.h"
#include "ops/rehearsal.h"
#include "tape/batch.h"
#include "tape/tape.h"

namespace densegrad::python {

namespace {

class PyCallback final : public Callback {
 public:
  explicit PyCallback(py::object function) : function_(std::move(function)) {}

  std::vector<Tensor> vjp(const Tensors& cotangents) override {
    py::tuple args(cotangents.size());
    for (std::size_t i = 0; i < cotangents.size(); ++i) args[i] = cotangents[i];
    py::object result;
    try {
      result = function_(*args);
    } catch (const py::error_already_set& error) {
      // A walk over stand-ins has another way for a rule that reads values.
      if (!error.matches(py::module_::import("densegrad._core").attr("SymbolicError"))) throw;
      throw SymbolicError(std::string(py::str(error.value())));
    }
    std::vector<Tensor> grads;
    if (!py::isinstance<py::list>(result) && !py::isinstance<py::tuple>(result)) {
      grads.push_back(result.is_none() ? Tensor() : convert(result, cotangents[0].dtype()));
      return grads;
    }
    for (py::handle g : result) grads.push_back(g.is_none() ? Tensor() : convert(g, cotangents[0].dtype()));
    return grads;
  }
  std::unique_ptr<Callback> clone() const override { return std::make_unique<PyCallback>(function_); }

  PyObject* function() const { return function_.ptr(); }

 private:
  py::object function_;
};

// A tape that knows which line of the user's code runs.
class PlacedTape final : public Tape {
 public:
  using Tape::Tape;

 protected:
  Place place() const override { return users_place(); }
};

// False also of the first instance of a class, which the collector knows before it has a layout: pybind11 makes a note of
// the class between the two, and that may collect.
bool is_made(PyObject* self) {
  const auto* instance = reinterpret_cast<const py::detail::instance*>(self);
  return (instance->simple_layout || instance->nonsimple.status) && py::detail::is_holder_constructed(self);
}

int traverse_tape(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  if (!is_made(self)) return 0;
  for (const Node& node : py::cast<Tape&>(py::handle(self)).nodes()) {
    if (const auto* custom = std::get_if<CustomParams>(&node.params)) {
      Py_VISIT(static_cast<PyCallback*>(custom->callback->host())->function());
    }
  }
  return 0;
}

int clear_tape(PyObject* self) {
  if (is_made(self)) py::cast<Tape&>(py::handle(self)).reset();
  return 0;
}

void collectable(PyHeapTypeObject* heap_type) {
  PyTypeObject* type = &heap_type->ht_type;
  type->tp_flags |= Py_TPFLAGS_HAVE_GC;
  type->tp_traverse = traverse_tape;
  type->tp_clear = clear_tape;
}

[[noreturn]] void no_tensor(const char* argument, const std::string& tag, py::handle value, const char* rule) {
  fail<TypeError>("[", tag, "] `", argument, "` holds a value of type ",
                  std::string(py::str(py::type::handle_of(value).attr("__name__"))), ": ", rule);
}

// The variable that a source means, if any: an old value does too, unless it was itself watched.
std::shared_ptr<Variable> source_variable(const Tape& tape, py::handle source) {
  const VariableValue* held = variable_value_in(source);
  return held && !tape.is_watched(*held) ? held->origin() : variable_behind(source);
}

// A source as a tensor. A layer (anything with a key) stands for its output.
Tensor resolve_source(const Tape& tape, py::handle source, const std::string& tag) {
  if (const auto variable = source_variable(tape, source)) return variable->value();
  if (is_tensor(source)) return peek(source);
  if (!py::hasattr(source, "_key")) {
    no_tensor("sources", tag, source, "it must hold tensors, variables or layers; plain values are not recorded.");
  }
  const std::vector<Tensor> outputs = tape.calls_of(py::cast<std::uint64_t>(source.attr("_key")));
  const std::string name = py::str(source.attr("name"));
  if (outputs.size() != 1) {
    fail("[", tag, "] layer '", name, "' was called ", outputs.size(),
         " times on this tape: a layer as a source must have been called exactly once; pass the output tensor that you "
         "mean.");
  }
  if (!outputs[0].defined()) {
    fail("[", tag, "] layer '", name, "' returned several tensors: pass the one that you mean.");
  }
  return outputs[0];
}

void watch(Tape& tape, py::handle structure) {
  const py::list leaves = flatten(structure);
  for (py::handle v : leaves) {
    if (!is_tensor(v)) {
      no_tensor("tensor", "GradientTape.watch", v,
                "only tensors and variables can be watched; make one with dg.constant(x).");
    }
  }
  if (!leaves.empty() && !tape.is_watching()) {
    fail<std::runtime_error>("[GradientTape.watch] the tape is not recording: call watch inside `with tape:`.");
  }
  for (py::handle v : leaves) {
    const DType dtype = peek(v).dtype();
    if (!is_float(dtype)) {
      std::ostringstream text;
      text << "[GradientTape.watch] `tensor` is " << dtype
           << ": only float32 and float64 have gradients, so its gradient will be None; convert it with "
              "dg.ops.cast(x, 'float32') first.";
      if (PyErr_WarnEx(PyExc_UserWarning, text.str().c_str(), 1) < 0) throw py::error_already_set();
    } else if (const auto variable = variable_behind(v)) {
      tape.watch(variable);
    } else {
      tape.watch(peek(v));
    }
  }
}

// Lets the open tapes know that a layer was called, so that the layer itself can be a source.
void note_call(std::uint64_t layer, py::handle output) {
  for (Recorder* recorder : recorders()) {
    if (auto* tape = dynamic_cast<Tape*>(recorder)) tape->note_call(layer, is_tensor(output) ? peek(output) : Tensor());
  }
}

// One gradient-like result per source, None (or zeros of `shape(source)`) where unconnected, in the sources' structure.
template <class F>
py::object packed(py::handle sources, const std::vector<Tensor>& xs, const std::vector<Tensor>& results, bool zero,
                  F shape) {
  py::list out;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].defined()) {
      out.append(results[i]);
    } else {
      out.append(zero ? py::cast(Tensor::full(xs[i].dtype(), shape(xs[i]), 0)) : py::object(py::none()));
    }
  }
  return pack_as(sources, out);
}

py::object gradients(Tape& tape, py::handle target, py::handle sources, py::handle weights, bool zero) {
  std::vector<Tensor> ys, xs, dys;
  for (py::handle y : flatten(target)) {
    if (!is_tensor(y))
      no_tensor("target", "GradientTape.gradient", y,
                "it must be a tensor, or hold tensors in lists, tuples and dicts.");
    ys.push_back(peek(y));
  }
  const std::string tag = "GradientTape.gradient";
  const py::list leaves = flatten(sources);
  xs.reserve(leaves.size());
  for (py::handle x : leaves) xs.push_back(resolve_source(tape, x, tag));
  if (ys.empty()) return py::none();
  if (!weights.is_none()) {
    for (py::handle g : weights) dys.push_back(g.is_none() ? Tensor() : convert(g, ys[dys.size()].dtype()));
  }
  return packed(sources, xs, tape.gradient(ys, xs, dys), zero, [](const Tensor& x) { return x.shape(); });
}

std::vector<Tensor> walked_jacobian(Tape& tape, const std::string& tag, const Tensor& y, const std::vector<Tensor>& xs,
                                    bool by_row) {
  try {
    return tape.jacobian(y, xs, by_row);
  } catch (const std::bad_alloc&) {
    double entries = 0;
    for (const Tensor& x : xs) entries += static_cast<double>(x.shape().count(by_row ? 1 : 0, x.rank()));
    const double bytes = static_cast<double>(y.size()) * entries * static_cast<double>(item_size(y.dtype()));
    fail<OutOfMemory>("[", tag, "] the Jacobian of a target of shape ", y.shape(), " takes ", gigabytes(bytes),
                      " GB, and its computation more memory than there is: take it of parts of the target, or its "
                      "products with vectors by dg.vjp and dg.jvp.");
  }
}

py::object jacobians(Tape& tape, py::handle target, py::handle sources, bool zero, bool by_row,
                     const std::string& tag) {
  if (!is_tensor(target)) no_tensor("target", tag, target, "it must be one tensor.");
  const Tensor y = peek(target);
  std::vector<Tensor> xs;
  for (py::handle x : flatten(sources)) xs.push_back(resolve_source(tape, x, tag));
  for (const Tensor& x : xs) {
    if (by_row && (y.rank() < 2 || x.rank() < 2 || y.dim(0) != x.dim(0))) {
      fail("[", tag, "] `target` has shape ", y.shape(), " and `source` has shape ", x.shape(),
           ": both must have at least 2 axes, and the same first one.");
    }
  }
  return packed(sources, xs, walked_jacobian(tape, tag, y, xs, by_row), zero, [&](const Tensor& x) {
    Shape shape = y.shape();
    for (int i = by_row ? 1 : 0; i < x.rank(); ++i) shape.push_back(x.dim(i));
    return shape;
  });
}

std::vector<Tensor> tensors_of(py::handle values) {
  std::vector<Tensor> out;
  for (py::handle v : values) out.push_back(peek(v));
  return out;
}

py::list directional(const Tape& tape, py::handle targets, py::handle sources, py::handle tangents) {
  py::list out;
  for (const Tensor& t : tape.jvp(tensors_of(targets), tensors_of(sources), tensors_of(tangents)))
    out.append(t.defined() ? py::cast(t) : py::object(py::none()));
  return out;
}

// Runs `function`, from a list of tensors to a list of tensors, on one example of each input, and what it did on all.
py::list batched_call(const py::object& function, const std::vector<Tensor>& inputs, index_t batch) {
  BatchTrace trace(batch);
  py::list examples;
  for (const Tensor& x : inputs) examples.append(trace.example_of(x));
  const py::object results = function(examples);
  trace.stop();
  py::list out;
  for (const Tensor& t : trace.replay(tensors_of(results))) out.append(t);
  return out;
}

}  // namespace

Tape::Place users_place() {
  const std::string package = py::cast<std::string>(py::module_::import("densegrad").attr("__path__")[py::int_(0)]);
  auto frame = py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(PyEval_GetFrame()));
  while (frame && !frame.is_none()) {
    auto* raw = reinterpret_cast<PyFrameObject*>(frame.ptr());
    const auto code = py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(PyFrame_GetCode(raw)));
    std::string file = py::cast<std::string>(code.attr("co_filename"));
    if (file.compare(0, package.size(), package) != 0) return {std::move(file), PyFrame_GetLineNumber(raw)};
    frame = py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(PyFrame_GetBack(raw)));
  }
  return {};
}

void register_tape(py::module_& m) {
  py::class_<Tape>(m, "Tape", py::custom_type_setup(collectable))
      .def(py::init([](bool persistent, bool watch) -> std::unique_ptr<Tape> {
             return std::make_unique<PlacedTape>(persistent, watch);
           }),
           py::arg("persistent") = false, py::arg("watch_accessed_variables") = true)
      .def("__enter__",
           [](const py::object& self) {
             py::cast<Tape&>(self).enter();
             return self;
           })
      .def("__exit__",
           [](Tape& tape, const py::args&) {
             if (tape.is_recording()) tape.exit();  // gradient() may have stopped it already
           })
      .def(
          "reset",
          [](Tape& tape) {
            if (!tape.is_recording()) {
              fail("[GradientTape.reset] the tape is not recording: call reset inside `with tape:`.");
            }
            tape.reset();
          },
          "Forgets everything that was recorded and watched.")
      .def("watch", watch, py::arg("tensor"),
           "Makes the tape follow a tensor or variable, or every one in nested lists, tuples and dicts.\n\n"
           "Operations that ran before are not recorded. An integer or bool tensor is accepted with a warning: its\n"
           "gradient is None.\n\n"
           "Raises: TypeError for anything else; RuntimeError outside of `with tape:`.")
      .def(
          "watched_variables", [](const Tape& tape) { return py::tuple(py::cast(tape.watched_variables())); },
          "The watched variables, as a tuple in order of their construction.")
      .def("_enter", &Tape::enter)
      .def("_exit", &Tape::exit)
      .def_property_readonly("_is_watching", &Tape::is_watching)
      .def("_gradient", gradients, py::arg("target"), py::arg("sources"), py::arg("weights") = py::none(),
           py::arg("zero") = false)
      .def("_jacobian", jacobians, py::arg("target"), py::arg("sources"), py::arg("zero"), py::arg("by_row"),
           py::arg("tag"))
      .def("_jvp", directional, py::arg("targets"), py::arg("sources"), py::arg("tangents"))
      .def("_cuts",
           [](const Tape& tape) {
             py::list out;
             for (const auto& [link, place] : tape.cuts())
               out.append(py::make_tuple(link.what, link.inputs, link.outputs, place.file, place.line));
             return out;
           })
      .def("_links",
           [](const Tape& tape) {
             py::list out;
             for (const Tape::Link& link : tape.links())
               out.append(py::make_tuple(link.what, link.inputs, link.outputs));
             return out;
           })
      .def(
          "_tracks", [](const Tape& tape, py::handle t) { return tape.tracks(peek(t)); }, py::arg("tensor"))
      .def(
          "_resolve",
          [](const Tape& tape, py::handle source) {
            if (const auto variable = source_variable(tape, source)) return py::cast(variable);
            return py::cast(resolve_source(tape, source, "GradientTape.explain"));
          },
          py::arg("source"))
      .def_property_readonly("_is_dropped", &Tape::is_dropped)
      .def_readonly("_watches_variables", &Tape::watch_accessed_variables)
      .def_readonly("persistent", &Tape::persistent)
      .def_property_readonly("_recording", &Tape::is_recording);

  // with Pause(): no tape of this thread records; what batches examples still follows them.
  struct Pause {
    std::shared_ptr<RecorderStack> stack;
  };
  py::class_<Pause>(m, "Pause")
      .def(py::init<>())
      .def("__enter__",
           [](Pause& p) {
             p.stack = recorder_stack();
             p.stack->pause(true);
           })
      .def("__exit__", [](Pause& p, const py::args&) {
        if (p.stack) p.stack->resume();
        p.stack.reset();
      });

  // with Rehearsal(): assignments to variables by this thread are checked and not made; with Rehearsal(False) they are.
  struct Rehearsal {
    bool on;
    bool before = false;
  };
  py::class_<Rehearsal>(m, "Rehearsal")
      .def(py::init([](bool on) { return Rehearsal{on}; }), py::arg("on") = true)
      .def("__enter__", [](Rehearsal& r) { r.before = std::exchange(rehearsing(), r.on); })
      .def("__exit__", [](Rehearsal& r, const py::args&) { rehearsing() = r.before; });

  m.def("vmap", batched_call, py::arg("function"), py::arg("inputs"), py::arg("batch"));
  m.def("recording", [] { return !recorders().empty(); });
  m.def("note_call", note_call, py::arg("layer"), py::arg("output"));
  m.def("unique_id", &Tensor::next_id);
  m.def("flatten", &flatten, py::arg("structure"));
  m.def("pack_as", &pack_as, py::arg("structure"), py::arg("leaves"));
  m.def(
      "record_custom",
      [](const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs, py::object vjp) {
        return record_custom(inputs, outputs, std::make_unique<PyCallback>(std::move(vjp)));
      },
      py::arg("inputs"), py::arg("outputs"), py::arg("vjp"));
}

}  // namespace densegrad::python

// Function: a Python function that is replaced by programs, one per signature. Written against the C API, since a call
// should cost little more than Python's own: arguments are compared with those of the known programs and bound without a
// copy; everything else is left to Python (`densegrad.programs`).
#include "bindings/convert.h"
#include "bindings/register.h"
#include "bindings/run_program.h"
#include "ops/primitive.h"

// Needs Python.h before it.
#include <structmember.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <vector>

namespace densegrad::python {

namespace {

// One argument of a signature: a tensor or array of this dtype and shape, or (where `object` is set) this very object.
struct Parameter {
  py::object object;
  DType dtype = DType::float32;
  Shape shape = {};
};

// How the results are handed out: tensors among other leaves, in a structure.
struct Outcome {
  py::object structure;  // null: one tensor alone
  py::list leaves;       // None where a tensor goes
  std::vector<std::size_t> places;
};

struct Known {
  std::vector<Parameter> parameters;
  std::shared_ptr<Program> program;
  Outcome outcome;
};

struct Function {
  PyObject_HEAD;
  vectorcallfunc call;
  PyObject* slow;  // (function, args, kwargs) -> result
  PyObject* dict;
  PyObject* weak_references;
  std::vector<std::shared_ptr<Known>> known;  // the last used first
};

Function* self_of(PyObject* object) { return reinterpret_cast<Function*>(object); }

// The memory of an argument that fits a parameter; null otherwise.
const void* memory_of(py::handle value, const Parameter& parameter) {
  if (const Tensor* t = tensor_in(value)) {
    return t->has_storage() && t->dtype() == parameter.dtype && t->shape() == parameter.shape ? t->raw() : nullptr;
  }
  if (Py_TYPE(value.ptr()) != py::detail::npy_api::get().PyArray_Type_) return nullptr;
  const auto* array = py::detail::array_proxy(value.ptr());
  constexpr int wanted = py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  if (array->nd != parameter.shape.rank() || (array->flags & wanted) != wanted ||
      array->descr != numpy_dtype(parameter.dtype).ptr() ||
      !std::equal(parameter.shape.begin(), parameter.shape.end(), array->dimensions)) {
    return nullptr;
  }
  return array->data ? array->data : "";  // an empty array may have none
}

bool bind(const Known& known, PyObject* const* args, std::size_t n, SmallVector<const void*, 16>& memory) {
  if (known.parameters.size() != n) return false;
  memory = {};
  for (std::size_t i = 0; i < n; ++i) {
    const Parameter& parameter = known.parameters[i];
    if (parameter.object) {
      if (parameter.object.ptr() != args[i]) return false;
      continue;
    }
    const void* data = memory_of(args[i], parameter);
    if (!data) return false;
    memory.push_back(data);
  }
  return true;
}

py::object handed_out(const Outcome& outcome, std::vector<Tensor>& results) {
  if (!outcome.structure) return py::cast(std::move(results[0]));
  const py::list leaves(py::len(outcome.leaves));
  for (std::size_t i = 0; i < py::len(outcome.leaves); ++i) leaves[i] = outcome.leaves[i];
  for (std::size_t i = 0; i < results.size(); ++i) leaves[outcome.places[i]] = py::cast(std::move(results[i]));
  return pack_as(outcome.structure, leaves);
}

py::object run_known(const std::shared_ptr<Known>& known, std::span<const void* const> memory) {
  std::vector<Tensor> results;
  run_program(*known->program, memory, results);
  return handed_out(known->outcome, results);
}

// What C++ throws as Python's error.
template <class F>
PyObject* guarded(F&& f) {
  try {
    return f();
  } catch (...) {
    py::detail::try_translate_exceptions();
    return nullptr;
  }
}

PyObject* slow_call(Function* self, PyObject* const* args, Py_ssize_t n, PyObject* names) {
  const py::tuple positional(static_cast<std::size_t>(n));
  for (Py_ssize_t i = 0; i < n; ++i) PyTuple_SET_ITEM(positional.ptr(), i, Py_NewRef(args[i]));
  const py::dict named;
  for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); ++i) {
    if (PyDict_SetItem(named.ptr(), PyTuple_GET_ITEM(names, i), args[n + i]) < 0) return nullptr;
  }
  return PyObject_CallFunctionObjArgs(self->slow, reinterpret_cast<PyObject*>(self), positional.ptr(), named.ptr(),
                                      nullptr);
}

PyObject* call(PyObject* object, PyObject* const* args, std::size_t count, PyObject* names) {
  Function* self = self_of(object);
  const auto n = PyVectorcall_NARGS(count);
  return guarded([&]() -> PyObject* {
    if (!names && recorders().empty()) {
      SmallVector<const void*, 16> memory;
      for (std::size_t i = 0; i < self->known.size(); ++i) {
        if (!bind(*self->known[i], args, static_cast<std::size_t>(n), memory)) continue;
        const std::shared_ptr<Known> known = self->known[i];
        if (i > 0)
          std::rotate(self->known.begin(), self->known.begin() + static_cast<std::ptrdiff_t>(i),
                      self->known.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        return run_known(known, {memory.data(), memory.size()}).release().ptr();
      }
    }
    return slow_call(self, args, n, names);
  });
}

// Function._know(parameters, program, structure, leaves): remembers a program for calls with such positional arguments;
// `parameters` are tensors, or 1-tuples of the very object.
PyObject* know(PyObject* object, PyObject* args) {
  return guarded([&]() -> PyObject* {
    const auto [parameters, program, structure, leaves] =
        py::cast<std::tuple<py::sequence, std::shared_ptr<Program>, py::object, py::list>>(
            py::reinterpret_borrow<py::object>(args));
    auto known = std::make_shared<Known>();
    for (py::handle p : parameters) {
      if (const Tensor* t = tensor_in(p)) {
        known->parameters.push_back({{}, t->dtype(), t->shape()});
      } else {
        known->parameters.push_back({py::reinterpret_borrow<py::tuple>(p)[0]});
      }
    }
    known->program = program;
    known->outcome.leaves = py::list();
    bool single = tensor_in(structure) != nullptr;
    if (!single) known->outcome.structure = structure;
    for (std::size_t i = 0; i < py::len(leaves); ++i) {
      const bool tensor = tensor_in(py::object(leaves[i])) != nullptr;
      if (tensor) known->outcome.places.push_back(i);
      known->outcome.leaves.append(tensor ? py::object(py::none()) : py::object(leaves[i]));
    }
    auto& all = self_of(object)->known;
    all.insert(all.begin(), std::move(known));
    Py_RETURN_NONE;
  });
}

// Function._forget(program): the inverse.
PyObject* forget(PyObject* object, PyObject* program) {
  return guarded([&]() -> PyObject* {
    const auto gone = py::cast<std::shared_ptr<Program>>(py::reinterpret_borrow<py::object>(program));
    std::erase_if(self_of(object)->known, [&](const auto& known) { return known->program == gone; });
    Py_RETURN_NONE;
  });
}

PyObject* make(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject* slow = nullptr;
  if (!PyArg_ParseTuple(args, "O", &slow)) return nullptr;
  PyObject* object = type->tp_alloc(type, 0);
  if (!object) return nullptr;
  Function* self = self_of(object);
  new (&self->known) std::vector<std::shared_ptr<Known>>();
  self->call = call;
  self->slow = Py_NewRef(slow);
  return object;
}

int traverse(PyObject* object, visitproc visit, void* arg) {
  Function* self = self_of(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self->slow);
  Py_VISIT(self->dict);
  for (const auto& known : self->known) {
    if (known.use_count() > 1) continue;  // a call under way holds it too
    for (const Parameter& p : known->parameters) Py_VISIT(p.object.ptr());
    Py_VISIT(known->outcome.structure.ptr());
    Py_VISIT(known->outcome.leaves.ptr());
  }
  return 0;
}

int clear(PyObject* object) {
  Function* self = self_of(object);
  std::vector<std::shared_ptr<Known>>().swap(self->known);
  Py_CLEAR(self->slow);
  Py_CLEAR(self->dict);
  return 0;
}

void dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  Function* self = self_of(object);
  if (self->weak_references) PyObject_ClearWeakRefs(object);
  clear(object);
  self->known.~vector();
  type->tp_free(object);
  Py_DECREF(type);
}

PyObject* bound(PyObject* object, PyObject* instance, PyObject*) {
  return instance && instance != Py_None ? PyMethod_New(object, instance) : Py_NewRef(object);
}

}  // namespace

void register_function(py::module_& m) {
  static PyMemberDef members[] = {
      {"__vectorcalloffset__", T_PYSSIZET, offsetof(Function, call), READONLY, nullptr},
      {"__dictoffset__", T_PYSSIZET, offsetof(Function, dict), READONLY, nullptr},
      {"__weaklistoffset__", T_PYSSIZET, offsetof(Function, weak_references), READONLY, nullptr},
      {nullptr, 0, 0, 0, nullptr}};
  static PyMethodDef methods[] = {
      {"_know", know, METH_VARARGS, nullptr}, {"_forget", forget, METH_O, nullptr}, {nullptr, nullptr, 0, nullptr}};
  static PyGetSetDef attributes[] = {{"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
                                     {nullptr, nullptr, nullptr, nullptr, nullptr}};
  static PyType_Slot slots[] = {{Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                                {Py_tp_new, reinterpret_cast<void*>(make)},
                                {Py_tp_descr_get, reinterpret_cast<void*>(bound)},
                                {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                                {Py_tp_clear, reinterpret_cast<void*>(clear)},
                                {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
                                {Py_tp_members, members},
                                {Py_tp_methods, methods},
                                {Py_tp_getset, attributes},
                                {0, nullptr}};
  static PyType_Spec spec = {"densegrad._core.Function", sizeof(Function), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL, slots};
  const auto type = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
  if (!type) throw py::error_already_set();
  m.attr("Function") = type;
}

}  // namespace densegrad::python

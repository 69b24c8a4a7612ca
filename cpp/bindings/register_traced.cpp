// Traced: a function of the core that, where it meets the symbolic tensor of a functional model, hands the call to Python,
// which notes it as a step of the model. Written against the C API, since it stands before every operation: a call costs a
// few instructions, and what it calls is not asked anything in advance.
#include "bindings/convert.h"
#include "bindings/register.h"

// Needs Python.h before it.
#include <structmember.h>

#include <algorithm>
#include <cstddef>
#include <string>

namespace densegrad::python {

namespace {

struct Traced {
  PyObject_HEAD;
  vectorcallfunc call;
  PyObject* function;  // __wrapped__
  PyObject* symbolic;  // the type of SymbolicOperand
};

PyObject* noted(Traced* self, PyObject* const* args, Py_ssize_t n, PyObject* names) {
  const py::tuple positional(static_cast<std::size_t>(n));
  for (Py_ssize_t i = 0; i < n; ++i) PyTuple_SET_ITEM(positional.ptr(), i, Py_NewRef(args[i]));
  const py::dict named;
  for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); ++i) {
    if (PyDict_SetItem(named.ptr(), PyTuple_GET_ITEM(names, i), args[n + i]) < 0) return nullptr;
  }
  const auto graph = py::reinterpret_steal<py::object>(PyImport_ImportModule("densegrad.graph"));
  if (!graph) return nullptr;
  const auto note = py::reinterpret_steal<py::object>(PyObject_GetAttrString(graph.ptr(), "note"));
  if (!note) return nullptr;
  return PyObject_CallFunctionObjArgs(note.ptr(), reinterpret_cast<PyObject*>(self), positional.ptr(), named.ptr(),
                                      nullptr);
}

PyObject* call(PyObject* object, PyObject* const* args, std::size_t count, PyObject* names) {
  auto* self = reinterpret_cast<Traced*>(object);
  PyObject* result = PyObject_Vectorcall(self->function, args, count, names);
  if (result || !PyErr_ExceptionMatches(self->symbolic)) return result;
  PyErr_Clear();
  return noted(self, args, PyVectorcall_NARGS(count), names);
}

int traverse(PyObject* object, visitproc visit, void* arg) {
  auto* self = reinterpret_cast<Traced*>(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self->function);
  Py_VISIT(self->symbolic);
  return 0;
}

int clear(PyObject* object) {
  auto* self = reinterpret_cast<Traced*>(object);
  Py_CLEAR(self->function);
  Py_CLEAR(self->symbolic);
  return 0;
}

void dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  clear(object);
  type->tp_free(object);
  Py_DECREF(type);
}

// Its name, its documentation and whatever else is asked for are the function's.
PyObject* attribute(PyObject* object, PyObject* name) {
  PyObject* own = PyObject_GenericGetAttr(object, name);
  if (own || !PyErr_ExceptionMatches(PyExc_AttributeError)) return own;
  PyErr_Clear();
  return PyObject_GetAttr(reinterpret_cast<Traced*>(object)->function, name);
}

// Copied and pickled by its name in the module, like any function.
PyObject* reduce(PyObject* object, PyObject*) {
  return PyObject_GetAttrString(reinterpret_cast<Traced*>(object)->function, "__name__");
}

}  // namespace

void register_traced(py::module_& m) {
  static PyMemberDef members[] = {{"__vectorcalloffset__", T_PYSSIZET, offsetof(Traced, call), READONLY, nullptr},
                                  {"__wrapped__", T_OBJECT_EX, offsetof(Traced, function), READONLY, nullptr},
                                  {nullptr, 0, 0, 0, nullptr}};
  static PyMethodDef methods[] = {{"__reduce__", reduce, METH_NOARGS, nullptr}, {nullptr, nullptr, 0, nullptr}};
  static PyType_Slot slots[] = {{Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                                {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                                {Py_tp_clear, reinterpret_cast<void*>(clear)},
                                {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
                                {Py_tp_getattro, reinterpret_cast<void*>(attribute)},
                                {Py_tp_members, members},
                                {Py_tp_methods, methods},
                                {0, nullptr}};
  static PyType_Spec spec = {
      "densegrad._core.Traced", sizeof(Traced), 0,
      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  const auto type = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
  if (!type) throw py::error_already_set();
  const py::object symbolic = m.attr("SymbolicOperand");
  // What asks a tensor nothing but its name, or makes one of something else, is no operation.
  const auto plain = {"constant",    "convert",           "flatten", "note_call", "pack_as",
                      "placeholder", "restored_variable", "trace",   "unique_id"};
  const py::dict names = m.attr("__dict__");
  for (py::handle item : py::list(names.attr("items")())) {
    const auto [name, function] = py::cast<std::pair<std::string, py::object>>(item);
    const bool is_plain = std::find(plain.begin(), plain.end(), name) != plain.end();
    if (is_plain || !PyCFunction_Check(function.ptr())) continue;
    auto* type_object = reinterpret_cast<PyTypeObject*>(type.ptr());
    const auto traced = py::reinterpret_steal<py::object>(type_object->tp_alloc(type_object, 0));
    if (!traced) throw py::error_already_set();
    auto* self = reinterpret_cast<Traced*>(traced.ptr());
    self->call = call;
    self->function = Py_NewRef(function.ptr());
    self->symbolic = Py_NewRef(symbolic.ptr());
    names[name.c_str()] = traced;
  }
}

}  // namespace densegrad::python

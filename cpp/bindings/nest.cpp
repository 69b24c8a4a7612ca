// Nested lists, tuples and dicts of tensors as flat lists, and back. Dicts are walked in sorted key order, as TensorFlow
// does, so that two structures with equal keys match.
#include "bindings/convert.h"

namespace densegrad::python {

namespace {

bool is_sequence(py::handle h) { return PyList_Check(h.ptr()) || PyTuple_Check(h.ptr()); }

py::list sorted_keys(py::handle dict) {
  py::list keys = py::reinterpret_steal<py::list>(PyDict_Keys(dict.ptr()));
  keys.attr("sort")();
  return keys;
}

void collect(py::handle structure, py::list& leaves) {
  const RecursionGuard guard;
  if (PyDict_Check(structure.ptr())) {
    for (py::handle key : sorted_keys(structure)) collect(structure[key], leaves);
  } else if (is_sequence(structure)) {
    for (py::handle item : structure) collect(item, leaves);
  } else {
    leaves.append(structure);
  }
}

py::object rebuild(py::handle structure, const py::list& leaves, std::size_t& next) {
  const RecursionGuard guard;
  const py::type type = py::type::of(structure);
  if (PyDict_Check(structure.ptr())) {
    py::dict packed;
    for (py::handle key : sorted_keys(structure)) packed[key] = rebuild(structure[key], leaves, next);
    py::list items;  // in the order of the structure
    for (py::handle key : structure) items.append(py::make_tuple(key, packed[key]));
    return type(items);
  }
  if (is_sequence(structure)) {
    py::list items;
    for (py::handle item : structure) items.append(rebuild(item, leaves, next));
    if (type.is(py::type::of(items))) return items;
    return py::hasattr(structure, "_fields") ? type(*items) : type(items);  // a named tuple takes its fields apart
  }
  return leaves[next++];
}

}  // namespace

py::list flatten(py::handle structure) {
  py::list leaves;
  collect(structure, leaves);
  return leaves;
}

py::object pack_as(py::handle structure, const py::list& leaves) {
  std::size_t next = 0;
  return rebuild(structure, leaves, next);
}

}  // namespace densegrad::python

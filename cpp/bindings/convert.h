// Python values to Tensors and back. The only place that knows NumPy's dtypes and layouts.
#pragma once

#include <pybind11/gil_safe_call_once.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <initializer_list>
#include <optional>
#include <vector>

#include "core/error.h"
#include "core/tensor.h"
#include "ops/primitive.h"
#include "ops/variable.h"

namespace densegrad::python {

namespace py = pybind11;

// None, "float32", numpy.float32, numpy.dtype("f4"), float, ... Throws TypeError for a dtype that no Tensor has.
std::optional<DType> parse_dtype(py::handle dtype);
py::dtype numpy_dtype(DType dtype);

// While it lives, one level of a walk through nested Python values: RecursionError instead of a full stack.
class RecursionGuard {
 public:
  RecursionGuard() {
    if (Py_EnterRecursiveCall(" in a nested structure")) throw py::error_already_set();
  }
  ~RecursionGuard() { Py_LeaveRecursiveCall(); }
  RecursionGuard(const RecursionGuard&) = delete;
  RecursionGuard& operator=(const RecursionGuard&) = delete;
};

// A tensor of a functional model: without values, and with room for the history that Python keeps of it. It is no operand:
// an operation that meets one throws, and `Traced` has it noted as a step of the model instead.
struct SymbolicTensor : Tensor {
  explicit SymbolicTensor(const Tensor& t) : Tensor(t) {}
};
// A part of a variable that knows its place there: Python keeps that.
struct PlacedTensor : Tensor {
  explicit PlacedTensor(const Tensor& t) : Tensor(t) {}
};
struct SymbolicOperand : TypeError {
  using TypeError::TypeError;
};

// What `Variable.value` gives: the variable itself for derivatives, until it is assigned; from then on a tensor of its own.
class VariableValue : public Tensor {
 public:
  explicit VariableValue(Variable& v);
  // The variable that it was read from; null when that is gone.
  std::shared_ptr<Variable> origin() const { return origin_.lock(); }
  // The same, null too when it has been assigned since.
  std::shared_ptr<Variable> current() const;
  // For an operation: the variable where this is its current value. A function that is recorded hears of a value that came
  // into it from outside: whether that is current may be different at the next call.
  const Tensor& read() const;

 private:
  std::weak_ptr<Variable> origin_;
  const Recorder* trace_;
};

// Asked at every operation, so by comparing type pointers instead of by pybind11's registry. Both are null for other types.
const Tensor* tensor_in(py::handle value);
Variable* variable_in(py::handle value);
const VariableValue* variable_value_in(py::handle value);
// The variable that derivatives see: the argument itself, or the one whose current value it is.
std::shared_ptr<Variable> variable_behind(py::handle value);
inline bool is_tensor(py::handle value) { return tensor_in(value) || variable_in(value); }

// The tensor behind a Tensor or Variable, null for other types; a trainable variable is announced to the open tapes.
// Throws SymbolicOperand for the symbolic tensor of a functional model.
const Tensor* as_tensor(py::handle value);

// The same without the announcement: for what reads no values (shape, dtype, identity).
const Tensor& peek(py::handle value);

// `result`, under an identity of its own if it is the value of `source` itself: of a variable always (a snapshot is not the
// variable), of a tensor where the caller asks for a new one.
Tensor detached(const Tensor& result, py::handle source, bool of_tensor);

// A Tensor passes through (cast if a dtype is asked for); everything else is copied into a new Tensor. Python numbers,
// and lists of them, are float32, int32 or bool.
Tensor convert(py::handle value, std::optional<DType> dtype = {});
// Arguments of one operation: tensors keep their dtype and the others take it; without a tensor the widest wins.
// `floating`: at least float32.
Tensors convert_together(std::initializer_list<py::handle> values, bool floating = false);

py::array to_numpy(const Tensor& t);
// The same through the hook: values of a tensor leave the recorded world, and open tapes note where.
py::array exit_to_numpy(const Tensor& t, const char* kind);

// A Python integer as an index; OverflowError (or E) with the argument's name if it does not fit.
template <class E = std::overflow_error>
index_t parse_index(const char* argument, py::handle value) {
  const auto integer = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
  if (!integer) throw py::error_already_set();
  int overflow = 0;
  const long long v = PyLong_AsLongLongAndOverflow(integer.ptr(), &overflow);
  if (overflow) fail<E>("[", argument, "] ", std::string(py::repr(integer)), " does not fit a 64-bit integer.");
  return v;
}

// The leaves of nested lists, tuples and dicts (in key order), left to right.
py::list flatten(py::handle structure);
// `leaves`, in the order of flatten, in the form of `structure`.
py::object pack_as(py::handle structure, const py::list& leaves);

std::optional<Shape> parse_axes(py::handle axis);
Shape parse_shape(py::handle shape, bool allow_unknown);
// A shape without unknown or inferred axes.
Shape parse_extents(const char* tag, py::handle shape);
py::tuple shape_tuple(const Shape& shape);

// `name` as an index of `names`, or a ValueError that lists them.
int index_of_name(const char* tag, const char* argument, const std::vector<const char*>& names,
                  const std::string& name);

template <class E>
E parse_enum(const char* tag, const char* argument, const std::vector<const char*>& names, const std::string& name) {
  return static_cast<E>(index_of_name(tag, argument, names, name));
}

}  // namespace densegrad::python

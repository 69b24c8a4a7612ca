#include "bindings/convert.h"

#include <cstring>

#include "ops/ops.h"
#include "tape/tape.h"

namespace densegrad::python {

namespace {

[[noreturn]] void no_such_dtype(const py::object& dtype) {
  fail<TypeError>("[dtype] ", std::string(py::str(dtype)),
                  " is not supported: use float32, float64, int32, int64 or bool, or convert the array with astype().");
}

// The dtype under which an array's values are stored here.
DType storage_dtype(const py::dtype& d) {
  const auto size = d.itemsize();
  switch (d.kind()) {
    case 'b': return DType::boolean;
    case 'i': return size <= 4 ? DType::int32 : DType::int64;
    case 'u': return size <= 2 ? DType::int32 : DType::int64;
    case 'f': return size <= 4 ? DType::float32 : DType::float64;
    default: no_such_dtype(d);
  }
}

// What is asked of NumPy, kept for the life of the process: the interpreter may be gone when statics are destroyed.
struct NumPy {
  py::handle ascontiguous, asarray;
  std::array<py::handle, 5> dtypes;
};

const NumPy& numpy() {
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<NumPy> storage;
  return storage
      .call_once_and_store_result([] {
        const py::module_ np = py::module_::import("numpy");
        NumPy n{py::object(np.attr("ascontiguousarray")).release(), py::object(np.attr("asarray")).release(), {}};
        for (std::size_t i = 0; i < n.dtypes.size(); ++i) {
          n.dtypes[i] = py::dtype(dtype_name(static_cast<DType>(i))).release();
        }
        return n;
      })
      .get_stored();
}

// The type of shapes, a subclass of tuple that is written in Python.
py::handle tensor_shape() {
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::handle> storage;
  return storage
      .call_once_and_store_result(
          [] { return py::object(py::module_::import("densegrad._shape").attr("TensorShape")).release(); })
      .get_stored();
}

bool is_numpy_array(py::handle h) { return py::isinstance<py::array>(h); }

// Whether the numbers of a nested list say their own dtype (NumPy scalars, arrays, tensors), as plain Python numbers do
// not.
bool has_dtype(py::handle h) {
  py::object item = py::reinterpret_borrow<py::object>(h);
  while (py::isinstance<py::list>(item) || py::isinstance<py::tuple>(item)) {
    if (py::len(item) == 0) return false;
    item = item[py::int_(0)];
  }
  return py::hasattr(item, "dtype");
}

Tensor from_array(const py::array& array, std::optional<DType> wanted) {
  const DType dtype = wanted ? *wanted : storage_dtype(array.dtype());
  if (wanted) storage_dtype(array.dtype());  // rejects objects, strings, complex numbers
  if (array.dtype().kind() == 'u' && array.dtype().itemsize() == 8 && array.size() > 0 && !is_float(dtype)) {
    const py::object largest = array.attr("max")();
    if (PyObject_RichCompareBool(largest.ptr(), py::int_(INT64_MAX).ptr(), Py_GT) == 1) {
      fail<std::overflow_error>("[constant] the array has the entry ", std::string(py::str(largest)),
                                ": it must fit int64.");
    }
  }
  if (array.ndim() > max_rank) {
    fail("[constant] the array has ", array.ndim(), " axes: at most ", max_rank, " are supported.");
  }
  Shape shape;
  for (py::ssize_t i = 0; i < array.ndim(); ++i) shape.push_back(array.shape(i));
  Tensor t(dtype, shape);
  // One pass for a native C-ordered array; anything else goes through NumPy's own conversion.
  const py::dtype target = numpy_dtype(dtype);
  py::object source = array;
  if (!array.dtype().equal(target) || !(array.flags() & py::array::c_style)) {
    source = numpy().ascontiguous(array, target);
  }
  std::memcpy(t.raw(), py::reinterpret_borrow<py::array>(source).data(),
              static_cast<std::size_t>(t.size() * item_size(dtype)));
  if (dtype == DType::boolean) {  // NumPy takes any byte but 0 for true, C++ only 1
    auto* bytes = static_cast<unsigned char*>(t.raw());
    for (index_t i = 0; i < t.size(); ++i) bytes[i] = bytes[i] != 0;
  }
  return t;
}

double double_of(py::handle value) {
  const double d = PyLong_AsDouble(value.ptr());
  if (d == -1.0 && PyErr_Occurred()) throw py::error_already_set();
  return d;
}

Tensor integer_scalar(DType dtype, py::handle value) {
  const index_t v = parse_index("constant", value);  // exact where a double is not
  if (dtype == DType::int32 && (v < INT32_MIN || v > INT32_MAX)) {
    fail<std::overflow_error>("[constant] ", v, " does not fit int32.");
  }
  Tensor t(dtype, {});
  visit_number(dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    *t.mutable_data<T>() = static_cast<T>(v);
  });
  return t;
}

// What NumPy says of a value that is no array yet.
Tensor from_other(py::handle value, std::optional<DType> dtype) {
  if (py::hasattr(value, "filled") && py::hasattr(value, "mask")) {
    fail<TypeError>("[constant] masked arrays are not supported: pass .filled(...) and the mask as sample weights.");
  }
  py::array array;
  try {
    array = py::reinterpret_borrow<py::array>(numpy().asarray(value));
  } catch (py::error_already_set& e) {
    if (!e.matches(PyExc_ValueError)) throw;
    fail("[constant] the value is no rectangular array: ", std::string(py::str(e.value())), ".");
  }
  if (!dtype && !has_dtype(value)) {
    const DType natural = storage_dtype(array.dtype());
    if (natural == DType::float64) dtype = DType::float32;
    if (natural == DType::int64) {
      const bool fits = array.size() == 0 || (py::cast<index_t>(array.attr("min")()) >= INT32_MIN &&
                                              py::cast<index_t>(array.attr("max")()) <= INT32_MAX);
      dtype = array.size() == 0 ? DType::float32 : fits ? DType::int32 : DType::int64;
    }
    if (array.size() == 0) dtype = DType::float32;
  }
  return from_array(array, dtype);
}

}  // namespace

std::optional<DType> parse_dtype(py::handle dtype) {
  if (dtype.is_none()) return {};
  for (DType known : {DType::float32, DType::float64}) {
    if (dtype.ptr() == numpy_dtype(known).ptr()) return known;
  }
  // Python's own types mean what its numbers become.
  if (dtype.ptr() == reinterpret_cast<PyObject*>(&PyFloat_Type)) return DType::float32;
  if (dtype.ptr() == reinterpret_cast<PyObject*>(&PyLong_Type)) return DType::int32;
  py::dtype d;
  try {
    d = py::dtype::from_args(py::reinterpret_borrow<py::object>(dtype));
  } catch (py::error_already_set& e) {
    no_such_dtype(py::reinterpret_borrow<py::object>(dtype));
  }
  for (DType candidate : {DType::float32, DType::float64, DType::int32, DType::int64, DType::boolean}) {
    if (d.equal(numpy_dtype(candidate))) return candidate;
  }
  no_such_dtype(d);
}

py::dtype numpy_dtype(DType dtype) {
  return py::reinterpret_borrow<py::dtype>(numpy().dtypes[static_cast<std::size_t>(dtype)]);
}

namespace {

// The C++ object in an instance of exactly the class T, or of a Python subclass; null for other types.
template <class T>
T* value_in(py::handle h) {
  static PyTypeObject* const type = reinterpret_cast<PyTypeObject*>(py::type::of<T>().release().ptr());
  if (Py_TYPE(h.ptr()) == type) {
    auto* instance = reinterpret_cast<py::detail::instance*>(h.ptr());
    if (instance->simple_layout) return static_cast<T*>(instance->simple_value_holder[0]);
  } else if (!PyType_IsSubtype(Py_TYPE(h.ptr()), type)) {
    return nullptr;
  }
  return &py::cast<T&>(h);
}

}  // namespace

const Tensor* tensor_in(py::handle value) { return value_in<Tensor>(value); }
Variable* variable_in(py::handle value) { return value_in<Variable>(value); }
const VariableValue* variable_value_in(py::handle value) { return value_in<VariableValue>(value); }

std::shared_ptr<Variable> variable_behind(py::handle value) {
  if (Variable* v = variable_in(value)) return v->shared_from_this();
  const VariableValue* held = variable_value_in(value);
  return held ? held->current() : nullptr;
}

const Tensor* as_tensor(py::handle value) {
  if (const Tensor* t = tensor_in(value)) {
    if (!t->has_storage() && py::isinstance<SymbolicTensor>(value)) {
      fail<SymbolicOperand>(
          "[functional] a symbolic tensor of a functional model has no values here: call layers and operations of "
          "`dg.ops` on it, and define a Layer for anything else.");
    }
    if (const VariableValue* held = variable_value_in(value)) return &held->read();
    return t;
  }
  if (Variable* v = variable_in(value)) return &v->read();
  return nullptr;
}

const Tensor& peek(py::handle value) {
  if (const auto v = variable_behind(value)) return v->value();
  if (const Tensor* t = tensor_in(value)) return *t;
  fail<TypeError>("[tensor] this object was made without its constructor: use dg.constant or dg.Variable.");
}

namespace {

const Recorder* innermost_trace() {
  const Recorder* trace = nullptr;
  for (const Recorder* recorder : recorders())
    if (recorder->complete) trace = recorder;
  return trace;
}

}  // namespace

VariableValue::VariableValue(Variable& v)
    : Tensor(identity(v.read())), origin_(v.weak_from_this()), trace_(innermost_trace()) {}

std::shared_ptr<Variable> VariableValue::current() const {
  auto v = origin_.lock();
  // An assignment moves those who read the memory, this tensor among them, to a copy.
  return v && v->value().storage().get() == storage().get() ? v : nullptr;
}

const Tensor& VariableValue::read() const {
  const auto v = current();
  if (!v) return *this;
  if (trace_ != innermost_trace()) {
    for (Recorder* recorder : recorders())
      recorder->unrepeatable("it uses `value` of a variable that was read outside of it: read it inside");
  }
  return v->read();
}

Tensor detached(const Tensor& result, py::handle source, bool of_tensor) {
  const bool aliases = variable_behind(source) || (of_tensor && tensor_in(source));
  return aliases && result.id() == peek(source).id() ? identity(result) : result;
}

namespace {

bool holds_tensor(py::handle value) {
  if (!PyList_Check(value.ptr()) && !PyTuple_Check(value.ptr())) return is_tensor(value);
  const RecursionGuard guard;
  for (py::handle item : value)
    if (holds_tensor(item)) return true;
  return false;
}

// A list with tensors in it as one tensor, recorded like any operation.
Tensor stacked(py::handle value, std::optional<DType> dtype) {
  std::vector<Tensor> parts;
  for (py::handle item : value) {
    if (!dtype && holds_tensor(item)) dtype = convert(item).dtype();
  }
  for (py::handle item : value) {
    const Tensor t = convert(item, dtype);
    Shape shape{1};
    for (index_t d : t.shape()) shape.push_back(d);
    parts.push_back(reshape(t, shape));
  }
  return concatenate(parts, 0);
}

}  // namespace

Tensor convert(py::handle value, std::optional<DType> dtype) {
  if (const Tensor* t = as_tensor(value)) return dtype ? cast(*t, *dtype) : *t;
  if (PyFloat_CheckExact(value.ptr()) && dtype && (*dtype == DType::int32 || *dtype == DType::int64)) {
    return cast(Tensor::scalar(DType::float64, PyFloat_AS_DOUBLE(value.ptr())), *dtype);  // defined for every value
  }
  if (PyFloat_CheckExact(value.ptr())) {
    return Tensor::scalar(dtype.value_or(DType::float32), PyFloat_AS_DOUBLE(value.ptr()));
  }
  if (PyBool_Check(value.ptr())) return Tensor::scalar(dtype.value_or(DType::boolean), value.ptr() == Py_True);
  if (PyLong_CheckExact(value.ptr()) && dtype && *dtype != DType::boolean) {
    return is_float(*dtype) ? Tensor::scalar(*dtype, double_of(value)) : integer_scalar(*dtype, value);
  }
  if (PyLong_CheckExact(value.ptr()) && !dtype) {
    const index_t v = parse_index("constant", value);
    return integer_scalar(v >= INT32_MIN && v <= INT32_MAX ? DType::int32 : DType::int64, value);
  }
  if (is_numpy_array(value) && !py::hasattr(value, "mask")) {
    return from_array(py::reinterpret_borrow<py::array>(value), dtype);
  }
  if (holds_tensor(value)) return stacked(value, dtype);
  if (value.is_none()) fail<TypeError>("[constant] got None where a tensor or an array is needed.");
  return from_other(value, dtype);
}

Tensors convert_together(std::initializer_list<py::handle> values, bool floating) {
  SmallVector<const Tensor*, 4> tensors;
  std::optional<DType> like;
  for (py::handle value : values) {
    tensors.push_back(as_tensor(value));
    if (tensors.back() && !like) like = tensors.back()->dtype();
  }
  Tensors out;
  if (like) {
    std::size_t i = 0;
    for (py::handle value : values) {
      if (tensors[i]) {
        out.push_back(*tensors[i]);
      } else if (is_float(*like) || PyLong_Check(value.ptr())) {
        out.push_back(convert(value, like));
      } else {
        // A float does not become an integer in silence: the operation will say that the dtypes differ.
        const Tensor natural = convert(value);
        out.push_back(is_float(natural.dtype()) ? natural : cast(natural, *like));
      }
      ++i;
    }
    return out;
  }
  DType widest = floating ? DType::float32 : DType::boolean;
  bool any_array = false;
  for (py::handle value : values) {
    out.push_back(convert(value));
    const bool number = PyFloat_CheckExact(value.ptr()) || PyLong_CheckExact(value.ptr());
    any_array = any_array || !number;
    // A Python number adapts to an array: only its kind (float or not) counts.
    DType d = out.back().dtype();
    if (number && d == DType::int64) d = DType::int32;
    if (d > widest) widest = d;
  }
  for (Tensor& t : out) t = cast(t, widest);
  return out;
}

py::array to_numpy(const Tensor& t) {
  const void* data = t.raw();
  py::array array(numpy_dtype(t.dtype()), std::vector<py::ssize_t>(t.shape().begin(), t.shape().end()));
  std::memcpy(array.mutable_data(), data, static_cast<std::size_t>(t.size() * item_size(t.dtype())));
  return array;
}

py::array exit_to_numpy(const Tensor& t, const char* kind) {
  for (Recorder* recorder : recorders()) {
    if (recorder->tracks({t})) recorder->cut(kind, {t}, {});
  }
  return to_numpy(t);
}

std::optional<Shape> parse_axes(py::handle axis) {
  if (axis.is_none()) return {};
  if (PyLong_Check(axis.ptr()) || PyIndex_Check(axis.ptr())) return Shape{parse_index("axis", axis)};
  Shape axes;
  if (!py::isinstance<py::sequence>(axis) || PyUnicode_Check(axis.ptr())) {
    fail<TypeError>("[axis] `axis` is ", std::string(py::repr(axis)),
                    ": it must be an integer, a tuple of them or None.");
  }
  for (py::handle a : py::reinterpret_borrow<py::object>(axis)) axes.push_back(parse_index("axis", a));
  return axes;
}

Shape parse_shape(py::handle shape, bool allow_unknown) {
  Shape s;
  const bool tensor_of_extents = is_tensor(shape) && peek(shape).rank() == 1;
  if (PyIndex_Check(shape.ptr()) && !tensor_of_extents) return Shape{parse_index("shape", shape)};
  if (!py::isinstance<py::sequence>(shape) || PyUnicode_Check(shape.ptr())) {
    fail<TypeError>("[shape] ", std::string(py::repr(shape)), " must be an integer or a sequence of integers.");
  }
  for (py::handle d : py::reinterpret_borrow<py::object>(shape)) {
    if (d.is_none() && allow_unknown) {
      s.push_back(unknown);
    } else if (PyIndex_Check(d.ptr())) {
      s.push_back(parse_index("shape", d));
    } else {
      fail<TypeError>("[shape] ", std::string(py::str(py::reinterpret_borrow<py::object>(shape))),
                      " must be a sequence of integers.");
    }
  }
  return s;
}

Shape parse_extents(const char* tag, py::handle shape) {
  const Shape s = parse_shape(shape, false);
  for (int i = 0; i < s.rank(); ++i)
    if (s[i] < 0) fail("[", tag, "] `shape` has the entry ", s[i], " on axis ", i, ": no entry may be negative.");
  return s;
}

py::tuple shape_tuple(const Shape& shape) {
  // Allocated as the subclass at once: its constructor would take a tuple to copy.
  auto* type = reinterpret_cast<PyTypeObject*>(tensor_shape().ptr());
  const auto t = py::reinterpret_steal<py::tuple>(type->tp_alloc(type, shape.rank()));
  if (!t) throw py::error_already_set();
  for (int i = 0; i < shape.rank(); ++i) {
    py::object extent = shape[i] == unknown ? py::object(py::none()) : py::object(py::int_(shape[i]));
    PyTuple_SET_ITEM(t.ptr(), i, extent.release().ptr());
  }
  return t;
}

int index_of_name(const char* tag, const char* argument, const std::vector<const char*>& names,
                  const std::string& name) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (name == names[i]) return static_cast<int>(i);
  std::string known;
  for (const char* n : names) known += (known.empty() ? "" : ", ") + std::string(n);
  fail("[", tag, "] `", argument, "` is '", name, "': it must be one of ", known, ".");
}

}  // namespace densegrad::python

// Random tensors: a seed, and which draw from it.
#include <cstdint>
#include <stdexcept>

#include "bindings/convert.h"
#include "bindings/register.h"
#include "ops/ops.h"

namespace densegrad::python {

namespace {

// An integer with the number of the draw, or both in a tensor or array.
Tensor seed_of(py::handle seed, index_t draw) {
  if (is_tensor(seed) || (py::isinstance<py::array>(seed) && py::len(seed) > 0)) return convert(seed);
  Tensor pair(DType::int64, {2});
  pair.mutable_data<index_t>()[0] = parse_index("seed", seed);
  pair.mutable_data<index_t>()[1] = draw;
  return pair;
}

void define(py::module_& m, const char* name, const char* first, const char* second, Distribution distribution) {
  m.def(
      name,
      [name, distribution](py::handle shape, double a, double b, py::handle seed, const py::object& dtype,
                           index_t draw) {
        const DType d = parse_dtype(dtype).value_or(DType::float32);
        if (!is_float(d)) fail<TypeError>("[", name, "] `dtype` is ", d, ": it must be float32 or float64.");
        return random(seed_of(seed, draw), {distribution, parse_extents(name, shape), d, a, b});
      },
      py::arg("shape"), py::arg(first), py::arg(second), py::arg("seed"), py::arg("dtype") = "float32",
      py::arg("draw") = 0);
}

}  // namespace

void register_random(py::module_& m) {
  define(m, "random_uniform", "minval", "maxval", Distribution::uniform);
  define(m, "random_normal", "mean", "stddev", Distribution::normal);
  define(m, "random_truncated_normal", "mean", "stddev", Distribution::truncated_normal);
  m.def(
      "random_integers",
      [](py::handle shape, std::int64_t lo, std::int64_t hi, py::handle seed, const py::object& dtype, index_t draw) {
        const DType d = parse_dtype(dtype).value_or(DType::int32);
        if (d != DType::int32 && d != DType::int64)
          fail<TypeError>("[random_integers] `dtype` is ", d, ": it must be int32 or int64.");
        if (d == DType::int32 && (lo < INT32_MIN || hi - 1 > INT32_MAX))
          fail<std::overflow_error>("[random_integers] [", lo, ", ", hi, ") does not fit int32.");
        if (hi <= lo) fail("[random_integers] `maxval` is ", hi, " and `minval` is ", lo, ": it must be larger.");
        const Shape extents = parse_extents("random_integers", shape);
        return random(seed_of(seed, draw), {Distribution::integers, extents, d, 0, 0, lo, hi});
      },
      py::arg("shape"), py::arg("minval"), py::arg("maxval"), py::arg("seed"), py::arg("dtype") = "int32",
      py::arg("draw") = 0);
}

}  // namespace densegrad::python

// Random tensors: a seed, and which draw from it.
#include <cstdint>
#include <stdexcept>

#include "bindings/convert.h"
#include "bindings/register.h"
#include "ops/ops.h"

namespace densegrad::python {

namespace {

using Draw = Tensor (*)(const Philox&, const Shape&, double, double, DType);

void define(py::module_& m, const char* name, const char* first, const char* second, Draw draw_numbers) {
  m.def(
      name,
      [name, draw_numbers](py::handle shape, double a, double b, std::uint64_t seed, const py::object& dtype,
                           std::uint64_t draw) {
        const DType d = parse_dtype(dtype).value_or(DType::float32);
        if (!is_float(d)) fail<TypeError>("[", name, "] `dtype` is ", d, ": it must be float32 or float64.");
        return draw_numbers(Philox(seed, draw), parse_extents(name, shape), a, b, d);
      },
      py::arg("shape"), py::arg(first), py::arg(second), py::arg("seed"), py::arg("dtype") = "float32",
      py::arg("draw") = 0);
}

}  // namespace

void register_random(py::module_& m) {
  define(m, "random_uniform", "minval", "maxval", random_uniform);
  define(m, "random_normal", "mean", "stddev", random_normal);
  define(m, "random_truncated_normal", "mean", "stddev", random_truncated_normal);
  m.def(
      "random_integers",
      [](py::handle shape, std::int64_t lo, std::int64_t hi, std::uint64_t seed, const py::object& dtype,
         std::uint64_t draw) {
        const DType d = parse_dtype(dtype).value_or(DType::int32);
        if (d != DType::int32 && d != DType::int64)
          fail<TypeError>("[random_integers] `dtype` is ", d, ": it must be int32 or int64.");
        if (d == DType::int32 && (lo < INT32_MIN || hi - 1 > INT32_MAX))
          fail<std::overflow_error>("[random_integers] [", lo, ", ", hi, ") does not fit int32.");
        if (hi <= lo) fail("[random_integers] `maxval` is ", hi, " and `minval` is ", lo, ": it must be larger.");
        return random_integers(Philox(seed, draw), parse_extents("random_integers", shape), lo, hi, d);
      },
      py::arg("shape"), py::arg("minval"), py::arg("maxval"), py::arg("seed"), py::arg("dtype") = "int32",
      py::arg("draw") = 0);
}

}  // namespace densegrad::python

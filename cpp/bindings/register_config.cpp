// What was built, and what this machine chose.
#include <pybind11/stl.h>

#include "bindings/register.h"
#include "core/pool.h"
#include "kernels/dispatch.h"
#include "kernels/gemm.h"
#include "kernels/table.h"

namespace densegrad::python {

namespace py = pybind11;

void register_config(py::module_& m) {
  m.def("isa", [] { return kernels().isa; });
  m.def("available_isas", [] {
    std::vector<std::string> names;
    for (const char* name : available_isas()) names.push_back(name);
    return names;
  });
  m.def("num_threads", &num_threads);
  m.def("set_num_threads", &set_num_threads, py::arg("n"));
  m.def("set_blas_path", &set_blas_path, py::arg("path"));
  m.def("blas_config", [] {
    const BlasInfo info = blas_info();
    py::dict d;
    d["provider"] = info.provider;
    d["path"] = info.path;
    d["config"] = info.config;
    d["corename"] = info.corename;
    d["loaded"] = info.loaded;
    return d;
  });
  m.def("build_config", [] {
    py::dict d;
    d["version"] = DENSEGRAD_VERSION;
    d["compiler"] = DENSEGRAD_COMPILER;
    d["build_type"] = DENSEGRAD_BUILD_TYPE;
    d["flags"] = DENSEGRAD_FLAGS;
    d["pybind11"] = PYBIND11_TOSTRING(PYBIND11_VERSION_MAJOR) "." PYBIND11_TOSTRING(PYBIND11_VERSION_MINOR);
    return d;
  });
}

}  // namespace densegrad::python

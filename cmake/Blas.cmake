# Defines the target densegrad_blas, and for the vendored OpenBLAS the paths DENSEGRAD_OPENBLAS (the library, opened at
# run time, never linked) and DENSEGRAD_OPENBLAS_LICENSE.
add_library(densegrad_blas INTERFACE)

if(DENSEGRAD_BLAS STREQUAL "system")
  set(BLA_SIZEOF_INTEGER 4)
  find_package(BLAS REQUIRED)
  target_link_libraries(densegrad_blas INTERFACE BLAS::BLAS)
  target_compile_definitions(densegrad_blas INTERFACE DENSEGRAD_SYSTEM_BLAS)
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_LIBRARIES BLAS::BLAS)
  check_cxx_source_compiles("extern \"C\" void cblas_sgemm(); int main() { cblas_sgemm(); }" DENSEGRAD_BLAS_HAS_CBLAS)
  unset(CMAKE_REQUIRED_LIBRARIES)
  if(NOT DENSEGRAD_BLAS_HAS_CBLAS)
    message(FATAL_ERROR "${BLAS_LIBRARIES} has no CBLAS interface: choose another library with -DBLA_VENDOR=...")
  endif()
elseif(DENSEGRAD_BLAS STREQUAL "vendored")
  find_package(Python 3.11 REQUIRED COMPONENTS Interpreter)
  # Importing the package would load the library into the whole process: only ask where it is.
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -c [[
from importlib.metadata import distribution
files = {file.name: file.locate() for file in distribution("scipy-openblas32").files}
library = next(path for name, path in files.items() if name.startswith("libscipy_openblas"))
print(library, files["LICENSE.txt"], sep=";", end="")
]]
    OUTPUT_VARIABLE found RESULT_VARIABLE failed ERROR_VARIABLE reason)
  if(failed)
    message(FATAL_ERROR "`${Python_EXECUTABLE}` has no scipy-openblas32 (pip install scipy-openblas32), and "
                        "-DDENSEGRAD_BLAS=system was not given:\n${reason}")
  endif()
  list(GET found 0 DENSEGRAD_OPENBLAS)
  list(GET found 1 DENSEGRAD_OPENBLAS_LICENSE)
  message(STATUS "OpenBLAS to vendor: ${DENSEGRAD_OPENBLAS}")
else()
  message(FATAL_ERROR "DENSEGRAD_BLAS is `${DENSEGRAD_BLAS}`: it must be `vendored` or `system`.")
endif()

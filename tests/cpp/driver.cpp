// Runs the core without Python: densegrad_driver [SEED]. Exits with 1 and one line that names the check on a failure.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "check.h"
#include "kernels/dispatch.h"
#include "kernels/gemm.h"

namespace densegrad::driver {
namespace {

struct Suite {
  const char* name;
  void (*run)(Rng&);
};

int run_all(std::uint64_t seed) {
  const Suite suites[] = {{"primitives", test_primitives},
                          {"networks", test_networks},
                          {"state", test_state},
                          {"errors", test_errors},
                          {"memory and threads", test_memory_and_threads},
                          {"pool", test_pool},
                          {"products", test_products},
                          {"registers", test_registers},
                          {"programs", test_programs}};
  std::printf("seed %llu, %s\n", static_cast<unsigned long long>(seed), kernels().isa);
  const auto seconds = [start = std::chrono::steady_clock::now()] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  for (const Suite& suite : suites) {
    const long long before = checks;
    Rng rng(seed);  // each suite starts anew: what one draws does not depend on another
    try {
      suite.run(rng);
      require(recorders().empty(), "a recorder is still open");
    } catch (const std::exception& e) {
      std::fflush(stdout);
      std::fprintf(stderr, "FAILED [%s] %s (seed %llu)\n", suite.name, e.what(), static_cast<unsigned long long>(seed));
      return 1;
    }
    std::printf("%-20s %9lld checks, %6.2f s\n", suite.name, checks - before, seconds());
    std::fflush(stdout);
  }
  std::printf("passed: %lld checks of %zu primitives in %.1f s, seed %llu\n", checks, all_primitives().size(),
              seconds(), static_cast<unsigned long long>(seed));
  return 0;
}

}  // namespace
}  // namespace densegrad::driver

int main(int argc, char** argv) {
  char* end = nullptr;
  const std::uint64_t seed = argc > 1 ? std::strtoull(argv[1], &end, 10) : 20260101;
  if (argc > 2 || (end && *end != '\0')) {
    std::fprintf(stderr, "usage: densegrad_driver [SEED]\n");
    return 2;
  }
  if (DENSEGRAD_BLAS_PATH[0] != '\0') densegrad::set_blas_path(DENSEGRAD_BLAS_PATH);
  return densegrad::driver::run_all(seed);
}

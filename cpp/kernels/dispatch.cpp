// Compiled for the baseline: this code runs before anything is known about the machine.
#include "kernels/dispatch.h"

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

namespace densegrad {

// One per object compiled from kernels.cpp.
const KernelTable& kernel_table_x86_64();
const KernelTable& kernel_table_x86_64_v3();
const KernelTable& kernel_table_x86_64_v4();
const KernelTable& kernel_table_arm64();

namespace {

struct Variant {
  const char* isa;
  const KernelTable& (*table)();
  bool (*supported)();
};

bool always() { return true; }

// The features of a psABI level that AVX does not imply; libgcc reports AVX only if the system saves its registers.
#if defined(DENSEGRAD_HAVE_X86_64_V3) || defined(DENSEGRAD_HAVE_X86_64_V4)
bool has_v3() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("f16c") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("lzcnt") && __builtin_cpu_supports("movbe") && __builtin_cpu_supports("popcnt");
}
#endif
#if defined(DENSEGRAD_HAVE_X86_64_V4)
bool has_v4() {
  return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

// The most capable last.
constexpr Variant variants[] = {
#if defined(__aarch64__) || defined(_M_ARM64)
    {"arm64", kernel_table_arm64, always},
#else
    {"x86_64", kernel_table_x86_64, always},
#endif
#if defined(DENSEGRAD_HAVE_X86_64_V3)
    {"x86_64_v3", kernel_table_x86_64_v3, has_v3},
#endif
#if defined(DENSEGRAD_HAVE_X86_64_V4)
    {"x86_64_v4", kernel_table_x86_64_v4, has_v4},
#endif
};

const KernelTable& choose() {
  const char* forced = std::getenv("DENSEGRAD_ISA");
  return kernels_named(forced != nullptr && *forced != '\0' ? forced : available_isas().back());
}

}  // namespace

std::vector<const char*> available_isas() {
  std::vector<const char*> isas;
  for (const Variant& variant : variants) {
    if (variant.supported()) isas.push_back(variant.isa);
  }
  return isas;
}

const KernelTable& kernels_named(const char* isa) {
  std::string choices;
  for (const Variant& variant : variants) {
    if (!variant.supported()) continue;
    if (std::strcmp(variant.isa, isa) == 0) return variant.table();
    choices += (choices.empty() ? "" : ", ") + std::string(variant.isa);
  }
  throw std::invalid_argument("[isa] DENSEGRAD_ISA is '" + std::string(isa) + "' but this machine supports " + choices +
                              ": choose one of these.");
}

const KernelTable& kernels() {
  static const KernelTable& chosen = choose();
  return chosen;
}

}  // namespace densegrad

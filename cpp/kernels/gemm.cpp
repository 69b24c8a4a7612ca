#include "kernels/gemm.h"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

// CBLAS' enumerations are plain ints in every implementation; the values are part of its standard.
namespace {
constexpr int row_major = 101, no_trans = 111, trans = 112;
}

#ifdef DENSEGRAD_SYSTEM_BLAS
extern "C" {
void cblas_sgemm(int order, int a_op, int b_op, int m, int n, int k, float alpha, const float* a, int lda,
                 const float* b, int ldb, float beta, float* c, int ldc);
void cblas_dgemm(int order, int a_op, int b_op, int m, int n, int k, double alpha, const double* a, int lda,
                 const double* b, int ldb, double beta, double* c, int ldc);
#ifndef __APPLE__  // whichever of these the chosen library has
[[gnu::weak]] void openblas_set_num_threads(int);
[[gnu::weak]] char* openblas_get_config();
[[gnu::weak]] char* openblas_get_corename();
[[gnu::weak]] void MKL_Set_Num_Threads(int);
[[gnu::weak]] void bli_thread_set_num_threads(std::int64_t);
#endif
}
#endif

namespace densegrad {
namespace {

template <class T>
using Gemm = void (*)(int, int, int, int, int, int, T, const T*, int, const T*, int, T, T*, int);

struct Blas {
  Gemm<float> sgemm;
  Gemm<double> dgemm;
  std::string config, corename;
};

#ifdef DENSEGRAD_SYSTEM_BLAS

constexpr bool vendored = false;

Blas open_blas(const std::string&) {
  Blas blas{cblas_sgemm, cblas_dgemm, {}, {}};
#ifndef __APPLE__
  // One thread per call, or the order of sums would depend on the machine.
  if (openblas_set_num_threads) openblas_set_num_threads(1);
  if (MKL_Set_Num_Threads) MKL_Set_Num_Threads(1);
  if (bli_thread_set_num_threads) bli_thread_set_num_threads(1);
  if (openblas_get_config) blas.config = openblas_get_config();
  if (openblas_get_corename) blas.corename = openblas_get_corename();
#endif
  return blas;
}

std::string default_path() {
  Dl_info info;
  return dladdr(reinterpret_cast<void*>(&cblas_sgemm), &info) && info.dli_fname ? info.dli_fname : "";
}

#else

constexpr bool vendored = true;

// Sets an environment variable and puts back what was there.
class ScopedEnv {
 public:
  ScopedEnv(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    setenv(name, value, 1);
  }
  ~ScopedEnv() {
    if (old_) {
      setenv(name_, old_->c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }
  ScopedEnv(const ScopedEnv&) = delete;
  ScopedEnv& operator=(const ScopedEnv&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

[[noreturn]] void fail(const std::string& path, const std::string& reason) {
  throw std::runtime_error("[blas] cannot open OpenBLAS at `" + path + "`: " + reason +
                           ". Reinstall densegrad, or build it with -DDENSEGRAD_BLAS=system to use another BLAS.");
}

std::string last_dl_error() {
  const char* text = dlerror();
  return text ? text : "unknown error";
}

template <class F>
F symbol(void* library, const std::string& path, const char* name) {
  void* address = dlsym(library, name);
  if (!address) fail(path, last_dl_error());
  return reinterpret_cast<F>(address);
}

Blas open_blas(const std::string& path) {
  if (path.empty()) fail(path, "no path was given");
  void* library = nullptr;
  {
    // OpenBLAS starts its threads in a library constructor, which takes their number from here. It looks at
    // OPENBLAS_NUM_THREADS before GOTO_NUM_THREADS and OMP_NUM_THREADS, so those need not be touched.
    ScopedEnv one_thread("OPENBLAS_NUM_THREADS", "1");
    // By absolute path and locally: other copies in the process (NumPy's, SciPy's) neither see this one nor are used.
    library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  }
  if (!library) fail(path, last_dl_error());
  try {
    symbol<void (*)(int)>(library, path, "scipy_openblas_set_num_threads")(1);
    return {symbol<Gemm<float>>(library, path, "scipy_cblas_sgemm"),
            symbol<Gemm<double>>(library, path, "scipy_cblas_dgemm"),
            symbol<char* (*)()>(library, path, "scipy_openblas_get_config")(),
            symbol<char* (*)()>(library, path, "scipy_openblas_get_corename")()};
  } catch (...) {
    dlclose(library);
    throw;
  }
}

std::string default_path() { return {}; }

#endif

std::mutex blas_mutex;  // guards the path and the opening
std::string& blas_path() {
  static std::string path = default_path();
  return path;
}

// Null until opened; never reset. Not std::call_once: a failed attempt must be repeatable on every platform, and the
// hot path should be one load.
std::atomic<const Blas*> opened_blas{nullptr};

const Blas& blas() {
  if (const Blas* blas = opened_blas.load(std::memory_order_acquire)) return *blas;
  const std::lock_guard lock(blas_mutex);
  if (const Blas* blas = opened_blas.load(std::memory_order_relaxed)) return *blas;
  static std::optional<Blas> storage;
  storage = open_blas(blas_path());
  opened_blas.store(&*storage, std::memory_order_release);
  return *storage;
}

int blas_int(const char* name, index_t size) {
  if (size > std::numeric_limits<int>::max()) {
    throw std::overflow_error(std::string("[product] `") + name + "` is " + std::to_string(size) +
                              " but a BLAS takes sizes up to 2147483647: split the array.");
  }
  return static_cast<int>(size);
}

}  // namespace

template <class T>
void gemm(Transpose a_op, Transpose b_op, index_t m, index_t n, index_t k, const T* a, index_t lda, const T* b,
          index_t ldb, T beta, T* c, index_t ldc) {
  if (m == 0 || n == 0) return;
  if (k == 0) {  // op(A)·op(B) is zero; a BLAS may want lda >= 1 or return before it has cleared C
    for (index_t i = 0; i < m; ++i) {
      for (index_t j = 0; j < n; ++j) c[i * ldc + j] = beta == T(0) ? T(0) : beta * c[i * ldc + j];
    }
    return;
  }
  const bool a_trans = a_op == Transpose::yes, b_trans = b_op == Transpose::yes;
  if (beta == T(0) && kernels_for<T>().product({m, n, k, a, a_trans ? 1 : lda, a_trans ? lda : 1, b, b_trans ? 1 : ldb,
                                                b_trans ? ldb : 1, c, ldc, nullptr})) {
    return;
  }
  const int im = blas_int("m", m), in = blas_int("n", n), ik = blas_int("k", k);
  const int ilda = blas_int("lda", lda), ildb = blas_int("ldb", ldb), ildc = blas_int("ldc", ldc);
  const int ta = a_trans ? trans : no_trans, tb = b_trans ? trans : no_trans;
  if constexpr (std::is_same_v<T, float>) {
    blas().sgemm(row_major, ta, tb, im, in, ik, 1.0f, a, ilda, b, ildb, beta, c, ildc);
  } else {
    blas().dgemm(row_major, ta, tb, im, in, ik, 1.0, a, ilda, b, ildb, beta, c, ildc);
  }
}

void open_blas() { blas(); }

template void gemm(Transpose, Transpose, index_t, index_t, index_t, const float*, index_t, const float*, index_t, float,
                   float*, index_t);
template void gemm(Transpose, Transpose, index_t, index_t, index_t, const double*, index_t, const double*, index_t,
                   double, double*, index_t);

void set_blas_path(std::string path) {
  const std::lock_guard lock(blas_mutex);
  if (vendored && !opened_blas.load(std::memory_order_relaxed)) blas_path() = std::move(path);
}

BlasInfo blas_info() {
  const std::lock_guard lock(blas_mutex);
  const Blas* blas = opened_blas.load(std::memory_order_relaxed);
  return {vendored ? "vendored" : "system", blas_path(), blas ? blas->config : "", blas ? blas->corename : "",
          blas != nullptr};
}

}  // namespace densegrad

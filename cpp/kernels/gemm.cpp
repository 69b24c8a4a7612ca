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

#include "core/pool.h"

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

index_t ceil_div(index_t a, index_t b) { return (a + b - 1) / b; }

// OpenBLAS multiplies without packing up to this many multiply-adds (on AVX-512, unless B is transposed), which is up to
// 1.5 times as fast.
constexpr index_t small_product = 1'000'000;

// Fewer rows or terms per call than this waste the calls themselves.
constexpr index_t least_lines = 64;

// The longest sum over the batch. Longer gains nothing: reading and writing C once per block is lost in the products.
constexpr index_t most_block = 1024;

// With B transposed, OpenBLAS needs up to 2.5 times as long for a small product as for a copy of B and the product with
// that, unless the product has but a few rows.
constexpr index_t most_copied = 64 * 64, least_rows_for_copy = 8;

}  // namespace

constexpr index_t tile = 16;  // the largest of a BLAS kernel

index_t Panels::begin(index_t number) const {
  return std::min(length, ceil_div(ceil_div(length, tile) * number, count) * tile);
}

Panels panels(Transpose b_op, index_t m, index_t n, index_t k) {
  // Cutting one side packs the other operand once more per panel, so the longer side is cut, and in lengths that keep
  // this to some 5 % of the time (256 lines: 10 %, worth it where there would be fewer than four panels to share). Their
  // number is even, for two or four threads; a product of some 100 us makes two.
  const index_t longer = std::max(m, n), lines = longer >= 4 * 512 ? 512 : 256;
  const index_t work_per_line = std::max<index_t>(1, std::min(m, n)) * std::max<index_t>(1, k);
  const bool small = b_op == Transpose::no && work_per_line <= small_product / least_lines;
  index_t count = 1;
  if (small) {
    count = ceil_div(longer, small_product / work_per_line / tile * tile);
  } else if (longer >= 2 * lines) {
    count = ceil_div(longer / lines, 2) * 2;
  } else if (longer >= 2 * least_lines && longer >= 8 * small_product / work_per_line) {
    count = 2;
  }
  return {n > m, longer, count};
}

index_t sum_block(index_t m, index_t n) {
  index_t block = most_block;
  while (block >= least_lines && m * n > small_product / block) block /= 2;
  return block >= least_lines ? block : most_block;
}

index_t products_per_task(index_t m, index_t n, index_t k) {
  const double work = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  return std::max<index_t>(1, static_cast<index_t>(static_cast<double>(small_product) / std::max(work, 1.0)));
}

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
  const bool a_trans = a_op == Transpose::yes;
  if (b_op == Transpose::no && beta == T(0) &&
      kernels_for<T>().product({m, n, k, a, a_trans ? 1 : lda, a_trans ? lda : 1, b, ldb, c, ldc, nullptr})) {
    return;
  }
  const int im = blas_int("m", m), in = blas_int("n", n), ik = blas_int("k", k);
  const int ilda = blas_int("lda", lda), ildb = blas_int("ldb", ldb), ildc = blas_int("ldc", ldc);
  const int ta = a_trans ? trans : no_trans, tb = b_op == Transpose::yes ? trans : no_trans;
  if constexpr (std::is_same_v<T, float>) {
    blas().sgemm(row_major, ta, tb, im, in, ik, 1.0f, a, ilda, b, ildb, beta, c, ildc);
  } else {
    blas().dgemm(row_major, ta, tb, im, in, ik, 1.0, a, ilda, b, ildb, beta, c, ildc);
  }
}

template <class T>
void product(Transpose a_op, Transpose b_op, index_t m, index_t n, index_t k, const T* a, index_t lda, const T* b,
             index_t ldb, T* c, index_t ldc) {
  if (m == 0 || n == 0) return;
  if (b_op == Transpose::yes && m >= least_rows_for_copy && n * k <= most_copied) {
    alignas(64) T copy[most_copied];
    kernels_for<T>().transpose(n, k, b, ldb, copy);
    return product(a_op, Transpose::no, m, n, k, a, lda, copy, n, c, ldc);
  }
  // One panel and one block, whatever the rules below are.
  if (m <= least_lines && n <= least_lines && k <= least_lines) {
    return gemm(a_op, b_op, m, n, k, a, lda, b, ldb, T(0), c, ldc);
  }
  const bool a_trans = a_op == Transpose::yes, b_trans = b_op == Transpose::yes;
  const index_t block = a_trans ? std::min(k, sum_block(m, n)) : k;
  const Panels cut = panels(b_op, m, n, block);
  // One panel of C with all of its sum, so that sums keep their order and need no scratch.
  const auto panel = [&](index_t number) {
    const index_t begin = cut.begin(number), lines = cut.begin(number + 1) - begin;
    const index_t i = cut.by_columns ? 0 : begin, j = cut.by_columns ? begin : 0;
    const index_t rows = cut.by_columns ? m : lines, cols = cut.by_columns ? lines : n;
    index_t p = 0;
    do {  // at least once: k == 0 clears C
      gemm(a_op, b_op, rows, cols, std::min(block, k - p), a + (a_trans ? p * lda + i : i * lda + p), lda,
           b + (b_trans ? j * ldb + p : p * ldb + j), ldb, p == 0 ? T(0) : T(1), c + i * ldc + j, ldc);
      p += block;
    } while (p < k);
  };
  if (cut.count > 1 && products_per_task(m, n, k) == 1) {
    blas();  // opened by the caller: the pool's threads only compute
    parallel_for(cut.count, panel);
  } else {
    for (index_t number = 0; number < cut.count; ++number) panel(number);
  }
}

template <class T>
void product_plus_bias(index_t m, index_t n, index_t k, const T* a, const T* b, const T* bias, T* c) {
  if (products_per_task(m, n, k) > 1 && kernels_for<T>().product({m, n, k, a, k, 1, b, n, c, n, bias})) return;
  product(Transpose::no, Transpose::no, m, n, k, a, k, b, n, c, n);
  if (bias) kernels_for<T>().bias_add(m, n, bias, c);
}

template void product_plus_bias(index_t, index_t, index_t, const float*, const float*, const float*, float*);
template void product_plus_bias(index_t, index_t, index_t, const double*, const double*, const double*, double*);
template void gemm(Transpose, Transpose, index_t, index_t, index_t, const float*, index_t, const float*, index_t, float,
                   float*, index_t);
template void gemm(Transpose, Transpose, index_t, index_t, index_t, const double*, index_t, const double*, index_t,
                   double, double*, index_t);
template void product(Transpose, Transpose, index_t, index_t, index_t, const float*, index_t, const float*, index_t,
                      float*, index_t);
template void product(Transpose, Transpose, index_t, index_t, index_t, const double*, index_t, const double*, index_t,
                      double*, index_t);

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

// Matrix products, on a CBLAS and on our own kernels. All matrices are row-major; `lda` is the distance between rows of A
// as it is stored. Nothing here allocates, once a thread has its workspace. Outputs may not overlap inputs.
#pragma once

#include <string>

#include "kernels/table.h"

namespace densegrad {

enum class Transpose { no, yes };

// C = op(A)·op(B) + beta·C        op(A) (m, k)   op(B) (k, n)   C (m, n)
// One call of the BLAS or of the kernel for small products, on the calling thread. C is not read if beta is 0, so it may be uninitialised.
// Throws std::overflow_error if a size or row distance does not fit the BLAS' 32-bit integers, and std::runtime_error
// if the BLAS cannot be opened.
template <class T>
void gemm(Transpose a_op, Transpose b_op, index_t m, index_t n, index_t k, const T* a, index_t lda, const T* b,
          index_t ldb, T beta, T* c, index_t ldc);

// C = op(A)·op(B): the product that primitives use, by the kernel that is the fastest for the shape, and on the threads of
// the pool where it takes more than some 20 us. Throws as gemm, and std::bad_alloc.
template <class T>
void product(Transpose a_op, Transpose b_op, index_t m, index_t n, index_t k, const T* a, index_t lda, const T* b,
             index_t ldb, T* c, index_t ldc);

// C = A·B + bias, all contiguous; bias (n,) or null. The bits of `product` and an addition.
template <class T>
void product_plus_bias(index_t m, index_t n, index_t k, const T* a, const T* b, const T* bias, T* c);

// How many products of this shape a thread should be given at once; 1 from some 20 us per product.
index_t products_per_task(index_t m, index_t n, index_t k);

// Where the vendored OpenBLAS is. It is opened at the first product that is for it; calls after that, and in a build with a system BLAS,
// have no effect.
void set_blas_path(std::string path);

struct BlasInfo {
  std::string provider;  // "vendored" or "system"
  std::string path;
  std::string config;    // empty until loaded
  std::string corename;  // the CPU family whose kernels the BLAS chose; empty until loaded
  bool loaded;
};

// Opens the library, if that has not happened. Throws std::runtime_error.
void open_blas();

// Does not open the library.
BlasInfo blas_info();

}  // namespace densegrad

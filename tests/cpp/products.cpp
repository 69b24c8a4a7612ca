// The kernels of products on every instruction set of this machine, and what calls them: sums of small integers, which are
// exact in any order, with guards around every row of the result; and chains of fused multiply-adds, bit for bit.
#include <algorithm>
#include <cmath>
#include <limits>

#include "check.h"
#include "core/pool.h"
#include "kernels/dispatch.h"
#include "kernels/gemm.h"

namespace densegrad::driver {
namespace {

// A matrix whose rows lie apart, in memory that ends with its last entry.
template <class T>
struct Matrix {
  index_t rows, cols, stride;
  std::vector<T> memory;

  Matrix(index_t r, index_t c, index_t gap)
      : rows(r), cols(c), stride(c + gap), memory(static_cast<std::size_t>((r - 1) * (c + gap) + c), T(-77)) {}
  T& at(index_t r, index_t c) { return memory[static_cast<std::size_t>(r * stride + c)]; }
};

template <class T>
Matrix<T> draw(Rng& rng, index_t rows, index_t cols, index_t gap) {
  Matrix<T> x(rows, cols, gap);
  for (index_t r = 0; r < rows; ++r) {
    for (index_t c = 0; c < cols; ++c) x.at(r, c) = static_cast<T>(rng.below(15) - 7);
  }
  return x;
}

template <class T>
void test_transpose(const Kernels<T>& kernels, const char* isa) {
  Rng rng(1);
  for (index_t rows = 1; rows <= 35; ++rows) {
    for (index_t cols = 1; cols <= 35; ++cols) {
      Matrix<T> x = draw<T>(rng, rows, cols, rows % 3);
      std::vector<T> y(static_cast<std::size_t>(rows * cols));
      kernels.transpose(rows, cols, x.memory.data(), x.stride, y.data());
      bool equal = true;
      for (index_t r = 0; r < rows; ++r) {
        for (index_t c = 0; c < cols; ++c) equal &= y[static_cast<std::size_t>(c * rows + r)] == x.at(r, c);
      }
      require(equal, "transpose ", rows, " x ", cols, " on ", isa);
    }
  }
}

// op(A)·op(B) by `compute` into C; every entry, and that nothing else was written.
template <class T, class F>
void test_one(Rng& rng, index_t m, index_t n, index_t k, bool a_trans, bool b_trans, const char* what,
              const F& compute) {
  const auto gap = [&rng] { return rng.below(3); };
  Matrix<T> a = a_trans ? draw<T>(rng, k, m, gap()) : draw<T>(rng, m, k, gap());
  Matrix<T> b = b_trans ? draw<T>(rng, n, k, gap()) : draw<T>(rng, k, n, gap());
  Matrix<T> c(m, n, gap());
  if (!compute(a, b, c)) return;
  for (index_t i = 0; i < m; ++i) {
    for (index_t j = 0; j < c.stride && i * c.stride + j < static_cast<index_t>(c.memory.size()); ++j) {
      T expected = j < n ? T(0) : T(-77);
      for (index_t p = 0; j < n && p < k; ++p) {
        expected += (a_trans ? a.at(p, i) : a.at(i, p)) * (b_trans ? b.at(j, p) : b.at(p, j));
      }
      require(c.at(i, j) == expected, what, ": entry (", i, ", ", j, ") of ", m, " x ", n, " x ", k, " is ", c.at(i, j),
              " instead of ", expected);
    }
  }
}

template <class T>
void test_product(const Kernels<T>& kernels, const char* isa, Rng& rng) {
  index_t taken = 0;
  const auto test = [&](index_t m, index_t n, index_t k) {
    for (int ops = 0; ops < 4; ++ops) {
      const bool a_trans = ops % 2, b_trans = ops / 2;
      test_one<T>(rng, m, n, k, a_trans, b_trans, isa, [&](const auto& a, const auto& b, auto& c) {
        const bool took =
            kernels.product({m, n, k, a.memory.data(), a_trans ? 1 : a.stride, a_trans ? a.stride : 1, b.memory.data(),
                             b_trans ? 1 : b.stride, b_trans ? b.stride : 1, c.memory.data(), c.stride, nullptr});
        taken += took;
        require(took || std::count(c.memory.begin(), c.memory.end(), T(-77)) == static_cast<long>(c.memory.size()),
                "a product that is not taken writes nothing");
        return took;
      });
    }
  };
  for (index_t n = 1; n <= 66; ++n) test(13, n, 5);
  for (int round = 0; round < 200; ++round) {
    const auto up_to = [&rng](index_t most) { return 1 + rng.below(most); };
    test(up_to(150), up_to(round % 2 ? 8 : 70), up_to(80));
  }
  for (int round = 0; round < 100; ++round) test(1 + rng.below(8), 1 + rng.below(70), 1 + rng.below(60));
  test(64, 1, 4096);
  test(3, 1, 4096);
  const bool fused = std::string(isa) == "x86_64_v3" || std::string(isa) == "x86_64_v4";
  require(fused ? taken > 300 : taken == 0, taken, " products on ", isa);
}

// Numbers that round.
template <class T>
std::vector<T> values(Rng& rng, index_t count) {
  std::vector<T> x(static_cast<std::size_t>(count));
  for (T& value : x) value = static_cast<T>(rng.uniform(-1, 1));
  return x;
}

// With a bias: the bits of the product and an addition, from values that round.
template <class T>
void test_bias(Rng& rng) {
  for (int round = 0; round < 200; ++round) {
    const index_t m = 1 + rng.below(round % 4 ? 40 : 400), n = 1 + rng.below(round % 3 ? 80 : 9), k = rng.below(80);
    const std::vector<T> a = values<T>(rng, m * k), b = values<T>(rng, k * n), bias = values<T>(rng, n);
    std::vector<T> sums(static_cast<std::size_t>(m * n)), plain = sums;
    product_plus_bias<T>(m, n, k, a.data(), b.data(), bias.data(), sums.data());
    product<T>(Transpose::no, Transpose::no, m, n, k, a.data(), k, b.data(), n, plain.data(), n);
    for (std::size_t i = 0; i < plain.size(); ++i) plain[i] += bias[i % static_cast<std::size_t>(n)];
    require(sums == plain, "product plus bias of ", m, " x ", n, " x ", k);
  }
}

// Values that round: each entry has the bits of one chain, whatever the memory held and wherever blocks and tiles end.
template <class T>
void test_panel_product(const Kernels<T>& kernels, const char* isa, Rng& rng) {
  const bool has_panels = std::string(isa) == "x86_64_v4";
  require((kernels.panel_product != nullptr) == has_panels, "panels on ", isa);
  if (!kernels.panel_product) return;
  alignas(64) static std::byte memory[panel_product_bytes];
  const auto test = [&](index_t m, index_t n, index_t k) {
    const bool a_trans = rng.below(2), b_trans = rng.below(2), with_bias = rng.below(2);
    const auto values = [&rng](index_t rows, index_t cols) {
      Matrix<T> x(rows, cols, rng.below(3));
      for (T& value : x.memory) value = static_cast<T>(rng.uniform(-1, 1));
      return x;
    };
    Matrix<T> a = a_trans ? values(k, m) : values(m, k), b = b_trans ? values(n, k) : values(k, n), bias = values(1, n);
    Matrix<T> c(m, n, rng.below(3));
    std::fill_n(reinterpret_cast<T*>(memory), panel_product_bytes / sizeof(T), std::numeric_limits<T>::quiet_NaN());
    kernels.panel_product({m, n, k, a.memory.data(), a_trans ? 1 : a.stride, a_trans ? a.stride : 1, b.memory.data(),
                           b_trans ? 1 : b.stride, b_trans ? b.stride : 1, c.memory.data(), c.stride,
                           with_bias ? bias.memory.data() : nullptr},
                          memory);
    // All entries of small results; of large ones the corners, the ends of blocks, and some.
    const bool all = m * n * k < 100'000;
    for (index_t i = 0; i < m; i += all ? 1 : 1 + rng.below(m / 4 + 1)) {
      for (index_t j = 0; j < c.stride && i * c.stride + j < static_cast<index_t>(c.memory.size());
           j += all ? 1 : 1 + rng.below(40)) {
        T expected = j < n ? T(0) : T(-77);
        for (index_t p = 0; j < n && p < k; ++p)
          expected = std::fma(a_trans ? a.at(p, i) : a.at(i, p), b_trans ? b.at(j, p) : b.at(p, j), expected);
        if (j < n && with_bias) expected += bias.at(0, j);
        require(c.at(i, j) == expected, isa, ": entry (", i, ", ", j, ") of ", m, " x ", n, " x ", k, " is ",
                c.at(i, j), " instead of ", expected);
      }
    }
  };
  for (index_t m = 1; m <= 30; ++m) test(m, 1 + rng.below(70), 1 + rng.below(40));
  for (index_t n = 1; n <= 70; ++n) test(1 + rng.below(30), n, 1 + rng.below(40));
  for (index_t k = 1; k <= 40; ++k) test(1 + rng.below(30), 1 + rng.below(70), k);
  for (index_t k : {191, 192, 193, 383, 384, 385, 400, 800}) {
    for (index_t n : {31, 511, 512, 513, 545}) test(1 + rng.below(40), n, k);
  }
}

template <class T>
void test_dispatched(Rng& rng) {
  constexpr Transpose ops[] = {Transpose::no, Transpose::yes};
  for (int round = 0; round < 400; ++round) {
    const auto up_to = [&rng](index_t most) { return 1 + rng.below(most); };
    const index_t m = up_to(round % 8 ? 40 : 300), n = up_to(round % 3 ? 80 : 9), k = up_to(80);
    const bool a_trans = rng.below(2), b_trans = rng.below(2);
    test_one<T>(rng, m, n, k, a_trans, b_trans, "product", [&](const auto& a, const auto& b, auto& c) {
      product<T>(ops[a_trans], ops[b_trans], m, n, k, a.memory.data(), a.stride, b.memory.data(), b.stride,
                 c.memory.data(), c.stride);
      return true;
    });
  }
}

// The same bits for any number of threads, with a bias.
template <class T>
void test_threads(Rng& rng) {
  const index_t sizes[][3] = {{256, 512, 784}, {512, 10, 256}, {130, 700, 64}, {1100, 128, 130}, {40, 64, 600}};
  const int before = num_threads();
  for (const auto& [m, n, k] : sizes) {
    const std::vector<T> a = values<T>(rng, m * k), b = values<T>(rng, k * n), bias = values<T>(rng, n);
    std::vector<T> first;
    for (int threads : {1, 2, 4}) {
      set_num_threads(threads);
      std::vector<T> c(static_cast<std::size_t>(m * n), T(-77));
      product_plus_bias<T>(m, n, k, a.data(), b.data(), bias.data(), c.data());
      if (first.empty()) first = c;
      require(c == first, "product plus bias of ", m, " x ", n, " x ", k, " on ", threads, " threads");
    }
  }
  set_num_threads(before);
}

}  // namespace

void test_products(Rng& rng) {
  for (const char* isa : available_isas()) {
    const KernelTable& table = kernels_named(isa);
    test_transpose(table.f32, isa);
    test_transpose(table.f64, isa);
    test_product(table.f32, isa, rng);
    test_product(table.f64, isa, rng);
    test_panel_product(table.f32, isa, rng);
    test_panel_product(table.f64, isa, rng);
  }
  test_bias<float>(rng);
  test_bias<double>(rng);
  test_dispatched<float>(rng);
  test_dispatched<double>(rng);
  test_threads<float>(rng);
  test_threads<double>(rng);
}

}  // namespace densegrad::driver

// What is computed by registers on some instruction sets has the bits of the plain loop: roots, and optimizer steps.
#include <algorithm>
#include <bit>
#include <limits>

#include "check.h"
#include "formulas/optimizers.h"
#include "kernels/dispatch.h"

namespace densegrad::driver {
namespace {

bool same(const float* a, const float* b, index_t n) {
  return std::memcmp(a, b, static_cast<std::size_t>(n) * sizeof(float)) == 0;
}

// All significands with exponents where the way to the root changes or arithmetic comes near its ends. (Exhaustive but for
// exponents in between: the same significands with an exponent two further give the same bits.)
void test_roots(const Kernels<float>& kernels, const char* isa) {
  constexpr index_t block = 1 << 16;
  std::vector<float> x(block), y(block), expected(block);
  const auto root = kernels.unary[static_cast<int>(Unary::sqrt)];
  for (const std::uint32_t exponent :
       {0u, 1u, 2u, 63u, 64u, 127u, 128u, 188u, 189u, 190u, 191u, 253u, 254u, 255u, 256u}) {
    for (std::uint32_t first = 0; first < 1u << 23; first += block) {
      for (std::uint32_t i = 0; i < block; ++i) x[i] = std::bit_cast<float>(exponent << 23 | (first + i));
      for (std::size_t i = 0; i < block; ++i) expected[i] = std::sqrt(x[i]);
      root(block, x.data(), y.data());
      if (exponent == 255) {  // infinity and NaN, of which the bits do not matter
        for (std::size_t i = first == 0 ? 1 : 0; i < block; ++i) require(std::isnan(y[i]), "sqrt(NaN) on ", isa);
        require(first > 0 || y[0] == std::numeric_limits<float>::infinity(), "sqrt(inf) on ", isa);
      } else if (exponent == 256) {  // -0 and negative numbers
        for (std::size_t i = first == 0 ? 1 : 0; i < block; ++i) require(std::isnan(y[i]), "sqrt(< 0) on ", isa);
        require(first > 0 || same(y.data(), x.data(), 1), "sqrt(-0) on ", isa);
      } else {
        require(same(y.data(), expected.data(), block), "a root on ", isa, " from ", x[0]);
      }
    }
  }
}

template <class T>
struct Arrays {
  std::vector<T> w, grad;
  std::array<std::vector<T>, most_slots> slots;
};

// Entries of all sizes, zeros and NaN, and what is beyond n.
template <class T>
Arrays<T> draw(Rng& rng, index_t n) {
  const auto one = [&] {
    const index_t kind = rng.below(16);
    if (kind == 0) return std::numeric_limits<T>::quiet_NaN();
    return kind < 3 ? T(0) : static_cast<T>(std::exp2(rng.uniform(-60, 20)));
  };
  Arrays<T> all;
  for (auto* array : {&all.w, &all.grad}) {
    for (index_t i = 0; i < n + 3; ++i) array->push_back(rng.below(2) ? one() : -one());
  }
  for (auto& slot : all.slots) {
    for (index_t i = 0; i < n + 3; ++i) slot.push_back(one());
  }
  return all;
}

template <class T>
void step(const Kernels<T>& kernels, std::size_t which, int slot_count, index_t n, const double* hyper, Arrays<T>& on) {
  UpdatePart<T> part{n, on.w.data(), on.grad.data(), {}};
  for (std::size_t k = 0; k < most_slots; ++k) part.slots[k] = on.slots[k].data();
  PreparedUpdate<T> prepared;
  kernels.prepare_update[which]({T(0.01), hyper, 3, T(0.7)}, prepared);
  kernels.update[which](prepared, slot_count, &part, 1);
}

// Equal bits, or NaN in both.
template <class T>
bool same_arrays(const Arrays<T>& a, const Arrays<T>& b) {
  const auto same_entry = [](T x, T y) { return std::isnan(x) ? std::isnan(y) : std::memcmp(&x, &y, sizeof x) == 0; };
  const auto same = [&](const std::vector<T>& x, const std::vector<T>& y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), same_entry);
  };
  return same(a.w, b.w) && std::equal(a.slots.begin(), a.slots.end(), b.slots.begin(), same);
}

template <class T, class Entry>
void test_optimizer(Rng& rng, std::size_t which, const Kernels<T>& plain, const Kernels<T>& kernels, const char* isa) {
  const double hyper[] = {0.9, 0.99, 1e-7, 1.0, 0.5};
  static_assert(formulas::hyper_count<Entry> <= 5);
  for (int slot_count = Entry::min_slots; slot_count <= formulas::max_slots<Entry>; ++slot_count) {
    for (index_t n = 0; n < 70; ++n) {
      Arrays<T> expected = draw<T>(rng, n), got = expected;
      step(plain, which, slot_count, n, hyper, expected);
      step(kernels, which, slot_count, n, hyper, got);
      require(same_arrays(got, expected), Entry::name, " with ", slot_count, " slots on ", n, " entries, ", isa);
    }
  }
}

template <class T, class... Entry>
void test_optimizers(Rng& rng, formulas::List<Entry...>, const Kernels<T>& plain, const Kernels<T>& kernels,
                     const char* isa) {
  std::size_t which = 0;
  (test_optimizer<T, Entry>(rng, which++, plain, kernels, isa), ...);
}

}  // namespace

void test_registers(Rng& rng) {
  const KernelTable& plain = kernels_named(available_isas().front());
  for (const char* isa : available_isas()) {
    const KernelTable& kernels = kernels_named(isa);
    test_roots(kernels.f32, isa);
    test_optimizers<float>(rng, formulas::Optimizers{}, plain.f32, kernels.f32, isa);
    test_optimizers<double>(rng, formulas::Optimizers{}, plain.f64, kernels.f64, isa);
  }
}

}  // namespace densegrad::driver

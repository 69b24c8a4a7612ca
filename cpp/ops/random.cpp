// Random tensors from the counter-based generator. Not recorded: a draw depends on nothing.
#include <array>
#include <cmath>
#include <numbers>

#include "core/philox.h"
#include "ops/ops.h"

namespace densegrad {

namespace {

// Fills a tensor with groups of N numbers: the i-th group is group(i).
template <std::size_t N, class T, class F>
void fill(Tensor& t, F&& group) {
  T* out = t.mutable_data<T>();
  for (index_t i = 0; i < t.size(); i += static_cast<index_t>(N)) {
    const std::array<T, N> values = group(static_cast<std::uint64_t>(i) / N);
    for (std::size_t j = 0; j < N && i + static_cast<index_t>(j) < t.size(); ++j)
      out[i + static_cast<index_t>(j)] = values[j];
  }
}

// Words per number: a double takes two.
template <class T>
constexpr std::size_t words_per = sizeof(T) / 4;

template <class T>
T uniform(const std::uint32_t* words) {
  if constexpr (sizeof(T) == 4)
    return Philox::uniform(words[0]);
  else
    return Philox::uniform(words[0], words[1]);
}

// Box and Muller (1958): two independent standard normal numbers from two uniform ones. Their first is kept from zero,
// and the angle is rounded once, as in Keras.
template <class T>
std::array<T, 2> normal_pair(const std::uint32_t* words) {
  const T u = std::fmax(uniform<T>(words), static_cast<T>(1e-7));
  const T angle = static_cast<T>(2.0 * std::numbers::pi * static_cast<double>(uniform<T>(words + words_per<T>)));
  const T radius = std::sqrt(static_cast<T>(-2) * std::log(u));
  return {std::sin(angle) * radius, std::cos(angle) * radius};
}

// Two standard normal numbers at a time, block after block from number `i` on.
template <class T>
class NormalPairs {
 public:
  NormalPairs(const Philox& generator, std::uint64_t i) : generator_(generator), block_(i) {}

  std::array<T, 2> next() {
    if (used_ == 4) {
      words_ = generator_.block(block_++);
      used_ = 0;
    }
    const auto pair = normal_pair<T>(&words_[used_]);
    used_ += 2 * words_per<T>;
    return pair;
  }

 private:
  const Philox& generator_;
  std::uint64_t block_;
  Philox::Words words_{};
  std::size_t used_ = 4;
};

}  // namespace

Tensor random_uniform(const Philox& generator, const Shape& shape, double lo, double hi, DType dtype) {
  Tensor t(dtype, shape);
  visit_float(dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    constexpr std::size_t n = 4 / words_per<T>;
    // Keras scales in the dtype of the result: u * (hi - lo) + lo.
    const T low = static_cast<T>(lo), span = static_cast<T>(hi) - low;
    fill<n, T>(t, [&](std::uint64_t i) {
      const auto words = generator.block(i);
      std::array<T, n> values;
      for (std::size_t j = 0; j < n; ++j) values[j] = uniform<T>(&words[j * words_per<T>]) * span + low;
      return values;
    });
  });
  return t;
}

Tensor random_normal(const Philox& generator, const Shape& shape, double mean, double stddev, DType dtype) {
  Tensor t(dtype, shape);
  visit_float(dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    constexpr std::size_t n = 4 / words_per<T>;
    const T m = static_cast<T>(mean), s = static_cast<T>(stddev);
    fill<n, T>(t, [&](std::uint64_t i) {
      NormalPairs<T> pairs(generator, i);
      std::array<T, n> values;
      for (std::size_t j = 0; j < n; j += 2) {
        const auto [first, second] = pairs.next();
        values[j] = first * s + m;
        values[j + 1] = second * s + m;
      }
      return values;
    });
  });
  return t;
}

Tensor random_truncated_normal(const Philox& generator, const Shape& shape, double mean, double stddev, DType dtype) {
  Tensor t(dtype, shape);
  visit_float(dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    // A group rejects what is out of bounds and draws on; 64 blocks per number are reserved for it, so that groups do not
    // depend on each other.
    constexpr std::size_t n = 4 / words_per<T>;
    const T m = static_cast<T>(mean), s = static_cast<T>(stddev);
    fill<n, T>(t, [&](std::uint64_t i) {
      NormalPairs<T> pairs(generator, i * n * 64);
      std::array<T, n> values;
      for (std::size_t j = 0; j < n;)
        for (const T value : pairs.next())
          if (std::fabs(value) < 2 && j < n) values[j++] = value * s + m;
      return values;
    });
  });
  return t;
}

Tensor random_integers(const Philox& generator, const Shape& shape, std::int64_t lo, std::int64_t hi, DType dtype) {
  Tensor t(dtype, shape);
  const std::uint64_t low = static_cast<std::uint64_t>(lo), span = static_cast<std::uint64_t>(hi) - low;
  if (dtype == DType::int32) {
    fill<4, std::int32_t>(t, [&](std::uint64_t i) {
      const auto words = generator.block(i);
      std::array<std::int32_t, 4> values;
      for (std::size_t j = 0; j < 4; ++j)
        values[j] = static_cast<std::int32_t>(static_cast<std::uint32_t>(low + words[j] % span));
      return values;
    });
  } else {
    fill<2, std::int64_t>(t, [&](std::uint64_t i) {
      const auto words = generator.block(i);
      std::array<std::int64_t, 2> values;
      for (std::size_t j = 0; j < 2; ++j) {
        const std::uint64_t bits = static_cast<std::uint64_t>(words[2 * j + 1]) << 32 | words[2 * j];
        values[j] = static_cast<std::int64_t>(low + bits % span);
      }
      return values;
    });
  }
  return t;
}

}  // namespace densegrad

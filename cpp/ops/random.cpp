// Random tensors from the counter-based generator: a function of the seed alone, through which no derivative passes.
#include <array>
#include <cmath>
#include <numbers>

#include "core/philox.h"
#include "ops/batch.h"
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

void fill_uniform(const Philox& generator, const RandomParams& p, Tensor& t) {
  visit_float(t.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    constexpr std::size_t n = 4 / words_per<T>;
    // Keras scales in the dtype of the result: u * (hi - lo) + lo.
    const T low = static_cast<T>(p.a), span = static_cast<T>(p.b) - low;
    fill<n, T>(t, [&](std::uint64_t i) {
      const auto words = generator.block(i);
      std::array<T, n> values;
      for (std::size_t j = 0; j < n; ++j) values[j] = uniform<T>(&words[j * words_per<T>]) * span + low;
      return values;
    });
  });
}

void fill_normal(const Philox& generator, const RandomParams& p, Tensor& t) {
  visit_float(t.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    constexpr std::size_t n = 4 / words_per<T>;
    const T m = static_cast<T>(p.a), s = static_cast<T>(p.b);
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
}

void fill_truncated_normal(const Philox& generator, const RandomParams& p, Tensor& t) {
  visit_float(t.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    // A group rejects what is out of bounds and draws on; 64 blocks per number are reserved for it, so that groups do not
    // depend on each other.
    constexpr std::size_t n = 4 / words_per<T>;
    const T m = static_cast<T>(p.a), s = static_cast<T>(p.b);
    fill<n, T>(t, [&](std::uint64_t i) {
      NormalPairs<T> pairs(generator, i * n * 64);
      std::array<T, n> values;
      for (std::size_t j = 0; j < n;)
        for (const T value : pairs.next())
          if (std::fabs(value) < 2 && j < n) values[j++] = value * s + m;
      return values;
    });
  });
}

void fill_integers(const Philox& generator, const RandomParams& p, Tensor& t) {
  const std::uint64_t low = static_cast<std::uint64_t>(p.lo), span = static_cast<std::uint64_t>(p.hi) - low;
  if (t.dtype() == DType::int32) {
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
}

// Keras' kernels take 32-bit seeds.
std::uint64_t reduced(index_t n) {
  constexpr index_t seeds = (index_t(1) << 31) - 2;
  return static_cast<std::uint64_t>((n % seeds + seeds) % seeds);
}

const RandomParams& random_params(const Params& params) { return std::get<RandomParams>(params); }

void random_shapes(const Tensors& in, const Params& params, Specs& out) {
  if (in[0].dtype() != DType::int64 || !(in[0].shape() == Shape{2})) {
    fail("[random] `seed` has shape ", in[0].shape(), " and dtype ", in[0].dtype(),
         ": it must be an integer or an int64 tensor of shape (2,), the seed and the number of the draw.");
  }
  out.push_back({random_params(params).dtype, random_params(params).shape});
}

void random_eval(const Tensors& in, const Params& params, Tensors& out) {
  const RandomParams& p = random_params(params);
  const index_t* seed = in[0].data<index_t>();
  const Philox generator(reduced(seed[0]), reduced(seed[1]));
  switch (p.distribution) {
    case Distribution::uniform: return fill_uniform(generator, p, out[0]);
    case Distribution::normal: return fill_normal(generator, p, out[0]);
    case Distribution::truncated_normal: return fill_truncated_normal(generator, p, out[0]);
    case Distribution::integers: return fill_integers(generator, p, out[0]);
  }
}

// Every example has a seed of its own.
void random_vmap(VmapContext& c) {
  std::vector<Tensor> draws;
  for (index_t i = 0; i < c.batch; ++i) {
    const Tensor seed = reshape(slice(c.inputs[0], {.start = {i, 0}, .step = {1, 1}, .extent = {1, 2}}), {2});
    draws.push_back(reshape(run1(c.primitive, {seed}, c.params), with_batch(1, random_params(c.params).shape)));
  }
  c.outputs = {concatenate(draws, 0)};
}

const Primitive random_primitive{
    .name = "random", .shapes = random_shapes, .eval = random_eval, .vmap = random_vmap, .differentiable = false};

}  // namespace

Tensor random(const Tensor& seed, const RandomParams& params) { return run1(random_primitive, {seed}, params); }

std::vector<const Primitive*> random_primitives() { return {&random_primitive}; }

}  // namespace densegrad

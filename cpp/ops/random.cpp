// Random tensors from the counter-based generator. Not recorded: a draw depends on nothing.
#include "core/philox.h"
#include "ops/ops.h"

namespace densegrad {

Tensor random_uniform(const Shape& shape, double lo, double hi, std::uint64_t seed, DType dtype) {
  const Philox generator(seed);
  Tensor t(dtype, shape);
  // Keras scales in the dtype of the result: u * (hi - lo) + lo.
  if (dtype == DType::float32) {
    const float low = static_cast<float>(lo), span = static_cast<float>(hi) - low;
    for (index_t i = 0; i < t.size(); i += 4) {
      const auto words = generator.block(static_cast<std::uint64_t>(i / 4));
      for (index_t j = i; j < t.size() && j < i + 4; ++j)
        t.mutable_data<float>()[j] = Philox::uniform(words[static_cast<std::size_t>(j - i)]) * span + low;
    }
  } else {
    for (index_t i = 0; i < t.size(); i += 2) {
      const auto words = generator.block(static_cast<std::uint64_t>(i / 2));
      for (index_t j = i; j < t.size() && j < i + 2; ++j) {
        const auto w = static_cast<std::size_t>(2 * (j - i));
        t.mutable_data<double>()[j] = Philox::uniform(words[w], words[w + 1]) * (hi - lo) + lo;
      }
    }
  }
  return t;
}

}  // namespace densegrad

// The counter-based generator behind all random numbers: 10-round Philox 4x32, seeded and unpacked as Keras' stateless
// draws, so that equal seeds give equal numbers.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace densegrad {

class Philox {
 public:
  // The seed pair is scrambled by one block under a fixed key; its words 0, 1 become the key and words 2, 3 the upper half
  // of the counter. `draw` tells the draws from one seed apart.
  explicit Philox(std::uint64_t seed, std::uint64_t draw = 0) {
    const Words mixed = rounds({low(seed), high(seed), low(draw), high(draw)}, {0x3EC8F720u, 0x02461E29u});
    key_ = {mixed[0], mixed[1]};
    upper_ = {mixed[2], mixed[3]};
  }

  using Words = std::array<std::uint32_t, 4>;

  // Block number `i` of the stream: four 32-bit words.
  Words block(std::uint64_t i) const { return rounds({low(i), high(i), upper_[0], upper_[1]}, key_); }

  // [0, 1): the low 23 (52) bits of a word (a pair of words, the first one high) as the mantissa of a number in [1, 2).
  static float uniform(std::uint32_t word) { return std::bit_cast<float>((word & 0x7FFFFFu) | 0x3F800000u) - 1.0f; }
  static double uniform(std::uint32_t w0, std::uint32_t w1) {
    const std::uint64_t bits = (static_cast<std::uint64_t>(w0) << 32 | w1) & 0xFFFFFFFFFFFFFu;
    return std::bit_cast<double>(bits | 0x3FF0000000000000u) - 1.0;
  }

 private:
  using Pair = std::array<std::uint32_t, 2>;

  static std::uint32_t low(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
  static std::uint32_t high(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); }

  static Words rounds(Words c, Pair k) {
    for (int r = 0; r < 10; ++r) {
      const std::uint64_t p0 = 0xD2511F53ull * c[0], p1 = 0xCD9E8D57ull * c[2];
      c = {high(p1) ^ c[1] ^ k[0], low(p1), high(p0) ^ c[3] ^ k[1], low(p0)};
      k = {k[0] + 0x9E3779B9u, k[1] + 0xBB67AE85u};
    }
    return c;
  }

  Pair key_{}, upper_{};
};

}  // namespace densegrad

// Where buffers lie in one block of memory: those that are never alive together share it.
#pragma once

#include <cstddef>
#include <vector>

namespace densegrad {

// A buffer is alive from step `first` to step `last`, both included.
struct Buffer {
  std::size_t bytes;
  std::size_t first, last;
  std::size_t offset = 0;  // what the plan decides
};

inline constexpr std::size_t arena_alignment = 64;

constexpr std::size_t arena_rounded(std::size_t bytes) {
  return (bytes + arena_alignment - 1) / arena_alignment * arena_alignment;
}

// Buffers, by number, that lie one behind the other in this order, each rounded up to the alignment.
using BufferBlock = std::vector<std::size_t>;

// Sets the offsets and returns the size of the arena. Blocks and buffers are placed one after the other, each at the lowest
// place where it meets no other that lives at the same time: the largest first, or those that live to the end. While
// the arena is larger than what lives at one time, what ends highest is placed first, a few times. In a block
// every buffer has a lifetime of its own: what lives before or after it may lie in its part. No buffer is in two blocks.
std::size_t plan_arena(std::vector<Buffer>& buffers, const std::vector<BufferBlock>& blocks);

}  // namespace densegrad

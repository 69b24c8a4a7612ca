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

// Sets the offsets and returns the size of the block: the largest buffers are placed first, each at the lowest place where
// it meets no other that lives at the same time.
std::size_t plan_arena(std::vector<Buffer>& buffers);

}  // namespace densegrad

#include "program/arena.h"

#include <algorithm>
#include <numeric>

namespace densegrad {

namespace {

std::size_t rounded(std::size_t bytes) { return (bytes + arena_alignment - 1) / arena_alignment * arena_alignment; }

}  // namespace

std::size_t plan_arena(std::vector<Buffer>& buffers) {
  std::vector<std::size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return buffers[a].bytes > buffers[b].bytes; });
  std::vector<const Buffer*> placed;  // by offset
  std::size_t size = 0;
  for (const std::size_t i : order) {
    Buffer& b = buffers[i];
    std::size_t offset = 0;
    for (const Buffer* other : placed) {
      if (other->last < b.first || b.last < other->first) continue;
      if (other->offset >= offset + rounded(b.bytes)) break;
      offset = std::max(offset, other->offset + rounded(other->bytes));
    }
    b.offset = offset;
    size = std::max(size, offset + rounded(b.bytes));
    placed.insert(std::upper_bound(placed.begin(), placed.end(), &b,
                                   [](const Buffer* x, const Buffer* y) { return x->offset < y->offset; }),
                  &b);
  }
  return size;
}

}  // namespace densegrad

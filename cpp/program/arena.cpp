#include "program/arena.h"

#include <algorithm>

namespace densegrad {

namespace {

// What is placed as a whole.
struct Unit {
  BufferBlock members = {};
  std::size_t bytes = 0, last = 0;

  void add(std::size_t i, const Buffer& b) {
    members.push_back(i);
    bytes += arena_rounded(b.bytes);
    last = std::max(last, b.last);
  }
};
using Units = std::vector<Unit>;

Units units_of(const std::vector<Buffer>& buffers, const std::vector<BufferBlock>& blocks) {
  Units units;
  std::vector<char> in_block(buffers.size(), 0);
  for (const BufferBlock& block : blocks) {
    units.emplace_back();
    for (const std::size_t i : block) {
      units.back().add(i, buffers[i]);
      in_block[i] = 1;
    }
  }
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    if (in_block[i]) continue;
    units.emplace_back();
    units.back().add(i, buffers[i]);
  }
  std::stable_sort(units.begin(), units.end(), [](const Unit& a, const Unit& b) { return a.bytes > b.bytes; });
  return units;
}

// What lives at one time, at most: no arena is smaller.
std::size_t least_size(const std::vector<Buffer>& buffers) {
  std::size_t end = 0;
  for (const Buffer& b : buffers) end = std::max(end, b.last + 1);
  std::vector<std::size_t> begins(end + 1, 0), ends(end + 1, 0);
  for (const Buffer& b : buffers) {
    begins[b.first] += arena_rounded(b.bytes);
    ends[b.last + 1] += arena_rounded(b.bytes);
  }
  std::size_t most = 0, alive = 0;
  for (std::size_t step = 0; step <= end; ++step) {
    alive = alive + begins[step] - ends[step];
    most = std::max(most, alive);
  }
  return most;
}

// The lowest place from `offset` on where `b` meets none of those that are placed, by offset.
std::size_t lowest_place(const Buffer& b, std::size_t offset, const std::vector<const Buffer*>& placed) {
  for (const Buffer* other : placed) {
    if (other->last < b.first || b.last < other->first) continue;
    if (other->offset >= offset + arena_rounded(b.bytes)) break;
    offset = std::max(offset, other->offset + arena_rounded(other->bytes));
  }
  return offset;
}

std::size_t lowest_place(const Unit& unit, const std::vector<Buffer>& buffers,
                         const std::vector<const Buffer*>& placed) {
  std::size_t base = 0;
  for (bool moved = true; moved;) {  // for the sake of one, which those before it have to bear
    moved = false;
    std::size_t offset = base;
    for (const std::size_t i : unit.members) {
      const std::size_t place = lowest_place(buffers[i], offset, placed);
      moved = moved || place > offset;
      base += place - offset;
      offset = place + arena_rounded(buffers[i].bytes);
    }
  }
  return base;
}

struct Extent {
  std::size_t size = 0;
  std::ptrdiff_t highest = 0;  // the unit that ends there
};

// Places one unit after the other.
Extent place(const Units& units, std::vector<Buffer>& buffers) {
  std::vector<const Buffer*> placed;
  Extent extent;
  for (const Unit& unit : units) {
    std::size_t offset = lowest_place(unit, buffers, placed);
    if (offset + unit.bytes > extent.size) extent = {offset + unit.bytes, &unit - units.data()};
    for (const std::size_t i : unit.members) {
      Buffer& b = buffers[i];
      b.offset = offset;
      offset += arena_rounded(b.bytes);
      placed.insert(std::upper_bound(placed.begin(), placed.end(), &b,
                                     [](const Buffer* x, const Buffer* y) { return x->offset < y->offset; }),
                    &b);
    }
  }
  return extent;
}

}  // namespace

std::size_t plan_arena(std::vector<Buffer>& buffers, const std::vector<BufferBlock>& blocks) {
  const std::size_t least = least_size(buffers);
  const Units by_size = units_of(buffers, blocks);
  Units by_end = by_size;
  std::stable_sort(by_end.begin(), by_end.end(), [](const Unit& a, const Unit& b) { return a.last > b.last; });
  std::vector<Buffer> plan = buffers;
  std::size_t size = static_cast<std::size_t>(-1);
  for (Units units : {by_size, by_end}) {
    for (int tries = 0; tries < 8 && size > least; ++tries) {
      const Extent extent = place(units, plan);
      if (extent.size < size) {
        size = extent.size;
        buffers = plan;
      }
      std::rotate(units.begin(), units.begin() + extent.highest, units.begin() + extent.highest + 1);
    }
  }
  return buffers.empty() ? 0 : size;
}

}  // namespace densegrad

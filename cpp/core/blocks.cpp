#include "core/blocks.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace densegrad {

namespace {

// Smaller ones are malloc's business; larger ones are worth a fault. Tools that watch memory want to see every block go.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t least = 1, most = 0;
#else
constexpr std::size_t least = 64 << 10, most = 8 << 20;
#endif

// The blocks that a thread keeps, the oldest first.
class Kept {
 public:
  void* take(std::size_t bytes) {
    for (std::size_t i = count_; i-- > 0;) {
      if (blocks_[i].bytes == bytes) return remove(i);
    }
    return nullptr;
  }
  void add(void* block, std::size_t bytes) {
    while (count_ == blocks_.size() || total_ + bytes > most_kept_bytes) std::free(remove(0));
    blocks_[count_++] = {block, bytes};
    total_ += bytes;
  }
  void clear() {
    while (count_ > 0) std::free(remove(0));
  }

 private:
  struct Block {
    void* memory;
    std::size_t bytes;
  };

  void* remove(std::size_t i) {
    void* memory = blocks_[i].memory;
    total_ -= blocks_[i].bytes;
    std::move(blocks_.begin() + static_cast<std::ptrdiff_t>(i) + 1,
              blocks_.begin() + static_cast<std::ptrdiff_t>(count_), blocks_.begin() + static_cast<std::ptrdiff_t>(i));
    --count_;
    return memory;
  }

  std::array<Block, most_kept_blocks> blocks_;
  std::size_t count_, total_;  // no initializer: thread_local memory is zero, and needs no constructor
};

// Without constructor or destructor, so that tensors which outlive the thread's other objects find it.
thread_local Kept kept;
thread_local bool ended;

// Frees the blocks with the thread.
struct End {
  ~End() {
    kept.clear();
    ended = true;
  }
};

Kept* of_this_thread() {
  thread_local End end;
  static_cast<void>(end);
  return ended ? nullptr : &kept;
}

bool is_kept(std::size_t bytes) { return least <= bytes && bytes <= most; }

}  // namespace

void* take_block(std::size_t bytes) {
  if (is_kept(bytes)) {
    if (Kept* mine = of_this_thread()) {
      if (void* block = mine->take(bytes)) return block;
    }
  }
  return std::malloc(bytes);
}

void give_block(void* block, std::size_t bytes) {
  if (block && is_kept(bytes)) {
    if (Kept* mine = of_this_thread()) return mine->add(block, bytes);
  }
  std::free(block);
}

void return_freed_memory() {
  if (Kept* mine = of_this_thread()) mine->clear();
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  malloc_trim(0);
#endif
}

}  // namespace densegrad

// Memory for tensors. Freed blocks of middle size are kept for the next tensor of their size: malloc gives such memory back
// to the system, and every 4 KiB of fresh memory cost a page fault, which is more than computing a thousand numbers.
#pragma once

#include <cstddef>

namespace densegrad {

// `bytes` of memory, or null if there is not so much.
void* take_block(std::size_t bytes);

// Gives back what take_block gave, of any thread, with the `bytes` that were asked for. Null is nothing.
void give_block(void* block, std::size_t bytes);

// Gives the system what this thread keeps, and (by glibc) what malloc keeps of freed memory of the process.
void return_freed_memory();

// What each thread keeps at most.
inline constexpr std::size_t most_kept_blocks = 8, most_kept_bytes = 16 << 20;

}  // namespace densegrad

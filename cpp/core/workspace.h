// Memory that a thread works in while it computes one result: nobody else sees it, and nothing in it outlives the task.
#pragma once

#include <cstddef>

namespace densegrad {

inline constexpr std::size_t workspace_bytes = 1 << 20;

// This thread's, aligned to 64 bytes. Taken at the first call of the thread and given back at its end. Throws std::bad_alloc.
std::byte* workspace();

}  // namespace densegrad

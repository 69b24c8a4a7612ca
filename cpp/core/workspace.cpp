#include "core/workspace.h"

#include <cstdlib>
#include <memory>
#include <new>

namespace densegrad {

std::byte* workspace() {
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  static thread_local std::unique_ptr<std::byte, Free> memory;
  if (!memory) memory.reset(static_cast<std::byte*>(std::aligned_alloc(64, workspace_bytes)));
  if (!memory) throw std::bad_alloc();
  return memory.get();
}

}  // namespace densegrad

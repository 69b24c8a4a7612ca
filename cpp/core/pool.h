// A small pool of threads for work that is cut into tasks in advance. Where it is cut must follow from the problem alone,
// never from the number of threads: threads decide who computes a task, not what a task is.
//
// Threads start with the first call that wants them, sleep some 30 us after their last task, and are started anew in a
// forked child. A call that finds the pool busy, whether from inside a task or from another thread, runs on its caller
// alone. Nothing here allocates, once the threads have started.
#pragma once

#include <algorithm>
#include <memory>
#include <type_traits>

#include "core/shape.h"

namespace densegrad {

inline constexpr int most_threads = 64;  // as many as may be inside the vendored BLAS at once

// How many threads a call may use, the caller included: what set_num_threads set, else available_threads().
// Throws std::invalid_argument if DENSEGRAD_NUM_THREADS is not a positive integer.
int num_threads();

// From the next call on. Throws std::invalid_argument unless 1 <= n <= most_threads.
void set_num_threads(index_t n);

using Task = void (*)(void* context, index_t task);

// Calls f(context, task) for each task in [0, tasks), in any order and on any threads, and returns when all are done.
// If tasks throw, tasks that have not begun are left out, and the exception of the first of them is thrown.
void run_tasks(index_t tasks, Task f, void* context);

// f(task) for each task in [0, tasks).
template <class F>
void parallel_for(index_t tasks, F&& f) {
  using Function = std::remove_reference_t<F>;
  run_tasks(
      tasks, [](void* context, index_t task) { (*static_cast<Function*>(context))(task); },
      const_cast<void*>(static_cast<const void*>(std::addressof(f))));
}

// f(first, count) for the pieces of [0, n), each of `grain` entries but the last. Called once if n <= grain.
template <class F>
void for_pieces(index_t n, index_t grain, F&& f) {
  if (n <= grain) {
    f(index_t(0), n);
    return;
  }
  parallel_for((n - 1) / grain + 1, [&](index_t task) { f(task * grain, std::min(grain, n - task * grain)); });
}

// Entries that take a task some 10 us: the grain of loops that do little per entry, and of those with an exponential or
// a logarithm. Twice that pays for waking a thread.
inline constexpr index_t light_grain = 65536;
inline constexpr index_t heavy_grain = 2048;

}  // namespace densegrad

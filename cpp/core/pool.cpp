#include "core/pool.h"

#include <pthread.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>
#include <new>
#include <thread>

#include "core/cpus.h"
#include "core/error.h"
#include "core/workspace.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace densegrad {
namespace {

// Rounding and the treatment of subnormals, which must be the caller's in every thread or bits would depend on who
// computes a task.
#if defined(__x86_64__)
using FloatMode = unsigned;
constexpr unsigned exception_flags = 0x3f;
FloatMode float_mode() { return _mm_getcsr() & ~exception_flags; }
void set_float_mode(FloatMode mode) { _mm_setcsr(mode); }
void relax() { _mm_pause(); }
#elif defined(__aarch64__)
using FloatMode = std::uint64_t;
FloatMode float_mode() {
  FloatMode mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
void set_float_mode(FloatMode mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
void relax() { asm volatile("yield"); }
#endif

// One run_tasks, on the caller's stack. A thread may read it once it holds a task, until it has reported that as done.
struct Call {
  Task f;
  void* context;
  std::uint32_t tasks;
  FloatMode mode;
  std::atomic<std::uint32_t> failed;  // the first task that threw; `tasks` if none
  std::mutex error_lock{};
  std::exception_ptr error{};
};

// What a thread waits for, on a cache line of its own.
struct alignas(64) Signal {
  std::atomic<std::uint32_t> value{0};
};

// Looks for some time before it sleeps: the next call of a training step follows within microseconds.
void wait_for_other(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::microseconds(30);
  do {
    for (int i = 0; i < 32; ++i) {
      if (value.load(std::memory_order_acquire) != old) return;
      relax();
    }
  } while (Clock::now() < end);
  value.wait(old, std::memory_order_acquire);
}

struct Pool {
  std::atomic<int> chosen{0};   // by set_num_threads; 0: not yet
  std::atomic<int> initial{0};  // available_threads(); 0: not asked yet
  std::atomic<bool> busy{false};

  // The rest belongs to the thread that set `busy`; what it shares with workers is atomic.
  bool watches_forks = false;
  std::uint32_t workers = 0;  // that have been started
  std::uint32_t number = 0;   // of the last call
  std::atomic<Call*> call{nullptr};
  // The number of the call (upper half) and how many of its tasks nobody has taken (lower half). A worker that comes late
  // finds another number, or nothing left, and never looks at the call.
  alignas(64) std::atomic<std::uint64_t> left{0};
  Signal done;                                    // tasks that have ended
  std::array<Signal, most_threads - 1> wanted{};  // per worker: the last call that it should join
};

constinit Pool pool;

void run_one(Call& call, std::uint32_t task) {
  if (float_mode() != call.mode) set_float_mode(call.mode);
  if (task > call.failed.load(std::memory_order_relaxed)) return;
  try {
    call.f(call.context, task);
  } catch (...) {
    const std::lock_guard lock(call.error_lock);
    if (task < call.failed.load(std::memory_order_relaxed)) {
      call.failed.store(task, std::memory_order_relaxed);
      call.error = std::current_exception();
    }
  }
}

// Takes tasks of the call with this number, in ascending order, until there are none.
void take_tasks(std::uint32_t number) {
  std::uint64_t seen = pool.left.load(std::memory_order_acquire);
  while (seen >> 32 == number && static_cast<std::uint32_t>(seen) > 0) {
    if (!pool.left.compare_exchange_weak(seen, seen - 1, std::memory_order_acq_rel, std::memory_order_acquire))
      continue;
    Call& call = *pool.call.load(std::memory_order_acquire);
    const std::uint32_t tasks = call.tasks;
    run_one(call, tasks - static_cast<std::uint32_t>(seen));
    // After this the call may be gone.
    if (pool.done.value.fetch_add(1, std::memory_order_acq_rel) + 1 == tasks) pool.done.value.notify_one();
    seen = pool.left.load(std::memory_order_acquire);
  }
}

[[noreturn]] void work(const std::atomic<std::uint32_t>& wanted, std::uint32_t seen) {
  try {
    workspace();                     // now, and not in the midst of a later step
  } catch (const std::bad_alloc&) {  // the task that needs it will say so
  }
  for (;;) {
    std::uint32_t number;
    while ((number = wanted.load(std::memory_order_acquire)) == seen) wait_for_other(wanted, seen);
    seen = number;
    take_tasks(number);
  }
}

// Of the parent's threads the child has only the one that forked.
void forget_threads() {
  pool.workers = 0;
  pool.busy.store(false, std::memory_order_relaxed);
}

// Starts workers until there are `count`, or as many as the system allows.
void start_workers(std::uint32_t count) {
  if (!pool.watches_forks) pool.watches_forks = pthread_atfork(nullptr, nullptr, forget_threads) == 0;
  sigset_t all, old;  // signals are for the threads of the program
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  try {
    for (; pool.workers < count; ++pool.workers) {
      Signal& own = pool.wanted[pool.workers];
      std::thread([&own, seen = own.value.load()] { work(own.value, seen); }).detach();
    }
  } catch (const std::exception&) {  // the threads that there are do the work
  }
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

void run_alone(index_t tasks, Task f, void* context) {
  for (index_t task = 0; task < tasks; ++task) f(context, task);
}

}  // namespace

int num_threads() {
  if (const int n = pool.chosen.load(std::memory_order_relaxed)) return n;
  if (const int n = pool.initial.load(std::memory_order_relaxed)) return n;
  const int n = std::min(available_threads(), most_threads);
  pool.initial.store(n, std::memory_order_relaxed);
  return n;
}

void set_num_threads(index_t n) {
  if (n < 1 || n > most_threads) {
    fail("[set_num_threads] `n` is ", n, ": it must be an integer from 1 to ", most_threads, ".");
  }
  pool.chosen.store(static_cast<int>(n), std::memory_order_relaxed);
}

void run_tasks(index_t tasks, Task f, void* context) {
  if (tasks < 2 || tasks > INT32_MAX || num_threads() == 1 || pool.busy.exchange(true, std::memory_order_acquire)) {
    return run_alone(tasks, f, context);
  }
  const auto threads = std::min<index_t>(num_threads(), tasks);
  const auto helpers = static_cast<std::uint32_t>(threads - 1);
  if (pool.workers < helpers) start_workers(helpers);

  const auto count = static_cast<std::uint32_t>(tasks);
  Call call{f, context, count, float_mode(), count};
  const std::uint32_t number = ++pool.number;
  pool.call.store(&call, std::memory_order_relaxed);
  pool.done.value.store(0, std::memory_order_relaxed);
  pool.left.store(std::uint64_t{number} << 32 | count, std::memory_order_release);
  for (std::uint32_t k = 0; k < std::min(helpers, pool.workers); ++k) {
    pool.wanted[k].value.store(number, std::memory_order_release);
    pool.wanted[k].value.notify_one();
  }
  take_tasks(number);
  std::uint32_t done;
  while ((done = pool.done.value.load(std::memory_order_acquire)) != count) wait_for_other(pool.done.value, done);
  pool.busy.store(false, std::memory_order_release);
  if (call.error) std::rethrow_exception(call.error);
}

}  // namespace densegrad

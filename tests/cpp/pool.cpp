// The thread pool: every task once, in any company, and the same bits for any number of threads.
#include "core/pool.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cfenv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "check.h"
#include "core/cpus.h"
#include "kernels/gemm.h"

namespace densegrad::driver {
namespace {

void spend_time() {
  for (std::atomic<int> i{0}; i < 300; ++i) {
  }
}

// Whether each of `tasks` ran exactly once.
bool each_once(index_t tasks) {
  std::vector<std::atomic<int>> runs(static_cast<std::size_t>(tasks));
  parallel_for(tasks, [&](index_t task) {
    spend_time();
    runs[static_cast<std::size_t>(task)].fetch_add(1);
  });
  for (const auto& n : runs)
    if (n != 1) return false;
  return true;
}

void test_tasks() {
  for (int threads : {1, 2, 3, 4, 7}) {
    const Threads set(threads);
    require(num_threads() == threads, "set_num_threads");
    for (index_t tasks : {0, 1, 2, 3, 5, 64, 1000})
      for (int round = 0; round < 40; ++round) require(each_once(tasks), tasks, " tasks on ", threads, " threads");
  }
  require_throw<std::invalid_argument>(
      "no threads", [] { set_num_threads(0); }, "from 1 to 64");
  require_throw<std::invalid_argument>(
      "too many threads", [] { set_num_threads(65); }, "`n` is 65");
  for (index_t n : {0, 1, 99, 100, 101, 1000}) {
    std::vector<int> seen(static_cast<std::size_t>(n));
    for_pieces(n, 100, [&](index_t first, index_t count) {
      for (index_t i = first; i < first + count; ++i) ++seen[static_cast<std::size_t>(i)];
    });
    require(std::count(seen.begin(), seen.end(), 1) == n, "pieces of ", n);
  }
}

void test_pool_takes_part() {
  const Threads set(4);
  // Two tasks that wait for each other need two threads at once.
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> here{0};
    parallel_for(2, [&](index_t) {
      here.fetch_add(1);
      while (here < 2) std::this_thread::yield();
    });
    require(here == 2, "two threads at once");
  }
}

void test_nested_and_crowded() {
  const Threads set(4);
  std::atomic<int> runs{0};
  parallel_for(5, [&](index_t) { parallel_for(7, [&](index_t) { parallel_for(3, [&](index_t) { ++runs; }); }); });
  require(runs == 105, "nested calls ran ", runs.load(), " tasks");

  std::atomic<int> wrong{0};
  std::vector<std::thread> crowd;
  for (int t = 0; t < 6; ++t) {
    crowd.emplace_back([&wrong, t] {
      for (int round = 0; round < 150; ++round) {
        if (t == 0) set_num_threads(1 + round % 4);
        if (!each_once(1 + (round + t) % 9)) ++wrong;
      }
    });
  }
  for (std::thread& t : crowd) t.join();
  require(wrong == 0, "calls from many threads at once");
}

void test_exceptions() {
  for (int threads : {1, 2, 4}) {
    const Threads set(threads);
    for (int round = 0; round < 100; ++round) {
      const auto throws = [](index_t task) {
        spend_time();
        if (task == 7 || task >= 11) throw std::out_of_range("task " + std::to_string(task));
      };
      require_throw<std::out_of_range>(
          "a task", [&] { parallel_for(30, throws); }, "task 7");
      require(each_once(9), "the call after an exception");
    }
  }
}

// Rounding upwards, 1 + tiny is above 1; a thread that rounds to nearest would see 1.
void test_float_mode() {
  const Threads set(4);
  require(each_once(8), "started before the mode changes");
  const auto count_above = [] {
    std::atomic<int> above{0};
    parallel_for(64, [&](index_t) {
      spend_time();
      volatile double one = 1, tiny = 1e-30;
      if (one + tiny > 1) ++above;
    });
    return above.load();
  };
  std::fesetround(FE_UPWARD);
  const int upwards = count_above();
  std::fesetround(FE_TONEAREST);
  require(upwards == 64, "only ", upwards, " of 64 tasks have the caller's rounding");
  require(count_above() == 0, "rounding of an earlier call");
}

[[maybe_unused]] void test_fork() {
  const Threads set(3);
  require(each_once(50), "before the fork");
  const pid_t child = fork();
  if (child == 0) {
    bool right = num_threads() == 3;
    for (int round = 0; round < 20; ++round) right = right && each_once(50);
    std::atomic<int> here{0};  // the child has threads of its own
    parallel_for(2, [&](index_t) {
      here.fetch_add(1);
      while (here < 2) std::this_thread::yield();
    });
    _exit(right ? 0 : 1);
  }
  int status = -1;
  require(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0, "the forked child");
  require(each_once(50), "the parent after a fork");
}

void test_no_allocation() {
  const Threads set(3);
  std::atomic<index_t> sum{0};
  const auto call = [&] { parallel_for(20, [&](index_t task) { sum += task; }); };
  call();
  const long long before = allocations();
  for (int round = 0; round < 100; ++round) call();
  require(allocations() == before, allocations() - before, " allocations in 100 calls");
  require(sum == 101 * 190, "the sum of tasks");
}

// ---- The same bits for any number of threads ---------------------------------------------------------------------------

template <class F>
void require_same_bits(const std::string& what, F&& f) {
  std::vector<Tensor> expected;
  for (int threads : {1, 2, 3, 4}) {
    const Threads set(threads);
    const std::vector<Tensor> got = f();
    if (expected.empty()) expected = got;
    for (std::size_t i = 0; i < got.size(); ++i)
      require(same_bits(got[i], expected[i]), what, ": result ", i, " has other bits on ", threads, " threads");
  }
}

void test_bits_of_products(Rng& rng) {
  struct Sizes {
    index_t m, n, k;
  };
  // Small panels, large ones of either side, sums in blocks, an empty sum, odd extents.
  for (const Sizes& s : {Sizes{256, 10, 512},
                         {301, 257, 131},
                         {67, 1031, 129},
                         {1031, 67, 301},
                         {129, 131, 803},
                         {600, 1, 1},
                         {513, 65, 0}}) {
    for (DType dtype : {DType::float32, DType::float64}) {
      const Tensor a = uniform(rng, {s.m, s.k}, -1, 1, dtype), b = uniform(rng, {s.k, s.n}, -1, 1, dtype);
      const Tensor at = uniform(rng, {s.k, s.m}, -1, 1, dtype), bt = uniform(rng, {s.n, s.k}, -1, 1, dtype);
      std::ostringstream what;
      what << "product " << s.m << " x " << s.k << " x " << s.n;
      require_same_bits(what.str(), [&] {
        return std::vector{matmul(a, b), matmul(a, bt, false, true), matmul(at, b, true, false)};
      });
    }
  }
  const Tensor many = uniform(rng, {37, 1, 31, 33}), others = uniform(rng, {5, 33, 29});
  require_same_bits("batched product", [&] { return std::vector{matmul(many, others)}; });
}

void test_bits_of_passes(Rng& rng) {
  for (DType dtype : {DType::float32, DType::float64}) {
    const Tensor x = uniform(rng, {613, 331}, -3, 3, dtype), y = uniform(rng, {613, 331}, 0.1, 3, dtype);
    const Tensor row = uniform(rng, {331}, 0.1, 1, dtype), column = uniform(rng, {613, 1}, 0.1, 1, dtype);
    for (int op = 0; op < size_of<Unary>(); ++op)
      require_same_bits("unary", [&] { return std::vector{unary(static_cast<Unary>(op), y)}; });
    for (int op = 0; op < size_of<Binary>(); ++op) {
      const auto b = static_cast<Binary>(op);
      require_same_bits("binary", [&] {
        return std::vector{binary(b, y, x), binary(b, y, row), binary(b, column, x)};
      });
    }
    require_same_bits("comparison, choice, cast", [&] {
      const Tensor greater = compare(Compare::greater, x, row);
      return std::vector{greater, where(greater, x, column), clip(x, -1, 1), cast(x, DType::int32),
                         cast(greater, dtype)};
    });
    for (int i = 0; i < size_of<Activation>(); ++i) {
      const ActivationParams params = params_of(static_cast<Activation>(i));
      require_same_bits("activation", [&] {
        const Tensor a = activation(params, x, -1);
        return std::vector{a, activation_grad(params, a, x, y), activation(params, reshape(x, {613 * 331}), -1)};
      });
    }
    require_same_bits("reductions", [&] {
      return std::vector{sum(x),           sum(x, Shape{0}), sum(x, Shape{1}),       max(x, Shape{1}),
                         max(x, Shape{0}), argmax(x, 1),     logsumexp(x, Shape{1}), logsumexp(x, Shape{0})};
    });
  }
  // The pieces of a long sum are those of the kernel: tests of 1 thread against 2 would not see another tree.
  const Tensor lengths[] = {uniform(rng, {65537}), uniform(rng, {200003}), uniform(rng, {1 << 18})};
  for (const Tensor& x : lengths) {
    Tensor direct(DType::float64, {});
    kernels().f64.sum(1, x.size(), 1, x.data<double>(), direct.mutable_data<double>());
    require(same_bits(sum(x), direct), "a sum of ", x.size(), " in pieces");
  }
}

// ---- Quotas ------------------------------------------------------------------------------------------------------------

void test_quotas() {
  namespace fs = std::filesystem;
  const fs::path root = fs::temp_directory_path() / ("densegrad-" + std::to_string(getpid()));
  require(fs::create_directory(root), "a temporary directory");
  const auto write = [&](const fs::path& file, const char* text) {
    fs::create_directories((root / file).parent_path());
    std::ofstream(root / file) << text;
  };
  const auto cpus = [&] { return cgroup_cpus((root / "groups").string(), root.string()); };
  require(cpus() == 0, "no list of groups");
  write("groups", "0::/a/b\n");
  require(cpus() == 0, "no files");
  write("a/b/cpu.max", "max 100000\n");
  require(cpus() == 0, "no limit");
  write("cpu.max", "350000 100000\n");
  require(cpus() == 4, "a limit of the root, rounded up");
  write("a/cpu.max", "200000 100000\n");
  require(cpus() == 2, "a limit on the way");
  write("a/b/cpu.max", "50000 100000\n");
  require(cpus() == 1, "half a CPU");
  write("groups", "12:memory:/c\n4:cpu,cpuacct:/c\n1:name=systemd:/\n");
  write("cpu/c/cpu.cfs_period_us", "100000\n");
  write("cpu/c/cpu.cfs_quota_us", "-1\n");
  require(cpus() == 0, "version 1 without a limit");
  write("cpu/c/cpu.cfs_quota_us", "300000\n");
  require(cpus() == 3, "version 1");
  fs::remove_all(root);
}

void test_environment() {
  const char* names[] = {"OMP_NUM_THREADS", "DENSEGRAD_NUM_THREADS"};
  std::vector<std::string> before;
  for (const char* name : names) before.push_back(std::getenv(name) ? std::getenv(name) : "");
  const auto with = [&](const char* omp, const char* own) {
    setenv(names[0], omp, 1);
    setenv(names[1], own, 1);
    return available_threads();
  };
  const int all = with("", "");
  require(all >= 1, "available threads");
  require(with("1", "") == 1 && with("", "1") == 1 && with("1,4", "9999") == 1, "variables that ask for one thread");
  require(with("9999", "9999") == all, "variables that ask for more than there are");
  require(with("many", "") == all && with("0", "") == all, "an OMP_NUM_THREADS that is no number");
  for (const char* bad : {"0", "-1", "two", "2,3", "1.5"})
    require_throw<std::invalid_argument>(
        "DENSEGRAD_NUM_THREADS", [&] { with("", bad); }, "must be a positive integer");
  for (std::size_t i = 0; i < 2; ++i) before[i].empty() ? unsetenv(names[i]) : setenv(names[i], before[i].c_str(), 1);
}

}  // namespace

void test_pool(Rng& rng) {
  test_tasks();
  test_pool_takes_part();
  test_nested_and_crowded();
  test_exceptions();
  test_float_mode();
#ifndef __SANITIZE_THREAD__  // which starts no threads in a forked child
  test_fork();
#endif
  test_no_allocation();
  test_bits_of_products(rng);
  test_bits_of_passes(rng);
  test_quotas();
  test_environment();
}

}  // namespace densegrad::driver

#include "core/cpus.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "core/error.h"

#ifdef __linux__
#include <sched.h>
#endif

namespace densegrad {
namespace {

// The CPUs of the affinity mask. It is asked for in growing sizes: the kernel refuses one smaller than its own.
int usable_cpus() {
#ifdef __linux__
  for (int size = 1024; size <= 1 << 20; size *= 4) {
    cpu_set_t* set = CPU_ALLOC(static_cast<std::size_t>(size));
    if (!set) break;
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(size));
    const int count = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (count > 0) return count;
  }
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

int cpus_of(double quota, double period) {
  if (!(quota > 0) || !(period > 0)) return 0;
  return static_cast<int>(std::min(std::ceil(quota / period), 1e6));
}

// The limit that one directory sets, 0 if none.
int limit_of(const std::string& directory, bool version_2) {
  double quota = 0, period = 0;
  if (version_2) {
    std::ifstream(directory + "/cpu.max") >> quota >> period;  // "max 100000" leaves the quota 0
  } else {
    std::ifstream(directory + "/cpu.cfs_quota_us") >> quota;  // -1: none
    std::ifstream(directory + "/cpu.cfs_period_us") >> period;
  }
  return cpus_of(quota, period);
}

int smaller_limit(int a, int b) { return a == 0 ? b : b == 0 ? a : std::min(a, b); }

// The positive integer at the start of an environment variable; 0 if there is none.
int count_of(const char* text, bool whole) {
  const std::string value(text);
  int n = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), n);
  const bool ends = end == value.data() + value.size() || (!whole && *end == ',');  // OpenMP's list: one per level
  return error == std::errc() && ends && n > 0 ? n : 0;
}

}  // namespace

int cgroup_cpus(const std::string& memberships, const std::string& root) {
  int least = 0;
  std::ifstream lines(memberships);
  // hierarchy:controllers:/path; version 2 has no controllers. In a container the path may be the host's, but the
  // file system's root is then the container's own group.
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const bool version_2 = second == first + 1;
    line[first] = line[second] = ',';
    if (!version_2 && line.substr(first, second - first + 1).find(",cpu,") == std::string::npos) continue;
    const std::string mount = root + (version_2 ? "" : "/cpu");
    for (std::string path = line.substr(second + 1);; path.resize(path.rfind('/'))) {
      least = smaller_limit(least, limit_of(mount + path, version_2));
      if (path.find('/') == std::string::npos) break;
    }
  }
  return least;
}

int available_threads() {
  int n = usable_cpus();
  n = smaller_limit(n, cgroup_cpus("/proc/self/cgroup", "/sys/fs/cgroup"));
  if (const char* omp = std::getenv("OMP_NUM_THREADS")) n = smaller_limit(n, count_of(omp, false));
  const char* own = std::getenv("DENSEGRAD_NUM_THREADS");
  if (own && *own != '\0') {
    if (count_of(own, true) == 0) {
      fail("[threads] DENSEGRAD_NUM_THREADS is '", own, "': it must be a positive integer.");
    }
    n = std::min(n, count_of(own, true));
  }
  return n;
}

}  // namespace densegrad

// How many threads this process should use at most.
#pragma once

#include <string>

namespace densegrad {

// The least of: the CPUs that the process may run on, its cgroup's quota, OMP_NUM_THREADS and DENSEGRAD_NUM_THREADS.
// At least 1. Throws std::invalid_argument if DENSEGRAD_NUM_THREADS is set to anything but a positive integer; another
// program's OMP_NUM_THREADS is passed over then.
int available_threads();

// The CPUs, rounded up, that the cgroup of a process may use, by any limit on the way to the root; 0 without a limit.
// `memberships` is /proc/self/cgroup, `root` where the cgroup file systems are mounted: versions 1 and 2.
int cgroup_cpus(const std::string& memberships, const std::string& root);

}  // namespace densegrad

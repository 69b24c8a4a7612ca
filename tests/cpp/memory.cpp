// Results do not depend on what memory held before, nor on the thread that computes them.
#include <atomic>
#include <cstdlib>
#include <thread>

#include "check.h"
#include "core/blocks.h"

// Fresh memory of the whole process is filled with a byte of our choice. (glibc's own M_PERTURB leaves out its
// per-thread cache.) Under AddressSanitizer, which owns malloc, only the stale blocks below differ.
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define DENSEGRAD_FILL_MALLOC
#include <link.h>
extern "C" void* __libc_malloc(std::size_t size);

namespace {
std::atomic<int> fill_byte{-1};
std::atomic<long long> malloc_calls{0};

// Where the code of the BLAS lies. Some of its kernels for small products take scratch memory, which they give back.
std::atomic<std::uintptr_t> blas_begin{0}, blas_end{0};

int find_blas(dl_phdr_info* library, std::size_t, void*) {
  if (!std::strstr(library->dlpi_name, "blas")) return 0;
  for (int i = 0; i < library->dlpi_phnum; ++i) {
    const auto& segment = library->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X)) continue;
    blas_begin = library->dlpi_addr + segment.p_vaddr;
    blas_end = blas_begin + segment.p_memsz;
  }
  return 1;
}
}  // namespace

extern "C" void* malloc(std::size_t size) {
  const auto caller = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
  const bool of_blas =
      caller >= blas_begin.load(std::memory_order_relaxed) && caller < blas_end.load(std::memory_order_relaxed);
  if (!of_blas) malloc_calls.fetch_add(1, std::memory_order_relaxed);
  void* p = __libc_malloc(size);
  const int fill = fill_byte.load(std::memory_order_relaxed);
  if (p && fill >= 0) std::memset(p, fill, size);
  return p;
}
#endif

namespace densegrad::driver {
namespace {

class Poison {
 public:
  explicit Poison([[maybe_unused]] int byte) {
    std::vector<std::unique_ptr<unsigned char[]>> stale;
    for (std::size_t size = 16; size <= 1 << 17; size += size / 4) {
      for (int i = 0; i < 8; ++i) {
        stale.emplace_back(new unsigned char[size]);
        std::memset(stale.back().get(), byte, size);
      }
    }
    stale.clear();
#ifdef DENSEGRAD_FILL_MALLOC
    fill_byte = byte;
#endif
  }
  ~Poison() {
#ifdef DENSEGRAD_FILL_MALLOC
    fill_byte = -1;
#endif
  }
  Poison(const Poison&) = delete;
  Poison& operator=(const Poison&) = delete;
};

void require_same(const std::string& what, const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  require(a.size() == b.size(), what, ": ", a.size(), " results and ", b.size());
  for (std::size_t i = 0; i < a.size(); ++i) require(same_bits(a[i], b[i]), what, ": result ", i, " has other bits");
}

// First and second derivatives, so that decompositions run too.
std::vector<Tensor> results(const Network& net) {
  std::vector<Tensor> out = net.step(false);
  Tape tape(false, false);
  tape.enter();
  tape.watch(net.tensors[1]);
  const std::vector<Tensor> first = net.step(false);
  Tensor norm;
  for (const Tensor& g : first) norm = norm.defined() ? add(norm, sum(multiply(g, g))) : sum(multiply(g, g));
  out.push_back(tape.gradient({norm}, {net.tensors[1]}, {})[0]);
  return out;
}

void test_poison(Rng& rng) {
#ifdef DENSEGRAD_FILL_MALLOC
  {  // the filling itself
    const Poison poison(0xab);
    const Tensor t(DType::boolean, {1000});
    require(static_cast<const unsigned char*>(t.raw())[999] == 0xab, "fresh memory is not filled");
  }
#endif
  for (int round = 0; round < 60; ++round) {
    const Network net = random_network(rng, 67, 65).as(round % 2 ? DType::float32 : DType::float64);
    std::vector<std::vector<Tensor>> runs;
    for (int byte : {0x00, 0xff, 0x7f}) {  // zeros, NaNs, huge numbers
      const Poison poison(byte);
      runs.push_back(results(net));
    }
    require_same(net.describe() + " on other memory", runs[0], runs[1]);
    require_same(net.describe() + " on other memory", runs[0], runs[2]);
  }
}

void test_threads(Rng& rng) {
  constexpr int threads = 4, rounds = 10;
  std::vector<Network> nets;
  std::vector<std::vector<Tensor>> expected;
  for (int i = 0; i < rounds; ++i) {
    nets.push_back(random_network(rng, 67, 65).as(i % 2 ? DType::float32 : DType::float64));
    expected.push_back(results(nets.back()));
  }
  std::vector<std::vector<std::vector<Tensor>>> got(threads);
  std::vector<std::string> errors(threads);
  std::vector<std::thread> pool;
  for (std::size_t t = 0; t < threads; ++t) {
    pool.emplace_back([&, t] {
      try {
        for (std::size_t i = 0; i < rounds; ++i) got[t].push_back(results(nets[(i + t) % rounds]));
        if (!recorders().empty()) errors[t] = "a recorder is still open";
      } catch (const std::exception& e) {
        errors[t] = e.what();
      }
    });
  }
  for (std::thread& thread : pool) thread.join();
  for (std::size_t t = 0; t < threads; ++t) {
    require(errors[t].empty(), "thread ", t, ": ", errors[t]);
    for (std::size_t i = 0; i < rounds; ++i) {
      const std::size_t n = (i + t) % rounds;
      require_same(nets[n].describe() + " on a thread", expected[n], got[t][i]);
    }
  }
}

}  // namespace

bool counts_allocations() {
#ifdef DENSEGRAD_FILL_MALLOC
  return true;
#else
  return false;
#endif
}

long long allocations() {
#ifdef DENSEGRAD_FILL_MALLOC
  if (blas_end == 0) dl_iterate_phdr(find_blas, nullptr);
  return malloc_calls;
#else
  return 0;
#endif
}

// A freed block of middle size is the next one of its size; a thread keeps a bounded number of them.
void test_kept_blocks() {
  if (!counts_allocations()) return;
  constexpr std::size_t bytes = 100'000;
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 3 * most_kept_blocks; ++i) blocks.push_back(take_block(bytes + i));
  for (std::size_t i = 0; i < blocks.size(); ++i) give_block(blocks[i], bytes + i);
  long long before = allocations();
  for (std::size_t i = blocks.size(); i-- > 0;) {
    const bool kept = i >= blocks.size() - most_kept_blocks;  // the last ones
    void* again = take_block(bytes + i);
    require(!kept || again == blocks[i], "block ", i, " was not kept");
    blocks[i] = again;
  }
  const auto made = static_cast<long long>(blocks.size() - most_kept_blocks);
  require(allocations() - before == made, allocations() - before, " blocks were allocated, not ", made);

  // On another thread, which ends.
  std::thread([&] {
    for (std::size_t i = 0; i < blocks.size(); ++i) give_block(blocks[i], bytes + i);
  }).join();
  before = allocations();
  give_block(take_block(bytes), bytes);
  require(allocations() - before == 1, "a block was kept by a thread that is no more");
  return_freed_memory();
  before = allocations();
  give_block(take_block(bytes), bytes);
  require(allocations() - before == 1, "a block was kept that had to be returned");

  // Small and large ones go to malloc, and so does what would be too much.
  for (const std::size_t size : {std::size_t(1000), std::size_t(9) << 20}) {
    give_block(take_block(size), size);
    before = allocations();
    give_block(take_block(size), size);
    require(allocations() - before == 1, "a block of ", size, " bytes was kept");
  }
  std::vector<void*> large;
  for (int i = 0; i < 3; ++i) large.push_back(take_block(most_kept_bytes / 2));
  for (void* block : large) give_block(block, most_kept_bytes / 2);
  before = allocations();
  for (void*& block : large) block = take_block(most_kept_bytes / 2);
  require(allocations() - before == 1, "more than ", most_kept_bytes, " bytes were kept");
  for (void* block : large) give_block(block, most_kept_bytes / 2);
}

void test_memory_and_threads(Rng& rng) {
  test_kept_blocks();
  test_poison(rng);
  test_threads(rng);
}

}  // namespace densegrad::driver

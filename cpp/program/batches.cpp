#include "program/batches.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace densegrad {

namespace {

// One argument: where its rows are, and where those of a batch are gathered.
struct Column {
  const std::byte* rows;
  std::size_t row_bytes;
  Tensor gathered;

  const void* batch(const Rows& all, index_t first, index_t size) {
    if (!all.order) return rows + static_cast<std::size_t>(first) * row_bytes;
    auto* to = static_cast<std::byte*>(gathered.raw());
    for (index_t i = 0; i < size; ++i) {
      const auto from = static_cast<std::size_t>(all.order[first + i]) * row_bytes;
      std::memcpy(to + static_cast<std::size_t>(i) * row_bytes, rows + from, row_bytes);
    }
    return to;
  }
};

}  // namespace

index_t run_batches(Program& program, const Rows& rows, index_t first, index_t times, double seconds,
                    std::vector<Tensor>& results) {
  std::vector<Column> columns;
  index_t size = 0;
  for (std::size_t i = 0; i < rows.columns.size(); ++i) {
    const Program::Argument& a = program.arguments()[i];
    size = a.shape[0];
    const auto row_bytes = static_cast<std::size_t>(a.shape.count(1, a.shape.rank()) * item_size(a.dtype));
    columns.push_back({rows.columns[i], row_bytes, rows.order ? Tensor(a.dtype, a.shape) : Tensor()});
  }
  std::vector<const void*> memory(columns.size());
  using Clock = std::chrono::steady_clock;
  // The end of a long program's results costs nothing beside it, and another run of it would come late.
  const bool always_whole = program.work() > 1e6;
  const auto between_looks = static_cast<index_t>(std::max(1.0, 20e3 / program.work()));  // at the clock
  program.make_results(results);
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  for (index_t done = 1;; ++done) {
    for (std::size_t i = 0; i < columns.size(); ++i) memory[i] = columns[i].batch(rows, first, size);
    first += size;
    const bool last = done == times || (done % between_looks == 0 && Clock::now() >= end);
    program.run_on(memory, last || always_whole);
    if (last || (always_whole && Clock::now() >= end)) return done;
  }
}

}  // namespace densegrad

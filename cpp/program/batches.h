// A program run on one batch of rows after the other.
#pragma once

#include <cstddef>
#include <vector>

#include "program/program.h"

namespace densegrad {

// The arguments of a program, each with one row per sample; rows are gathered by `order`, or taken as they lie.
struct Rows {
  std::vector<const std::byte*> columns;  // one per argument, C-contiguous
  index_t count;                          // of rows
  const index_t* order;                   // `count` row numbers in [0, count); null: 0, 1, ...
};

// Runs it on the batches that start at row `first`, `times` at most, each as long as the program's arguments, until
// `seconds` are over; returns how many, at least one. The results are those of the last run. Who calls holds the program's
// mutex.
index_t run_batches(Program& program, const Rows& rows, index_t first, index_t times, double seconds,
                    std::vector<Tensor>& results);

}  // namespace densegrad

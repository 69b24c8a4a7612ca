// Program: a script, frozen. It runs as a loop over function pointers, on memory that was planned once.
#pragma once

#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "program/steps.h"

namespace densegrad {

class Program {
 public:
  explicit Program(Script script);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // What the arguments have to be: contiguous memory of these.
  struct Argument {
    DType dtype;
    Shape shape;
  };
  const std::vector<Argument>& arguments() const { return arguments_; }

  // Runs it with the memory of the arguments, which is borrowed for the call. The results own theirs: they are made where
  // `results` is empty, and those of an earlier run, which nobody else has, are written over. Allocates nothing else.
  void run(std::span<const void* const> arguments, std::vector<Tensor>& results);
  // The same in parts, to run it many times for the results of the last: memory for them, then runs. One that is not
  // `whole` leaves out what has no effect beyond the results.
  void make_results(std::vector<Tensor>& results);
  void run_on(std::span<const void* const> arguments, bool whole);
  // Who runs it holds this.
  std::mutex& mutex() { return mutex_; }

  // An estimate of the time of one run, in nanoseconds, from the work of its instructions.
  double work() const { return work_; }
  std::size_t arena_bytes() const { return arena_bytes_; }
  std::size_t instruction_count() const { return instructions_.size(); }
  const std::byte* arena() const { return arena_->data; }
  // The gradients that one update takes, in the order of its variables, one behind the other in the arena. Those that are
  // arguments, constants or values of variables stay where they are.
  struct Gradients {
    std::vector<std::size_t> offsets;  // multiples of `arena_alignment`
    std::size_t bytes;                 // of all, each rounded up to the alignment
  };
  const std::vector<Gradients>& gradients() const { return gradients_; }
  std::string describe() const;

  // Fills the arena with NaN: no result may depend on what was there.
  void poison();

 private:
  struct Instruction {
    const Primitive* primitive;
    Params params;
    std::function<void(const Tensors&)> again;
    const char* name;
    Tensors inputs, outputs;
    bool conditional;  // if any of these applies
    bool for_results_only;
    std::shared_ptr<const Condition> due;

    bool runs(bool whole) const { return (whole || !for_results_only) && (!due || (*due)()); }
  };
  struct Result {
    DType dtype;
    Shape shape;
    Ref<Storage> memory;  // another block at each run
  };

  friend class Lowering;

  std::vector<Argument> arguments_;
  std::vector<Ref<Storage>> argument_memory_;
  std::vector<Result> results_;
  std::vector<Instruction> instructions_;
  std::vector<std::shared_ptr<Variable>> variables_;  // kept alive
  Ref<Storage> arena_;
  std::vector<Gradients> gradients_;
  std::size_t arena_bytes_ = 0;
  double work_ = 0;
  std::mutex mutex_;
};

}  // namespace densegrad

// History: what a thread computed while tapes were open, for programs that compute a part of it again.
#pragma once

#include <memory>
#include <vector>

#include "core/flat_map.h"
#include "program/steps.h"

namespace densegrad {

// It follows operations alone. What none of them gave is an argument of the programs, with the value that it had then:
// numbers and arrays, results from before, values of variables between two assignments. So no effect is repeated.
class History final : public Observer {
 public:
  History();
  ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // What computes these results again, and the arguments that it takes.
  Script script(const std::vector<Tensor>& results, std::vector<Tensor>& arguments);
  // Whether an operation gave it that was followed.
  bool made(const Tensor& t) const;
  // Whether it is the observer of the thread that calls.
  bool is_here() const { return recorder_stack()->observer == this; }

  void saw(const Primitive&, const Params&, const Tensors& inputs, const Tensors& outputs) override;
  bool can_spare(const Tensor& input) const override { return !follows() || made(input); }

  bool always = false;  // follow operations although no tape is open

 private:
  bool follows() const { return always || !stack_->open().empty(); }
  int add(const Tensor& t, ScriptValue::Kind kind);
  int value_of(const Tensor& t);
  // The steps that these values come from, in order.
  std::vector<std::size_t> steps_to(const std::vector<int>& values) const;

  std::shared_ptr<RecorderStack> stack_;
  std::vector<ScriptValue> values_;  // arguments have their tensors
  std::vector<std::size_t> origin_;  // of each value that was made: the step
  std::vector<ScriptStep> steps_;
  FlatMap<int> ids_;  // value + 1, by the tensor's identity
};

}  // namespace densegrad

// ProgramTrace: writes down everything that a function does while it runs, so that a program can do it again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/flat_map.h"
#include "ops/variable.h"
#include "program/steps.h"

namespace densegrad {

// The function runs on real values, effects and all; the trace is what it did. It follows every operation of its thread,
// also where tapes are paused. Recorders that were opened before it do not see the operations: a caller with open tapes
// has to run the function without a trace.
class ProgramTrace : public Recorder {
 public:
  explicit ProgramTrace(const std::vector<Tensor>& arguments);
  virtual ~ProgramTrace() { stop(); }
  ProgramTrace(const ProgramTrace&) = delete;
  ProgramTrace& operator=(const ProgramTrace&) = delete;

  void stop();
  // What was done, with the values that are the results. At most once; not if something was refused.
  Script script(const std::vector<Tensor>& results);
  // Why no program can do the same; empty if one can.
  const std::string& refusal() const { return refusal_; }
  // Whether variables were made: the next time the function finds them, or it makes others.
  bool makes_variables() const { return makes_variables_; }

  bool tracks(const Tensors&) const override { return true; }
  void record(Node&& node) override;
  void happens(Effect effect) override;
  void only_if(std::shared_ptr<const Condition> due) override { due_ = std::move(due); }
  void accessed(const std::shared_ptr<Variable>& variable) override;
  void cut(const char* what, const Tensors& inputs, const Tensors& outputs) override;
  void made_variable() override { makes_variables_ = true; }
  void unrepeatable(const std::string& reason) override { refuse(reason); }

 protected:
  virtual std::string place() const { return {}; }  // " at file:line" of the statement that runs in the host language

 private:
  void refuse(const std::string& reason);
  int add(ScriptValue value);
  bool is_constant(int value) const;
  int value_of(const Tensor& t);
  int variable_value(Variable& variable);
  int old_value(const Tensor& t, int variable);

  // A value that a variable had before an effect, while somebody still reads it.
  struct Version {
    Ref<Storage> storage;
    int variable;
    std::size_t before;  // the effect, as a step
    int value = -1;      // its copy, once it is read
  };

  std::shared_ptr<RecorderStack> stack_;
  Script script_;
  FlatMap<int> ids_;  // value + 1, by the tensor's identity
  std::vector<Version> versions_;
  std::shared_ptr<const Condition> due_;
  std::string refusal_;
  bool makes_variables_ = false;
};

}  // namespace densegrad

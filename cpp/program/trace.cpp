#include "program/trace.h"

#include <algorithm>

namespace densegrad {

namespace {

bool has_values(const Tensors& tensors) {
  return std::all_of(tensors.begin(), tensors.end(), [](const Tensor& t) { return t.has_storage(); });
}

}  // namespace

ProgramTrace::ProgramTrace(const std::vector<Tensor>& arguments) : Recorder(true), stack_(recorder_stack()) {
  for (const Tensor& t : arguments) {
    script_.arguments.push_back(add({ScriptValue::argument, t.dtype(), t.shape()}));
    ids_[t.id()] = script_.arguments.back() + 1;
  }
  stack_->push(this);
}

void ProgramTrace::stop() {
  if (stack_) stack_->remove(this);
  stack_.reset();
}

void ProgramTrace::refuse(const std::string& reason) {
  if (refusal_.empty()) refusal_ = reason + place();
}

int ProgramTrace::add(ScriptValue value) {
  script_.values.push_back(std::move(value));
  return static_cast<int>(script_.values.size()) - 1;
}

void ProgramTrace::accessed(const std::shared_ptr<Variable>& variable) { variable_value(*variable); }

int ProgramTrace::variable_value(Variable& variable) {
  int& known = ids_[variable.value().id()];
  if (known == 0) {
    const Tensor& t = variable.value();
    known = add({ScriptValue::variable, t.dtype(), t.shape(), {}, variable.shared_from_this()}) + 1;
  }
  return known - 1;
}

bool ProgramTrace::is_constant(int value) const {
  return script_.values[static_cast<std::size_t>(value)].kind == ScriptValue::constant;
}

int ProgramTrace::value_of(const Tensor& t) {
  const int* known = ids_.find(t.id());
  if (!known) {
    const int value = add({ScriptValue::constant, t.dtype(), t.shape(), t});
    ids_[t.id()] = value + 1;
    return value;
  }
  const int value = *known - 1;
  const ScriptValue& v = script_.values[static_cast<std::size_t>(value)];
  if (v.kind == ScriptValue::variable && t.storage().get() != v.source->value().storage().get()) {
    return old_value(t, value);
  }
  return value;
}

int ProgramTrace::old_value(const Tensor& t, int variable) {
  const auto version = std::find_if(versions_.begin(), versions_.end(),
                                    [&](const Version& v) { return v.storage.get() == t.storage().get(); });
  if (version == versions_.end()) {
    refuse("a value of variable '" + script_.values[static_cast<std::size_t>(variable)].source->name +
           "' is read that it had before the function was called");
    return variable;
  }
  if (version->value < 0) version->value = add({ScriptValue::made, t.dtype(), t.shape()});
  return version->value;
}

void ProgramTrace::record(Node&& node) {
  // The function behind a custom derivative was recorded when it ran; shapes alone are nothing to do.
  if (std::holds_alternative<CustomParams>(node.params) || !has_values(node.outputs)) return;
  ScriptStep step{
      .primitive = node.primitive, .params = std::move(node.params), .name = node.primitive->name, .due = due_};
  for (const Tensor& t : node.inputs) step.inputs.push_back(value_of(t));
  if (std::all_of(step.inputs.begin(), step.inputs.end(), [&](int v) { return is_constant(v); })) {
    for (const Tensor& t : node.outputs) value_of(t);  // what is computed from constants is one
    return;
  }
  for (const Tensor& t : node.outputs) {
    step.outputs.push_back(add({ScriptValue::made, t.dtype(), t.shape()}));
    ids_[t.id()] = step.outputs.back() + 1;
  }
  script_.steps.push_back(std::move(step));
}

void ProgramTrace::happens(Effect effect) {
  if (!effect.again) refuse(std::string("`") + effect.name + "` does something else at every call");
  ScriptStep step{.again = std::move(effect.again), .name = effect.name, .gradients = effect.gradients, .due = due_};
  for (const Tensor& t : effect.inputs) step.inputs.push_back(value_of(t));
  for (const auto& variable : effect.written) {
    step.written.push_back(variable_value(*variable));
    const Tensor& t = variable->value();
    if (!t.is_unshared()) versions_.push_back({t.storage(), step.written.back(), script_.steps.size()});
  }
  script_.steps.push_back(std::move(step));
}

void ProgramTrace::cut(const char* what, const Tensors& inputs, const Tensors& outputs) {
  if (!outputs.empty()) return;
  const auto constant = [&](const Tensor& t) {
    const int* known = ids_.find(t.id());
    return !known || is_constant(*known - 1);
  };
  if (!inputs.empty() && std::all_of(inputs.begin(), inputs.end(), constant)) return;
  refuse(std::string("`") + what + "` takes a value out of the function");
}

Script ProgramTrace::script(const std::vector<Tensor>& results) {
  for (const Tensor& t : results) script_.results.push_back(value_of(t));
  // Copies of old values, each before the effect that overwrites it; from the last, so that positions stay.
  std::stable_sort(versions_.begin(), versions_.end(), [](auto& a, auto& b) { return a.before > b.before; });
  for (const Version& version : versions_) {
    if (version.value < 0) continue;
    ScriptStep copy{.inputs = {version.variable}, .outputs = {version.value}};
    script_.steps.insert(script_.steps.begin() + static_cast<std::ptrdiff_t>(version.before), std::move(copy));
  }
  return std::move(script_);
}

}  // namespace densegrad

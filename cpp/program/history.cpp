#include "program/history.h"

#include <algorithm>
#include <functional>
#include <set>
#include <unordered_map>

namespace densegrad {

namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

}  // namespace

History::History() : stack_(recorder_stack()) { stack_->observer = this; }

History::~History() {
  if (stack_->observer == this) stack_->observer = nullptr;
}

bool History::made(const Tensor& t) const {
  const int* known = ids_.find(t.id());
  return known && values_[at(*known - 1)].kind == ScriptValue::made;
}

int History::add(const Tensor& t, ScriptValue::Kind kind) {
  values_.push_back({kind, t.dtype(), t.shape(), kind == ScriptValue::argument ? t : Tensor()});
  origin_.push_back(steps_.size());
  const int value = static_cast<int>(values_.size()) - 1;
  ids_[t.id()] = value + 1;
  return value;
}

int History::value_of(const Tensor& t) {
  if (const int* known = ids_.find(t.id())) {
    // A variable that was assigned since has its identity still, and other memory than the value that is kept here.
    const ScriptValue& v = values_[at(*known - 1)];
    if (v.kind == ScriptValue::made || v.tensor.storage().get() == t.storage().get()) return *known - 1;
  }
  return add(t, ScriptValue::argument);
}

void History::saw(const Primitive& primitive, const Params& params, const Tensors& inputs, const Tensors& outputs) {
  const auto symbolic = [](const Tensor& t) { return !t.has_storage(); };
  // The function behind a custom derivative was seen when it ran.
  if (!follows() || std::holds_alternative<CustomParams>(params) ||
      std::any_of(outputs.begin(), outputs.end(), symbolic))
    return;
  ScriptStep step{.primitive = &primitive, .params = params, .name = primitive.name};
  for (const Tensor& t : inputs) step.inputs.push_back(value_of(t));
  for (const Tensor& t : outputs) step.outputs.push_back(add(t, ScriptValue::made));
  steps_.push_back(std::move(step));
}

std::vector<std::size_t> History::steps_to(const std::vector<int>& values) const {
  std::vector<std::size_t> found;
  std::set<std::size_t, std::greater<>> ahead;
  const auto come_from = [&](const std::vector<int>& some) {
    for (const int v : some)
      if (values_[at(v)].kind == ScriptValue::made) ahead.insert(origin_[at(v)]);
  };
  for (come_from(values); !ahead.empty(); come_from(steps_[found.back()].inputs)) {
    found.push_back(*ahead.begin());
    ahead.erase(ahead.begin());
  }
  std::reverse(found.begin(), found.end());
  return found;
}

Script History::script(const std::vector<Tensor>& results, std::vector<Tensor>& arguments) {
  Script script;
  std::unordered_map<int, int> places;  // of the values, in the script
  const auto placed = [&](const std::vector<int>& values) {
    std::vector<int> found;
    for (const int v : values) {
      const auto [place, fresh] = places.try_emplace(v, static_cast<int>(script.values.size()));
      found.push_back(place->second);
      if (!fresh) continue;
      const ScriptValue& value = values_[at(v)];
      script.values.push_back({value.kind, value.dtype, value.shape});
      if (value.kind != ScriptValue::argument) continue;
      script.arguments.push_back(place->second);
      arguments.push_back(value.tensor);
    }
    return found;
  };
  std::vector<int> wanted;
  for (const Tensor& t : results) wanted.push_back(value_of(t));
  for (const std::size_t s : steps_to(wanted)) {
    ScriptStep step = steps_[s];
    step.inputs = placed(step.inputs);
    step.outputs = placed(step.outputs);
    script.steps.push_back(std::move(step));
  }
  script.results = placed(wanted);
  return script;
}

}  // namespace densegrad

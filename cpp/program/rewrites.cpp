#include "program/rewrites.h"

#include <algorithm>
#include <numeric>
#include <string_view>

#include "ops/ops.h"

namespace densegrad {

namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

class Rewrites {
 public:
  explicit Rewrites(Script& script) : script_(script) {}

  Uses run() {
    copy_results();
    drop_unneeded();
    join_losses();
    join_squares();
    copy_unsafe_views();
    copy_shared_gradients();
    return std::move(uses_);
  }

 private:
  ScriptValue& value(int v) { return script_.values[at(v)]; }

  // Results have memory of their own, which no argument, variable, constant or update has, and no two of them share.
  void copy_results() {
    std::vector<char> taken(script_.values.size(), 0);
    std::vector<int> root = roots(script_);
    for (const ScriptStep& step : script_.steps)
      for (const int v : gradients_of(step)) taken[at(root[at(v)])] = 1;
    for (int& r : script_.results) {
      const int base = root[at(r)];
      const bool own = value(base).kind == ScriptValue::made && !taken[at(base)];
      if (own) {
        taken[at(base)] = 1;
        continue;
      }
      script_.steps.push_back(copy_of(r));
      r = script_.steps.back().outputs[0];
    }
  }

  // A step that makes it; the new value is its output.
  ScriptStep copy_of(int v) {
    script_.values.push_back({ScriptValue::made, value(v).dtype, value(v).shape});
    return {.inputs = {v}, .outputs = {static_cast<int>(script_.values.size()) - 1}};
  }

  void drop_unneeded() {
    std::vector<char> needed(script_.values.size(), 0);
    for (const int r : script_.results) needed[at(r)] = 1;
    std::vector<ScriptStep> kept;
    for (auto step = script_.steps.rbegin(); step != script_.steps.rend(); ++step) {
      const bool live =
          step->again || std::any_of(step->outputs.begin(), step->outputs.end(), [&](int v) { return needed[at(v)]; });
      if (!live) continue;
      for (const int v : step->inputs) needed[at(v)] = 1;
      kept.push_back(std::move(*step));
    }
    std::reverse(kept.begin(), kept.end());
    script_.steps = std::move(kept);
    uses_.needed = std::move(needed);
  }

  // A loss and its gradient, where that does not wait for the values, are one step: both need the same exponentials.
  void join_losses() {
    const std::vector<int> root = roots(script_);
    std::vector<std::size_t> made(script_.values.size(), 0);  // by which step, counted from 1
    for (std::size_t s = 0; s < script_.steps.size(); ++s)
      for (const int v : script_.steps[s].outputs) made[at(v)] = s + 1;
    const auto changes = [&](int v) { return value(root[at(v)]).kind == ScriptValue::variable; };
    for (std::size_t s = 0; s < script_.steps.size(); ++s) {
      ScriptStep& loss = script_.steps[s];
      const auto grad = std::find_if(
          script_.steps.begin() + static_cast<std::ptrdiff_t>(s), script_.steps.end(), [&](const ScriptStep& other) {
            if (!loss.primitive || !other.primitive || loss.due != other.due ||
                !loss_with_grad(*loss.primitive, *other.primitive))
              return false;
            const bool fused = other.inputs.size() > 3;
            return std::equal(other.inputs.begin(), other.inputs.begin() + 2, loss.inputs.begin()) &&
                   (!fused || other.inputs[3] == loss.inputs[2]) && made[at(other.inputs[2])] <= s &&
                   std::get<LossParams>(loss.params) == std::get<LossParams>(other.params) &&
                   std::none_of(other.inputs.begin(), other.inputs.end(), changes);
          });
      if (grad == script_.steps.end()) continue;
      loss.primitive = loss_with_grad(*loss.primitive, *grad->primitive);
      loss.name = loss.primitive->name;
      loss.inputs = grad->inputs;
      loss.outputs = {grad->outputs[0], loss.outputs[0]};
      script_.steps.erase(grad);  // `made` is one too high for what comes behind, which is on the safe side
    }
  }

  // The squares of a norm need no memory: they are summed as they come.
  void join_squares() {
    std::vector<int> readers(script_.values.size(), 0);
    for (const ScriptStep& step : script_.steps)
      for (const int v : step.inputs) ++readers[at(v)];
    for (const int r : script_.results) ++readers[at(r)];
    for (std::size_t s = 1; s < script_.steps.size(); ++s) {
      ScriptStep &squares = script_.steps[s - 1], &sum = script_.steps[s];
      const std::string_view name = squares.primitive ? squares.name : "";
      const bool are_squares = name == "square" || (name == "multiply" && squares.inputs[0] == squares.inputs[1]);
      if (!are_squares || !sum.primitive || squares.due != sum.due || sum.inputs[0] != squares.outputs[0] ||
          readers[at(sum.inputs[0])] > 1) {
        continue;
      }
      const ScriptValue& x = value(squares.inputs[0]);
      const Primitive* joint = sum_of_squares(*sum.primitive, sum.params, Tensor::symbolic(x.dtype, x.shape));
      if (!joint) continue;
      sum.primitive = joint;
      sum.name = joint->name;
      sum.inputs = {squares.inputs[0]};
      script_.steps.erase(script_.steps.begin() + static_cast<std::ptrdiff_t>(--s));
    }
  }

  // A view of a variable that is read after the variable was written has to be a copy.
  void copy_unsafe_views() {
    const std::vector<int> root = roots(script_);
    std::vector<std::size_t> last_read(script_.values.size(), 0);
    for (std::size_t s = 0; s < script_.steps.size(); ++s)
      for (const int v : script_.steps[s].inputs) last_read[at(v)] = s;
    for (std::size_t s = script_.steps.size(); s-- > 0;) {  // the views of a view come after it
      const ScriptStep& step = script_.steps[s];
      if (!(step.primitive && step.primitive->views)) continue;
      auto& read = last_read[at(step.inputs[0])];
      read = std::max(read, last_read[at(step.outputs[0])]);
    }
    std::vector<std::size_t> last_written(script_.values.size(), 0);
    for (std::size_t s = script_.steps.size(); s-- > 0;) {
      ScriptStep& step = script_.steps[s];
      for (const int v : step.written)
        if (last_written[at(v)] == 0) last_written[at(v)] = s;
    }
    for (std::size_t s = 0; s < script_.steps.size(); ++s) {
      ScriptStep& step = script_.steps[s];
      if (!(step.primitive && step.primitive->views)) continue;
      const int base = root[at(step.inputs[0])];
      if (value(base).kind != ScriptValue::variable) continue;
      // One write between is enough to be careful.
      if (last_written[at(base)] > s && last_read[at(step.outputs[0])] > s) step.primitive = nullptr;
    }
  }

  // What several updates take, or several variables of one, lies in each of their blocks.
  void copy_shared_gradients() {
    const std::vector<int> root = roots(script_);
    std::vector<char> taken(script_.values.size(), 0);
    std::vector<ScriptStep> steps;
    for (ScriptStep& step : script_.steps) {
      for (int& v : std::span(step.inputs).last(step.gradients)) {
        if (value(root[at(v)]).kind != ScriptValue::made) continue;
        char& before = taken[at(root[at(v)])];
        if (before) {
          steps.push_back(copy_of(v));
          steps.back().due = step.due;
          v = steps.back().outputs[0];
        }
        before = 1;
      }
      steps.push_back(std::move(step));
    }
    script_.steps = std::move(steps);
    uses_.updates = std::move(taken);
    uses_.updates.resize(script_.values.size(), 0);
  }

  Script& script_;
  Uses uses_;
};

}  // namespace

std::vector<int> roots(const Script& script) {
  std::vector<int> root(script.values.size());
  std::iota(root.begin(), root.end(), 0);
  for (const ScriptStep& step : script.steps)
    if (step.primitive && step.primitive->views) root[at(step.outputs[0])] = root[at(step.inputs[0])];
  return root;
}

Uses rewrite(Script& script) { return Rewrites(script).run(); }

}  // namespace densegrad

// One optimizer step on all its variables, and the count of steps with it. Not recorded, not differentiable.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "formulas/enums.h"
#include "ops/variable.h"

namespace densegrad {

using VariableRef = std::shared_ptr<Variable>;

struct VariableUpdate {
  VariableRef variable;
  Tensor grad;
  std::vector<VariableRef> slots;
};

// How one variable changes: a formula of the core, or a function for `updates[k]` that sees the final gradient.
struct UpdateRule {
  Optimizer optimizer{};
  std::vector<double> hyper;
  VariableRef shared;  // the number that all variables share, where the formula has one
  std::function<void(std::size_t k, const Tensor& grad)> custom{};
};

enum class Clip : int { none, norm, global_norm, value };

// How optimizers clip, by definition the functions of ops/clipping.cpp.
void clip_gradients(std::vector<Tensor>& grads, Clip clip_by, double limit);

// What happens around the update, in this order; the defaults do nothing.
struct StepOptions {
  std::optional<double> loss_scale;  // gradients are divided by it
  std::vector<VariableRef>
      accumulators;                // one per update: gradients add up there, and every `accumulation_steps` calls
  index_t accumulation_steps = 1;  // their mean is applied
  std::vector<VariableRef> all_accumulators;  // set to zero then, those of variables without a gradient too
  Clip clip = Clip::none;
  double clip_limit = 0;
  double weight_decay = 0;
  std::vector<VariableRef> decayed;                           // the variables that it applies to
  std::vector<std::pair<VariableRef, VariableRef>> averages;  // variables and their moving averages
  double ema_momentum = 0;
  index_t ema_overwrite_frequency = 0;  // the averages replace the variables every so many steps; 0: never
};

// Everything is checked, and everything that may fail for lack of memory is done, before anything is written. (A custom
// rule may fail between two variables: what to do then is its owner's concern.)
void optimizer_step(UpdateRule rule, std::vector<VariableUpdate> updates, const Tensor& learning_rate,
                    StepOptions options, const VariableRef& iterations);

// One variable alone, without options; `step` counts from 1.
void update_variable(const UpdateRule& rule, const VariableUpdate& update, double learning_rate, index_t step);

}  // namespace densegrad

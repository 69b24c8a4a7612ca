// What a trace hands to a program: values, and steps that make them.
#pragma once

#include <memory>
#include <vector>

#include "ops/primitive.h"
#include "ops/variable.h"

namespace densegrad {

struct ScriptValue {
  enum Kind { constant, argument, variable, made };
  Kind kind;
  DType dtype;
  Shape shape;
  Tensor tensor = {};                          // of a constant
  std::shared_ptr<Variable> source = nullptr;  // of a variable

  std::size_t bytes() const { return static_cast<std::size_t>(shape.count() * item_size(dtype)); }
};

// A primitive from values to values, an effect on values, or (with neither) a copy.
struct ScriptStep {
  const Primitive* primitive = nullptr;
  Params params = {};
  std::function<void(const Tensors&)> again = {};
  const char* name = "copy";
  std::vector<int> inputs = {}, outputs = {};
  std::vector<int> written = {};                   // values of variables
  std::size_t gradients = 0;                       // the last so many inputs update one variable each
  std::shared_ptr<const Condition> due = nullptr;  // it happens in the runs where this holds
};

struct Script {
  std::vector<ScriptValue> values;
  std::vector<ScriptStep> steps;
  std::vector<int> arguments, results;
};

}  // namespace densegrad

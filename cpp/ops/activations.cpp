// What the entries of formulas/activations.h say about themselves, for those that know an activation at run time.
#include "formulas/activations.h"

#include <cmath>

#include "ops/ops.h"

namespace densegrad {

using formulas::Activations;

template <>
const std::vector<const char*>& names_of<Activation>() {
  static const std::vector<const char*> names(Activations::names, Activations::names + Activations::size);
  return names;
}

bool is_rowwise(Activation activation) {
  if (activation == Activation::count) return false;  // no activation at all
  return formulas::visit(activation, [](auto entry) { return decltype(entry)::rowwise; });
}

namespace {

std::span<const formulas::Parameter> parameters_of(Activation activation) {
  return formulas::visit(activation, [](auto entry) { return formulas::parameters_of<decltype(entry)>(); });
}

ActivationParams defaults_of(Activation activation) {
  ActivationParams params{activation};
  std::size_t i = 0;
  for (const formulas::Parameter& p : parameters_of(activation)) params.values[i++] = p.value;
  return params;
}

const char* rule_of(formulas::Domain domain, double value) {
  using formulas::Domain;
  if (std::isnan(value)) return "it must be a number";
  if (domain == Domain::nonzero && value == 0) return "it must not be 0";
  if (domain == Domain::nonnegative && value < 0) return "it must be at least 0";
  return nullptr;
}

}  // namespace

const ActivationParams& with_defaults(Activation activation) {
  static const std::vector<ActivationParams> all = [] {
    std::vector<ActivationParams> list;
    for (int i = 0; i < Activations::size; ++i) list.push_back(defaults_of(static_cast<Activation>(i)));
    return list;
  }();
  return all[static_cast<std::size_t>(activation)];
}

std::vector<ActivationParameter> activation_parameters(Activation activation) {
  std::vector<ActivationParameter> list;
  for (const formulas::Parameter& p : parameters_of(activation)) {
    list.push_back({p.name, p.value, p.domain == formulas::Domain::flag});
  }
  return list;
}

void check_parameters(const ActivationParams& params) {
  std::size_t i = 0;
  for (const formulas::Parameter& p : parameters_of(params.activation)) {
    const double value = params.values[i++];
    if (const char* rule = rule_of(p.domain, value)) {
      fail("[", names_of<Activation>()[static_cast<std::size_t>(params.activation)], "] `", p.name, "` is ", value,
           ": ", rule, ".");
    }
  }
}

}  // namespace densegrad

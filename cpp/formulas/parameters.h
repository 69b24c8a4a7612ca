// What an entry declares about the numbers that it takes besides its input.
#pragma once

#include <limits>
#include <span>

#include "formulas/enums.h"

namespace densegrad::formulas {
namespace {

enum class Domain { real, nonzero, nonnegative, flag };

struct Parameter {
  const char* name;
  double value;  // unless given; NaN: it must be given. Infinite: None in Python
  Domain domain = Domain::real;
};
constexpr double required = std::numeric_limits<double>::quiet_NaN();
constexpr double unlimited = std::numeric_limits<double>::infinity();

template <class Entry>
constexpr std::span<const Parameter> parameters_of() {
  if constexpr (requires { Entry::parameters; }) return Entry::parameters;
  return {};
}

// f(formula): the entry itself, or what it makes of the values of its parameters.
template <class Entry, class F>
constexpr auto with(const ActivationValues& values, F&& f) {
  if constexpr (requires { Entry::parameters; }) {
    return Entry::with(values, f);
  } else {
    return f(Entry{});
  }
}

}  // namespace
}  // namespace densegrad::formulas

// Every error is one sentence: [tag] argument in backticks, what it got, the rule, the fix.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace densegrad {

// Becomes Python's TypeError; std::invalid_argument becomes ValueError, std::out_of_range IndexError,
// std::overflow_error OverflowError, std::runtime_error RuntimeError, std::bad_alloc MemoryError.
class TypeError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// A value was asked of a tensor that has none; Python's RuntimeError, by a subclass.
class SymbolicError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <class E = std::invalid_argument, class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  throw E(text.str());
}

}  // namespace densegrad

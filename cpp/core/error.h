// Every error is one sentence: [tag] argument in backticks, what it got, the rule, the fix.
#pragma once

#include <iomanip>
#include <memory>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>

namespace densegrad {

// Becomes Python's TypeError; std::invalid_argument becomes ValueError, std::out_of_range IndexError,
// std::overflow_error OverflowError, std::runtime_error RuntimeError, OutOfMemory and std::bad_alloc MemoryError.
class TypeError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// An integer was to be divided by zero; Python's error of that name.
class ZeroDivisionError : public std::domain_error {
 public:
  using std::domain_error::domain_error;
};

// A value was asked of a tensor that has none; Python's RuntimeError, by a subclass.
class SymbolicError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// std::bad_alloc that says what did not fit.
class OutOfMemory : public std::bad_alloc {
 public:
  explicit OutOfMemory(const std::string& text) : text_(std::make_shared<std::string>(text)) {}
  const char* what() const noexcept override { return text_->c_str(); }

 private:
  std::shared_ptr<std::string> text_;  // a copy of an exception must not throw
};

// "40", "0.5": what memory is counted in for messages.
inline std::string gigabytes(double bytes) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(bytes < 1e10 ? 1 : 0) << bytes / 1e9;
  return text.str();
}

template <class E = std::invalid_argument, class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  throw E(text.str());
}

}  // namespace densegrad

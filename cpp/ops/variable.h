// Variable: a tensor with a name whose value is assigned in place.
#pragma once

#include <memory>
#include <string>

#include "core/tensor.h"

namespace densegrad {

class Variable : public std::enable_shared_from_this<Variable> {
 public:
  // Copies `value`.
  Variable(const Tensor& value, std::string name, bool trainable);

  // The value as a tensor for an operation: open tapes hear of it, and its identity is the variable's.
  const Tensor& read();
  // The same without telling the tapes.
  const Tensor& value() const { return value_; }

  // Writes the entries of `value` (same shape; the dtype is converted). The memory stays where it is: tensors that still
  // share it are first moved to a copy, so what a tape or a user holds never changes.
  void assign(const Tensor& value);
  // The memory for an in-place update, under the same rule.
  const Tensor& writable() { return value_.is_unshared() ? value_ : unshare(); }

  std::string name;
  std::string path;  // layer/name once a layer owns it
  const bool trainable;

 private:
  const Tensor& unshare();

  Tensor value_;
};

}  // namespace densegrad

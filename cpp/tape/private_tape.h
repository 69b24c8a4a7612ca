// PrivateTape: what a derivative rule records for itself while it lives.
#pragma once

#include <memory>
#include <vector>

#include "tape/walk.h"

namespace densegrad {

// Records everything that depends on a few given tensors: the private tape of a decomposition.
class PrivateTape final : public Recorder {
 public:
  explicit PrivateTape(const std::vector<Tensor>& roots) : stack_(recorder_stack()) {
    for (const Tensor& t : roots) tracked_[t.id()] = true;
    stack_->push(this);
  }
  ~PrivateTape() { stack_->remove(this); }
  PrivateTape(const PrivateTape&) = delete;
  PrivateTape& operator=(const PrivateTape&) = delete;

  bool tracks(const Tensors& inputs) const override {
    for (const Tensor& t : inputs)
      if (tracked_.contains(t.id())) return true;
    return false;
  }
  void record(Node&& node) override {
    for (const Tensor& t : node.outputs) tracked_[t.id()] = true;
    recording.push_back(std::move(node));
  }
  void accessed(const std::shared_ptr<Variable>&) override {}

  Recording recording;

 private:
  const std::shared_ptr<RecorderStack> stack_;
  FlatMap<bool> tracked_;
};

}  // namespace densegrad

#include "tape/batch.h"

#include <algorithm>

#include "ops/batch.h"
#include "ops/ops.h"

namespace densegrad {

// The derivative of a custom function of examples, for a batch of them. It keeps the batches of all values that the
// function's own derivative may have kept stand-ins of.
class BatchTrace::BatchedCallback final : public Callback {
 public:
  BatchedCallback(std::unique_ptr<Callback> example, index_t batch, std::shared_ptr<Batches> batches, Mask batched)
      : example_(std::move(example)), batch_(batch), batches_(std::move(batches)), batched_(std::move(batched)) {}

  std::vector<Tensor> vjp(const Tensors& dy) override {
    BatchTrace trace(batch_, std::make_shared<Batches>(*batches_));
    Tensors examples;
    for (const Tensor& t : dy) examples.push_back(trace.example_of(t));
    std::vector<Tensor> grads = example_->vjp(examples);
    trace.stop();
    grads = trace.replay(grads);
    for (std::size_t i = 0; i < grads.size(); ++i) {
      const bool batched = i < batched_.size() && batched_[i];
      if (grads[i].defined() && !batched) grads[i] = sum(grads[i], Shape{0});
    }
    return grads;
  }
  std::unique_ptr<Callback> clone() const override {
    return std::make_unique<BatchedCallback>(example_->clone(), batch_, batches_, batched_);
  }
  Callback* host() override { return example_->host(); }

 private:
  const std::unique_ptr<Callback> example_;
  const index_t batch_;
  const std::shared_ptr<Batches> batches_;
  const Mask batched_;  // which inputs have a gradient per example
};

BatchTrace::BatchTrace(index_t batch) : BatchTrace(batch, std::make_shared<Batches>()) {}

BatchTrace::BatchTrace(index_t batch, std::shared_ptr<Batches> batches)
    : Recorder(true), batch_(batch), stack_(recorder_stack()), batches_(std::move(batches)) {
  stack_->push(this);
}

void BatchTrace::stop() {
  if (stack_) stack_->remove(this);
  stack_.reset();
}

Tensor BatchTrace::example_of(Tensor batched) {
  const Shape& shape = batched.shape();
  const Tensor example = Tensor::symbolic(batched.dtype(), Shape(shape.begin() + 1, shape.end()));
  (*batches_)[example.id()] = std::move(batched);
  return example;
}

bool BatchTrace::tracks(const Tensors& inputs) const {
  for (const Tensor& t : inputs)
    if (made_.contains(t.id()) || batches_->contains(t.id())) return true;
  return false;
}

void BatchTrace::record(Node&& node) {
  for (const Tensor& t : node.outputs) made_[t.id()] = true;
  nodes_.push_back(std::move(node));
}

std::vector<Tensor> BatchTrace::replay(const std::vector<Tensor>& results) {
  // How often each value is read, by what the results need.
  FlatMap<int> uses;
  for (const Tensor& t : results)
    if (t.defined()) ++uses[t.id()];
  std::vector<const Node*> needed;
  bool keep = false;
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
    if (std::none_of(node->outputs.begin(), node->outputs.end(), [&](auto& t) { return uses.contains(t.id()); }))
      continue;
    for (const Tensor& x : node->inputs) ++uses[x.id()];
    needed.push_back(&*node);
    keep = keep || std::holds_alternative<CustomParams>(node->params);
  }
  keep = keep && !recorders().empty();
  for (auto node = needed.rbegin(); node != needed.rend(); ++node) replay_node(**node, uses, keep);

  std::vector<Tensor> found;
  for (const Tensor& t : results) {
    const Tensor* batch = t.defined() ? batches_->find(t.id()) : nullptr;
    if (batch || !t.defined()) {
      found.push_back(batch ? *batch : t);
    } else {
      found.push_back(broadcast_to(t, with_batch(batch_, t.shape())));
    }
  }
  return found;
}

void BatchTrace::replay_node(const Node& node, FlatMap<int>& uses, bool keep) {
  Tensors in;
  Mask batched;
  for (const Tensor& x : node.inputs) {
    Tensor* batch = batches_->find(x.id());
    batched.push_back(batch != nullptr);
    if (!batch) {
      in.push_back(x);
    } else if (--uses[x.id()] == 0 && !keep) {
      in.push_back(std::exchange(*batch, Tensor()));  // read for the last time: its memory is free from here on
    } else {
      in.push_back(*batch);
    }
  }
  if (const auto* custom = std::get_if<CustomParams>(&node.params)) {
    // The outputs were computed by operations before this one. It is here for the tapes that see the replay.
    if (recorders().empty()) return;
    Tensors out;
    for (const Tensor& y : node.outputs) {
      const Tensor* batch = batches_->find(y.id());
      out.push_back(batch ? *batch : y);
    }
    rerecord_custom(in, out, std::make_unique<BatchedCallback>(custom->callback->clone(), batch_, batches_, batched));
    return;
  }
  Tensors out;
  VmapContext context{*node.primitive, in, batched, node.params, batch_, out};
  node.primitive->vmap(context);
  for (std::size_t i = 0; i < out.size(); ++i) (*batches_)[node.outputs[i].id()] = out[i];
}

}  // namespace densegrad

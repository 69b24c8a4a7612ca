#include "ops/primitive.h"

#include <algorithm>
#include <optional>

namespace densegrad {

const std::shared_ptr<RecorderStack>& recorder_stack() {
  thread_local const auto stack = std::make_shared<RecorderStack>();
  return stack;
}

void RecorderStack::resume() {
  const auto last = std::find(entries_.rbegin(), entries_.rend(), nullptr);
  if (last != entries_.rend()) entries_.erase(std::next(last).base());
}

std::span<Recorder* const> RecorderStack::open() const {
  std::size_t first = entries_.size();
  while (first > 0 && entries_[first - 1]) --first;
  return std::span(entries_).subspan(first);
}

namespace {

Tensor keep(const Tensor& t, unsigned mask, std::size_t i) {
  const bool saved = i >= 32 ? mask == save_all : (mask >> i & 1u) != 0;
  return saved ? t : t.ghost();
}

bool carries_gradient(const Tensors& outputs) {
  for (const Tensor& t : outputs)
    if (is_float(t.dtype())) return true;
  return false;
}

}  // namespace

void record(const Primitive& primitive, const Params& params, const Tensors& inputs, const Tensors& outputs) {
  const std::span<Recorder* const> open = recorders();
  if (open.empty() || !primitive.differentiable || !carries_gradient(outputs)) return;
  std::optional<Node> node;
  Recorder* first = nullptr;
  for (Recorder* recorder : open) {
    if (!recorder->tracks(inputs)) continue;
    if (first) {
      recorder->record(*node);
      continue;
    }
    first = recorder;
    node.emplace(Node{&primitive, params, {}, {}});
    for (std::size_t i = 0; i < inputs.size(); ++i) node->inputs.push_back(keep(inputs[i], primitive.saved_inputs, i));
    for (std::size_t i = 0; i < outputs.size(); ++i)
      node->outputs.push_back(keep(outputs[i], primitive.saved_outputs, i));
  }
  if (first) first->record(std::move(*node));
}

Tensors run(const Primitive& primitive, const Tensors& inputs, const Params& params) {
  Specs specs;
  primitive.shapes(inputs, params, specs);

  bool symbolic = false;
  for (const Tensor& t : inputs) symbolic = symbolic || !t.has_storage();
  for (const Spec& s : specs) symbolic = symbolic || !s.shape.is_known();

  Tensors outputs;
  for (const Spec& spec : specs) {
    if (symbolic) {
      outputs.push_back(Tensor::symbolic(spec.dtype, spec.shape));
    } else if (!primitive.views) {
      outputs.push_back(Tensor(spec.dtype, spec.shape));
    }
  }
  if (!symbolic) {
    if (primitive.views) {
      for (const Spec& spec : specs) outputs.push_back(inputs[0].view(spec.shape));
    }
    if (primitive.eval) primitive.eval(inputs, params, outputs);
  }
  record(primitive, params, inputs, outputs);
  return outputs;
}

}  // namespace densegrad

#include "ops/primitive.h"

#include <algorithm>
#include <optional>

namespace densegrad {

const std::shared_ptr<RecorderStack>& recorder_stack() {
  thread_local const auto stack = std::make_shared<RecorderStack>();
  return stack;
}

void RecorderStack::pause(bool keep_complete) {
  std::vector<Recorder*> kept;
  for (Recorder* recorder : open())
    if (keep_complete && recorder->complete) kept.push_back(recorder);
  entries_.push_back(nullptr);
  entries_.insert(entries_.end(), kept.begin(), kept.end());
}

void RecorderStack::resume() {
  // What is kept is listed below the pause too; what was opened since is not, and stays.
  const auto pause = std::find(entries_.rbegin(), entries_.rend(), nullptr);
  if (pause == entries_.rend()) return;
  const auto at = std::next(pause).base();
  const std::vector<Recorder*> before(entries_.begin(), at);
  const auto kept = [&](Recorder* r) { return std::find(before.begin(), before.end(), r) != before.end(); };
  entries_.erase(std::remove_if(std::next(at), entries_.end(), kept), entries_.end());
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(before.size()));
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

// The input whose memory the output takes: nobody holds it but the caller's argument list, and nobody records.
const Tensor* donated(const Primitive& primitive, const Tensors& inputs, const Shape& shape) {
  if (primitive.in_place < 0) return nullptr;
  const Tensor& x = inputs[static_cast<std::size_t>(primitive.in_place)];
  if (!x.is_unshared() || !(x.shape() == shape)) return nullptr;
  const RecorderStack& stack = *recorder_stack();
  const bool seen = !stack.observer || stack.observer->can_spare(x);
  return seen && stack.open().empty() ? &x : nullptr;
}

}  // namespace

bool linear_jvp(JvpContext& c) {
  Tensors in;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    const Tensor& x = c.inputs[i];
    if (!is_float(x.dtype())) {
      in.push_back(x);
    } else {
      in.push_back(c.tangents[i].defined() ? c.tangents[i] : Tensor::full(x.dtype(), x.shape(), 0));
    }
  }
  c.out_tangents = run(c.primitive, in, c.params);
  return true;
}

bool entrywise_jvp(JvpContext& c) {
  struct Context final : VjpContext {
    Context(const JvpContext& j, Tensors& out, const Mask& wanted)
        : VjpContext(j.inputs, j.outputs, j.params, j.tangents, out, wanted) {}
    bool is_source(const Tensor&) const override { return false; }
    void report(const Tensor&, const Tensor&) override {}
  };
  const Mask wanted{1};
  Tensors out(1);
  Context context(c, out, wanted);
  if (!c.primitive.vjp(context)) return false;
  c.out_tangents = std::move(out);
  return true;
}

void record(const Primitive& primitive, const Params& params, const Tensors& inputs, const Tensors& outputs) {
  const RecorderStack& stack = *recorder_stack();
  if (stack.observer) stack.observer->saw(primitive, params, inputs, outputs);
  const std::span<Recorder* const> open = stack.open();
  if (open.empty()) return;
  const bool differentiable = primitive.differentiable && carries_gradient(outputs);
  std::size_t outermost = open.size();
  while (outermost > 0 && !(open[outermost - 1]->complete && open[outermost - 1]->tracks(inputs))) --outermost;
  std::optional<Node> node;
  Recorder* first = nullptr;
  for (Recorder* recorder : open.subspan(outermost > 0 ? outermost - 1 : 0)) {
    if (!recorder->tracks(inputs)) {
      recorder->passed(primitive.name, inputs, outputs);
      continue;
    }
    if (!(differentiable || recorder->complete)) {
      recorder->cut(primitive.name, inputs, outputs);
      continue;
    }
    if (recorder->complete) {
      recorder->record(Node{&primitive, params, inputs, outputs});
      continue;
    }
    if (first) {
      recorder->record(Node(*node));
      continue;
    }
    first = recorder;
    node.emplace(&primitive, params);
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
    } else if (const Tensor* donor = donated(primitive, inputs, spec.shape)) {
      outputs.push_back(donor->view(spec.shape));
    } else if (!primitive.views) {
      outputs.push_back(Tensor(spec.dtype, spec.shape));
    }
  }
  if (!symbolic) {
    if (primitive.views) {
      for (const Spec& spec : specs) outputs.push_back(inputs[0].view(spec.shape));
    }
    if (primitive.check) primitive.check(inputs, params);
    if (primitive.eval) primitive.eval(inputs, params, outputs);
  }
  record(primitive, params, inputs, outputs);
  return outputs;
}

}  // namespace densegrad

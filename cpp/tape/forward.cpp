#include "tape/forward.h"

#include "ops/ops.h"
#include "tape/private_tape.h"

namespace densegrad {

namespace {

bool any_in(const FlatMap<bool>& set, const Tensors& tensors) {
  for (const Tensor& t : tensors)
    if (set.contains(t.id())) return true;
  return false;
}

// A custom derivative is a linear map from cotangents to gradients. Its transpose, applied to the tangents, is the
// gradient of <gradients, tangents> by the cotangents.
void transposed_custom(const Node& node, const Tensors& tangents, Tensors& out) {
  std::vector<Tensor> roots;
  Tensors dy;
  for (const Tensor& y : node.outputs) {
    dy.push_back(Tensor::full(y.dtype(), y.shape(), 1));
    roots.push_back(dy.back());
  }
  std::vector<Tensor> dx, cotangents;
  Recording recording;
  {
    PrivateTape tape(roots);
    const std::vector<Tensor> all = custom_gradients(node, dy);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!all[i].defined() || !tangents[i].defined()) continue;
      dx.push_back(all[i]);
      cotangents.push_back(tangents[i]);
    }
    recording = std::move(tape.recording);
  }
  for (const Tensor& t : walk_back(recording, dx, cotangents, roots)) out.push_back(t);
}

void decomposed(const Node& node, const Tensors& tangents, Tensors& out) {
  // Fresh identities keep an input that occurs twice, with and without a tangent, apart; outer recorders see the link.
  Tensors inputs = node.inputs;
  std::vector<Tensor> sources, directions, targets;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!tangents[i].defined()) continue;
    inputs[i] = identity(inputs[i]);
    sources.push_back(inputs[i]);
    directions.push_back(tangents[i]);
  }
  Recording fine;
  {
    PrivateTape tape(sources);
    Tensors outputs;
    node.primitive->decompose(inputs, node.params, outputs);
    targets.assign(outputs.begin(), outputs.end());
    fine = std::move(tape.recording);
  }
  for (const Tensor& t : walk_forward(fine, sources, directions, targets)) out.push_back(t);
}

}  // namespace

std::vector<Tensor> walk_forward(const Recording& recording, const std::vector<Tensor>& sources,
                                 const std::vector<Tensor>& tangents, const std::vector<Tensor>& targets) {
  const std::size_t length = recording.size();
  FlatMap<bool> needed;
  for (const Tensor& t : targets) needed[t.id()] = true;
  for (std::size_t i = length; i-- > 0;) {
    const Node& node = recording[i];
    if (!any_in(needed, node.outputs)) continue;
    for (const Tensor& x : node.inputs) needed[x.id()] = true;
  }

  FlatMap<Tensor> tangent_of;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    Tensor& sum = tangent_of[sources[i].id()];
    sum = sum.defined() ? add(sum, tangents[i]) : tangents[i];
  }
  for (std::size_t i = 0; i < length; ++i) {
    const Node& node = recording[i];
    if (!any_in(needed, node.outputs)) continue;
    bool moved = false;
    Tensors in;
    for (const Tensor& x : node.inputs) {
      const Tensor* t = is_float(x.dtype()) ? tangent_of.find(x.id()) : nullptr;
      in.push_back(t ? *t : Tensor());
      moved = moved || in.back().defined();
    }
    if (!moved) continue;
    const Primitive& primitive = *node.primitive;
    Tensors out;
    JvpContext context{primitive, node.inputs, node.outputs, node.params, in, out};
    if (std::holds_alternative<CustomParams>(node.params)) {
      transposed_custom(node, in, out);
    } else if (!primitive.jvp || !primitive.jvp(context)) {
      decomposed(node, in, out);
    }
    for (std::size_t k = 0; k < out.size(); ++k) {
      const std::uint64_t id = node.outputs[k].id();
      if (out[k].defined() && !tangent_of.contains(id)) tangent_of[id] = out[k];
    }
  }
  std::vector<Tensor> found;
  for (const Tensor& t : targets) {
    const Tensor* tangent = tangent_of.find(t.id());
    found.push_back(tangent ? *tangent : Tensor());
  }
  return found;
}

}  // namespace densegrad

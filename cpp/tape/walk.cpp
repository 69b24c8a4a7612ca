#include "tape/walk.h"

#include <algorithm>

#include "ops/ops.h"
#include "tape/private_tape.h"

namespace densegrad {

namespace {

class Walk {
 public:
  Walk(const Recording& recording, const std::vector<Tensor>& sources)
      : recording_(recording), length_(recording.size()) {
    for (const Tensor& s : sources) {
      sources_[s.id()] = true;
      active_[s.id()] = true;
    }
    for (std::size_t i = 0; i < length_; ++i) {
      const Node& node = recording_[i];
      // A source among the outputs (a pre-activation) makes the others active too: the node must be walked to reach it.
      if (any_active(node.inputs) || any_active(node.outputs)) {
        for (const Tensor& t : node.outputs) active_[t.id()] = true;
      }
    }
  }

  void seed(const Tensor& target, const Tensor& cotangent) { accumulate(cotangents_, target, cotangent); }

  void run() {
    for (std::size_t i = length_; i-- > 0;) step(recording_[i]);
  }

  Tensor gradient(const Tensor& source) {
    Tensor* through = cotangents_.find(source.id());
    Tensor* reported = reported_.find(source.id());
    if (through && through->defined() && reported) return add(*through, *reported);
    if (reported) return *reported;
    return through ? every_row(*through, source) : Tensor();
  }

 private:
  struct Context final : VjpContext {
    Context(Walk& w, const Node& node, const Tensors& dy_, Tensors& dx_, const Mask& wanted_)
        : VjpContext(node.inputs, node.outputs, node.params, dy_, dx_, wanted_), walk(w) {}
    bool is_source(const Tensor& t) const override { return walk.sources_.contains(t.id()); }
    void report(const Tensor& t, const Tensor& cotangent) override { walk.accumulate(walk.reported_, t, cotangent); }
    Walk& walk;
  };

  bool any_active(const Tensors& tensors) const {
    for (const Tensor& t : tensors)
      if (active_.contains(t.id())) return true;
    return false;
  }

  // The cotangent of a tensor, of which one row may stand for all.
  static Tensor every_row(const Tensor& cotangent, const Tensor& t) {
    const bool one = cotangent.defined() && t.rank() > 0 && cotangent.dim(0) == 1 && t.dim(0) > 1;
    return one ? broadcast_to(cotangent, t.shape()) : cotangent;
  }

  void accumulate(FlatMap<Tensor>& into, const Tensor& t, const Tensor& cotangent) {
    Tensor& sum = into[t.id()];
    sum = sum.defined() ? add(sum, cotangent) : cotangent;
  }

  void step(const Node& node) {
    bool reached = false;
    Tensors dy;
    for (const Tensor& y : node.outputs) {
      Tensor* c = cotangents_.find(y.id());
      dy.push_back(c ? *c : Tensor());
      reached = reached || dy.back().defined();
    }
    if (!reached || !any_active(node.outputs)) return;
    Mask wanted;
    for (const Tensor& x : node.inputs) wanted.push_back(is_float(x.dtype()) && active_.contains(x.id()));
    if (!node.primitive->by_row || std::count(wanted.begin() + 1, wanted.end(), 1) > 0) {
      for (std::size_t i = 0; i < dy.size(); ++i) dy[i] = every_row(dy[i], node.outputs[i]);
    }

    Tensors dx(node.inputs.size());
    Context context(*this, node, dy, dx, wanted);
    if (!node.primitive->vjp || !node.primitive->vjp(context)) decomposed(node, dy, wanted, dx);
    for (std::size_t i = 0; i < dx.size(); ++i) {
      if (wanted[i] && dx[i].defined()) accumulate(cotangents_, node.inputs[i], dx[i]);
    }
  }

  // Fills the wanted dx that are undefined from the decomposition of the node.
  void decomposed(const Node& node, const Tensors& dy, const Mask& wanted, Tensors& dx) {
    if (!node.primitive->decompose) return;
    // Fresh identities keep an input that occurs twice (or is no variable of this derivative) apart; outer recorders see
    // the link.
    Tensors inputs = node.inputs;
    std::vector<Tensor> roots;
    std::vector<std::size_t> positions;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!wanted[i] || dx[i].defined()) continue;
      inputs[i] = identity(inputs[i]);
      roots.push_back(inputs[i]);
      positions.push_back(i);
    }
    std::vector<Tensor> targets, cotangents;
    Recording fine;
    {
      PrivateTape tape(roots);
      Tensors outputs;
      node.primitive->decompose(inputs, node.params, outputs);
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        if (!dy[i].defined()) continue;
        targets.push_back(outputs[i]);
        cotangents.push_back(dy[i]);
      }
      fine = std::move(tape.recording);
    }
    const std::vector<Tensor> grads = walk_back(fine, targets, cotangents, roots);
    for (std::size_t i = 0; i < grads.size(); ++i) dx[positions[i]] = grads[i];
  }

  const Recording& recording_;
  const std::size_t length_;
  FlatMap<bool> sources_, active_;
  FlatMap<Tensor> cotangents_, reported_;
};

}  // namespace

std::vector<Tensor> walk_back(const Recording& recording, const std::vector<Tensor>& targets,
                              const std::vector<Tensor>& cotangents, const std::vector<Tensor>& sources) {
  Walk walk(recording, sources);
  for (std::size_t i = 0; i < targets.size(); ++i) walk.seed(targets[i], cotangents[i]);
  walk.run();
  std::vector<Tensor> grads;
  grads.reserve(sources.size());
  for (const Tensor& s : sources) grads.push_back(walk.gradient(s));
  return grads;
}

}  // namespace densegrad

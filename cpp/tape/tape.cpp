#include "tape/tape.h"

#include <algorithm>

#include "ops/ops.h"
#include "tape/forward.h"
#include "tape/jacobian.h"

namespace densegrad {

namespace {

std::vector<std::uint64_t> ids_of(const Tensors& tensors) {
  std::vector<std::uint64_t> ids;
  for (const Tensor& t : tensors) ids.push_back(t.id());
  return ids;
}

std::vector<Tape::Link> links_of(const Recording& nodes) {
  std::vector<Tape::Link> links;
  for (const Node& node : nodes) links.push_back({node.primitive->name, ids_of(node.inputs), ids_of(node.outputs)});
  return links;
}

}  // namespace

Tape::~Tape() {
  if (stack_) stack_->remove(this);
}

void Tape::enter() {
  if (stack_) {
    fail("[GradientTape] the tape is still recording: it cannot be entered again before it is left.");
  }
  if (consumed_) {
    reset();
    consumed_ = false;
  }
  stack_ = recorder_stack();
  stack_->push(this);
  entered_ = true;
}

void Tape::exit() {
  if (!stack_) fail("[GradientTape] the tape is not recording: enter it first with `with tape:`.");
  stack_->remove(this);
  stack_.reset();
}

void Tape::reset() {
  // Dropped last: a callback's destructor may run arbitrary code.
  const std::shared_ptr<Recording> nodes = std::exchange(nodes_, std::make_shared<Recording>());
  tracked_.clear();
  variables_.clear();
  calls_.clear();
  cuts_.clear();
  behind_cuts_.clear();
  past_cuts_.clear();
  spent_.reset();
}

void Tape::cut(const char* what, const Tensors& inputs, const Tensors& outputs) {
  cuts_.push_back({{what, ids_of(inputs), ids_of(outputs)}, place()});
  for (const Tensor& t : outputs) behind_cuts_[t.id()] = true;
}

void Tape::passed(const char* what, const Tensors& inputs, const Tensors& outputs) {
  if (std::none_of(inputs.begin(), inputs.end(), [&](const Tensor& t) { return behind_cuts_.contains(t.id()); }))
    return;
  for (const Tensor& t : outputs) behind_cuts_[t.id()] = true;
  past_cuts_.push_back({what, ids_of(inputs), ids_of(outputs)});
}

std::vector<Tape::Link> Tape::links() const {
  std::vector<Link> links = spent_ ? *spent_ : links_of(*nodes_);
  links.insert(links.end(), past_cuts_.begin(), past_cuts_.end());
  return links;
}

std::vector<Tensor> Tape::calls_of(std::uint64_t layer) const {
  std::vector<Tensor> outputs;
  for (const auto& [key, output] : calls_)
    if (key == layer) outputs.push_back(output);
  return outputs;
}

bool Tape::is_watched(const Tensor& t) const {
  const auto made = [&](const Node& node) {
    return std::any_of(node.outputs.begin(), node.outputs.end(), [&](const Tensor& y) { return y.id() == t.id(); });
  };
  return tracks(t) && std::none_of(nodes_->begin(), nodes_->end(), made);
}

void Tape::watch(const std::shared_ptr<Variable>& v) {
  watch(v->value());
  const auto by_id = [](const auto& a, const auto& b) { return a->value().id() < b->value().id(); };
  const auto at = std::lower_bound(variables_.begin(), variables_.end(), v, by_id);
  if (at == variables_.end() || *at != v) variables_.insert(at, v);
}

std::shared_ptr<Recording> Tape::take_record(const char* method) {
  if (!entered_) {
    fail<std::runtime_error>("[GradientTape.", method,
                             "] the tape was never entered: record the computation inside `with tape:` first.");
  }
  if (!persistent && consumed_) {
    fail<std::runtime_error>("[GradientTape.", method,
                             "] a non-persistent tape gives one set of gradients only: create it with persistent=True, "
                             "or ask for all sources in one call.");
  }
  std::shared_ptr<Recording> nodes = nodes_;
  if (!persistent) {
    if (stack_) exit();
    consumed_ = true;
    calls_.clear();
    nodes_ = std::make_shared<Recording>();
  }
  return nodes;
}

Tape::Followed Tape::followed(const std::vector<Tensor>& targets, const std::vector<Tensor>& sources) const {
  Followed f;
  f.sources.reserve(sources.size());
  f.positions.reserve(sources.size());
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto is_source = [&](const Tensor& target) { return target.id() == sources[i].id(); };
    if (!tracked_.contains(sources[i].id()) && std::none_of(targets.begin(), targets.end(), is_source)) continue;
    f.sources.push_back(sources[i]);
    f.positions.push_back(i);
  }
  return f;
}

std::vector<Tensor> Tape::at_positions(const Followed& f, const std::vector<Tensor>& found, std::size_t count,
                                       const Recording& nodes) {
  std::vector<Tensor> all(count);
  for (std::size_t i = 0; i < found.size(); ++i) all[f.positions[i]] = found[i];
  const auto missing = [](const Tensor& g) { return !g.defined(); };
  if (!persistent && std::any_of(all.begin(), all.end(), missing)) spent_ = links_of(nodes);
  return all;
}

std::vector<Tensor> Tape::gradient(const std::vector<Tensor>& targets, const std::vector<Tensor>& sources,
                                   const std::vector<Tensor>& cotangents) {
  std::vector<Tensor> flowing, seeds;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const Tensor& target = targets[i];
    if (!is_float(target.dtype())) continue;
    Tensor seed = i < cotangents.size() ? cotangents[i] : Tensor();
    if (!seed.defined()) {
      seed = Tensor::full(target.dtype(), target.shape(), 1);
    } else if (!(seed.shape() == target.shape())) {
      fail("[GradientTape.gradient] `output_gradients` ", i, " has shape ", seed.shape(), " but its target has shape ",
           target.shape(), ": they must be equal.");
    }
    flowing.push_back(target);
    seeds.push_back(cast(seed, target.dtype()));
  }
  const Followed f = followed(flowing, sources);
  const std::shared_ptr<Recording> nodes = take_record("gradient");
  const std::vector<Tensor> found = walk_back(*nodes, flowing, seeds, f.sources);
  return at_positions(f, found, sources.size(), *nodes);
}

std::vector<Tensor> Tape::jacobian(const Tensor& target, const std::vector<Tensor>& sources, bool by_row) {
  const Followed f = is_float(target.dtype()) ? followed({target}, sources) : Followed{};
  const std::shared_ptr<Recording> nodes = take_record(by_row ? "batch_jacobian" : "jacobian");
  const std::vector<Tensor> found = walk_jacobian(*nodes, target, f.sources, by_row);
  return at_positions(f, found, sources.size(), *nodes);
}

std::vector<Tensor> Tape::jvp(const std::vector<Tensor>& targets, const std::vector<Tensor>& sources,
                              const std::vector<Tensor>& tangents) const {
  return walk_forward(*std::shared_ptr<Recording>(nodes_), sources, tangents, targets);
}

bool Tape::tracks(const Tensors& inputs) const {
  for (const Tensor& t : inputs)
    if (is_float(t.dtype()) && tracked_.contains(t.id())) return true;
  return false;
}

void Tape::record(Node&& node) {
  const Primitive::Companion pair = node.primitive->companion;
  if (pair.input >= 0 && node.inputs.size() > static_cast<std::size_t>(pair.input)) {
    Tensor& x = node.inputs[static_cast<std::size_t>(pair.input)];
    if (!tracked_.contains(node.inputs[static_cast<std::size_t>(pair.leader)].id())) x = x.view(x.shape());
  }
  for (const Tensor& t : node.outputs) tracked_[t.id()] = true;
  nodes_->push_back(std::move(node));
}

void Tape::accessed(const std::shared_ptr<Variable>& variable) {
  if (watch_accessed_variables && !tracked_.contains(variable->value().id())) watch(variable);
}

}  // namespace densegrad

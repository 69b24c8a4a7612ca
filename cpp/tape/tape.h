// Tape: records what depends on watched tensors, and gives gradients of it.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "ops/variable.h"
#include "tape/walk.h"

namespace densegrad {

class Tape : public Recorder {
 public:
  Tape(bool persistent_, bool watch_accessed_variables_)
      : persistent(persistent_), watch_accessed_variables(watch_accessed_variables_) {}
  virtual ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  // Puts the tape on top of this thread's open recorders, and takes it from there. A consumed tape starts afresh.
  void enter();
  void exit();
  bool is_recording() const { return stack_ != nullptr; }
  // Forgets operations and watches.
  void reset();

  // Whether watch() makes sense: entered, and not yet consumed.
  bool is_watching() const { return entered_ && !consumed_; }
  void watch(const Tensor& t) { tracked_[t.id()] = true; }
  void watch(const std::shared_ptr<Variable>& v);
  const std::vector<std::shared_ptr<Variable>>& watched_variables() const { return variables_; }

  // One gradient per source, undefined where unconnected. An undefined cotangent (or a missing one) is ones.
  // A non-persistent tape gives one set of gradients and forgets what it recorded.
  std::vector<Tensor> gradient(const std::vector<Tensor>& targets, const std::vector<Tensor>& sources,
                               const std::vector<Tensor>& cotangents);

  // d target[i] / d source[j] for all i and j, shape target.shape + source.shape; undefined where unconnected. With
  // `by_row`, the first axes of target and source are samples that depend on each other only within a row, and the shape
  // is (rows,) + target.shape[1:] + source.shape[1:].
  std::vector<Tensor> jacobian(const Tensor& target, const std::vector<Tensor>& sources, bool by_row);

  // The directional derivatives of the targets along a tangent of each source; undefined where unconnected.
  std::vector<Tensor> jvp(const std::vector<Tensor>& targets, const std::vector<Tensor>& sources,
                          const std::vector<Tensor>& tangents) const;

  // The outputs of a layer's calls on this tape, by the layer's key. An undefined tensor stands for a structure.
  void note_call(std::uint64_t layer, const Tensor& output) { calls_.emplace_back(layer, output); }
  std::vector<Tensor> calls_of(std::uint64_t layer) const;

  // For explanations: where followed values left what can be differentiated, for the host language (numpy(), float(), ...:
  // no output) or in an operation without a derivative; and what was recorded, as identities.
  struct Place {
    std::string file;
    int line = 0;
  };
  struct Link {
    const char* what;
    std::vector<std::uint64_t> inputs, outputs;
  };
  struct Cut {
    Link link;
    Place place;
  };
  bool tracks(const Tensor& t) const { return tracked_.contains(t.id()); }
  // Whether it is tracked, but not as the result of an operation.
  bool is_watched(const Tensor& t) const;
  void cut(const char* what, const Tensors& inputs, const Tensors& outputs) override;
  void passed(const char* what, const Tensors& inputs, const Tensors& outputs) override;
  const std::vector<Cut>& cuts() const { return cuts_; }
  // With those on what a cut left. Of a non-persistent tape after its gradients: only if one of them was missing.
  std::vector<Link> links() const;
  bool is_dropped() const { return consumed_ && !persistent && !spent_; }

  const Recording& nodes() const { return *nodes_; }

  bool tracks(const Tensors& inputs) const override;
  void record(Node&& node) override;
  void accessed(const std::shared_ptr<Variable>& variable) override;

  const bool persistent;
  const bool watch_accessed_variables;

 protected:
  virtual Place place() const { return {}; }  // of the statement that runs in the host language

 private:
  // The sources that the tape followed (or that are targets), at their positions among all.
  struct Followed {
    std::vector<Tensor> sources;
    std::vector<std::size_t> positions;
  };
  Followed followed(const std::vector<Tensor>& targets, const std::vector<Tensor>& sources) const;
  // One result per source, undefined for those that were not followed; then the links of `nodes` are kept.
  std::vector<Tensor> at_positions(const Followed& f, const std::vector<Tensor>& found, std::size_t count,
                                   const Recording& nodes);
  // The record, which a non-persistent tape gives away once.
  std::shared_ptr<Recording> take_record(const char* method);

  std::shared_ptr<RecorderStack> stack_;  // while it records: the stack of the thread that entered it
  bool entered_ = false;
  bool consumed_ = false;
  // Shared with a walk under way, which a callback may not pull it away from.
  std::shared_ptr<Recording> nodes_ = std::make_shared<Recording>();
  FlatMap<bool> tracked_;
  std::vector<std::shared_ptr<Variable>> variables_;  // by construction order
  std::vector<std::pair<std::uint64_t, Tensor>> calls_;
  std::vector<Cut> cuts_;
  FlatMap<bool> behind_cuts_;               // what was computed from a cut's outputs,
  std::vector<Link> past_cuts_;             // and how
  std::optional<std::vector<Link>> spent_;  // links of a record that is gone
};

}  // namespace densegrad

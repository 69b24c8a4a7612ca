// Tape: records what depends on watched tensors, and gives gradients of it.
#pragma once

#include <memory>
#include <vector>

#include "ops/variable.h"
#include "tape/walk.h"

namespace densegrad {

class Tape final : public Recorder {
 public:
  Tape(bool persistent, bool watch_accessed_variables)
      : persistent(persistent), watch_accessed_variables_(watch_accessed_variables) {}
  ~Tape();
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

  // A tensor of this tape left for the host language (numpy(), float(), ...): kept for explanations.
  struct Exit {
    std::uint64_t id;
    const char* kind;
    std::string file;
    int line;
  };
  bool tracks(const Tensor& t) const { return tracked_.contains(t.id()); }
  void note_exit(Exit exit) { exits_.push_back(std::move(exit)); }
  const std::vector<Exit>& exits() const { return exits_; }

  const Recording& nodes() const { return *nodes_; }

  bool tracks(const Tensors& inputs) const override;
  void record(Node node) override;
  void accessed(const std::shared_ptr<Variable>& variable) override;

  const bool persistent;

 private:
  // The sources that the tape followed (or that are targets), at their positions among all.
  struct Followed {
    std::vector<Tensor> sources;
    std::vector<std::size_t> positions;
  };
  Followed followed(const std::vector<Tensor>& targets, const std::vector<Tensor>& sources) const;
  // The record, which a non-persistent tape gives away once.
  std::shared_ptr<Recording> take_record(const char* method);

  const bool watch_accessed_variables_;
  std::shared_ptr<RecorderStack> stack_;  // while it records: the stack of the thread that entered it
  bool entered_ = false;
  bool consumed_ = false;
  // Shared with a walk under way, which a callback may not pull it away from.
  std::shared_ptr<Recording> nodes_ = std::make_shared<Recording>();
  FlatMap<bool> tracked_;
  std::vector<std::shared_ptr<Variable>> variables_;  // by construction order
  std::vector<std::pair<std::uint64_t, Tensor>> calls_;
  std::vector<Exit> exits_;
};

}  // namespace densegrad

// Batching: a function of examples is run once on stand-ins without values, and what it did is replayed on whole batches.
#pragma once

#include <memory>
#include <vector>

#include "core/flat_map.h"
#include "tape/walk.h"

namespace densegrad {

// While it records, an operation on a stand-in belongs to this trace and to the recorders that were opened after it; those
// opened before see the replay instead. Other operations are theirs as ever.
class BatchTrace final : public Recorder {
 public:
  explicit BatchTrace(index_t batch);
  ~BatchTrace() { stop(); }
  BatchTrace(const BatchTrace&) = delete;
  BatchTrace& operator=(const BatchTrace&) = delete;

  // One example of a tensor whose first axis is the batch: a shape and a dtype.
  Tensor example_of(Tensor batched);

  void stop();
  // Batches of the results, with the batch axis first; what depends on no example is repeated. At most once.
  std::vector<Tensor> replay(const std::vector<Tensor>& results);

  bool tracks(const Tensors& inputs) const override;
  void record(Node&& node) override;
  void accessed(const std::shared_ptr<Variable>&) override {}

 private:
  class BatchedCallback;
  using Batches = FlatMap<Tensor>;  // the batch of a stand-in, by its id

  BatchTrace(index_t batch, std::shared_ptr<Batches> batches);
  void replay_node(const Node& node, FlatMap<int>& uses, bool keep);

  const index_t batch_;
  std::shared_ptr<RecorderStack> stack_;
  std::shared_ptr<Batches> batches_;
  FlatMap<bool> made_;
  Recording nodes_;
};

}  // namespace densegrad

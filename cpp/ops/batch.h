// What batching rules are made of. The batch axis comes first; an example's own axes follow.
#pragma once

#include "ops/ops.h"

namespace densegrad {

// Input i for a primitive that broadcasts: the batch axis stays first when the example gains axes up to `rank`.
inline Tensor lifted(const VmapContext& c, std::size_t i, int rank) {
  const Tensor& x = c.inputs[i];
  const int own = c.rank(i);
  if (!c.batched[i] || own >= rank) return x;
  Shape shape{c.batch};
  for (int k = own; k < rank; ++k) shape.push_back(1);
  for (int k = 1; k <= own; ++k) shape.push_back(x.dim(k));
  return reshape(x, shape);
}

// Input i with a batch axis, repeated if it has none.
inline Tensor repeated(const VmapContext& c, std::size_t i) {
  const Tensor& x = c.inputs[i];
  if (c.batched[i]) return x;
  Shape shape{c.batch};
  for (index_t d : x.shape()) shape.push_back(d);
  return broadcast_to(x, shape);
}

// The axes of an example, in the batch.
inline Shape behind_batch(const Shape& axes) {
  Shape out;
  for (index_t axis : axes) out.push_back(axis + 1);
  return out;
}
inline Shape with_batch(index_t batch, const Shape& shape) {
  Shape out{batch};
  for (index_t d : shape) out.push_back(d);
  return out;
}

// The rule of a primitive that acts on every entry, or on the last axis, of its one input.
inline void same_vmap(VmapContext& c) { c.outputs = run(c.primitive, c.inputs, c.params); }

// The rule of a primitive that broadcasts its inputs.
inline void broadcasting_vmap(VmapContext& c) {
  int rank = 0;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) rank = std::max(rank, c.rank(i));
  Tensors in;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) in.push_back(lifted(c, i, rank));
  c.outputs = run(c.primitive, in, c.params);
}

}  // namespace densegrad

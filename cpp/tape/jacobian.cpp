#include "tape/jacobian.h"

#include <algorithm>

#include "ops/ops.h"
#include "tape/batch.h"

namespace densegrad {

namespace {

// One cotangent per entry of the target: (count,) + shape, all 0 but for that entry. By row, one per entry of a row, which
// has one row that stands for all.
Tensor unit_cotangents(DType dtype, const Shape& shape, bool by_row) {
  Shape all{shape.count(by_row ? 1 : 0, shape.rank())};
  for (index_t d : shape) all.push_back(d);
  if (by_row) all[1] = std::min<index_t>(all[1], 1);
  const Tensor units = Tensor::full(dtype, all, 0);
  visit_float(dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    for (index_t k = 0; k < units.size(); k += all[0] + 1) units.mutable_data<T>()[k] = T(1);
  });
  return units;
}

Shape joined(const Shape& a, const Shape& b, int from) {
  Shape out = a;
  for (int i = from; i < b.rank(); ++i) out.push_back(b[i]);
  return out;
}

// One walk per cotangent: for a custom derivative that looks at values, which a stand-in does not have.
std::vector<Tensor> looped(const Recording& recording, const Tensor& target, const std::vector<Tensor>& sources,
                           const Tensor& units) {
  std::vector<std::vector<Tensor>> rows(sources.size());
  for (index_t k = 0; k < units.dim(0); ++k) {
    const Tensor unit = reshape(take(units, Tensor::full(DType::int64, {1}, static_cast<double>(k)), 0),
                                Shape(units.shape().begin() + 1, units.shape().end()));
    const std::vector<Tensor> grads = walk_back(recording, {target}, {unit}, sources);
    for (std::size_t i = 0; i < grads.size(); ++i)
      if (grads[i].defined()) rows[i].push_back(reshape(grads[i], joined({1}, grads[i].shape(), 0)));
  }
  std::vector<Tensor> found;
  for (const auto& parts : rows) found.push_back(parts.empty() ? Tensor() : concatenate(parts, 0));
  return found;
}

std::vector<Tensor> batched(const Recording& recording, const Tensor& target, const std::vector<Tensor>& sources,
                            Tensor units) {
  BatchTrace trace(units.dim(0));
  const Tensor unit = trace.example_of(std::move(units));
  const std::vector<Tensor> grads = walk_back(recording, {target}, {unit}, sources);
  trace.stop();
  return trace.replay(grads);
}

}  // namespace

std::vector<Tensor> walk_jacobian(const Recording& recording, const Tensor& target, const std::vector<Tensor>& sources,
                                  bool by_row) {
  if (sources.empty()) return {};
  const Shape& shape = target.shape();
  std::vector<Tensor> found;
  try {
    found = batched(recording, target, sources, unit_cotangents(target.dtype(), shape, by_row));
  } catch (const SymbolicError&) {
    found = looped(recording, target, sources, unit_cotangents(target.dtype(), shape, by_row));
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    Tensor& j = found[i];
    if (!j.defined()) continue;
    if (by_row) {  // (count, rows, ...) to (rows, count, ...)
      Shape order{1, 0};
      for (int axis = 2; axis < j.rank(); ++axis) order.push_back(axis);
      j = transpose(j, order);
    }
    j = reshape(j, joined(shape, sources[i].shape(), by_row ? 1 : 0));
  }
  return found;
}

}  // namespace densegrad

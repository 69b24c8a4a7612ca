// Primitives that move data: reshape, identity, transpose, concatenate, slice and its adjoint place.
#include <array>
#include <cstring>

#include "ops/batch.h"
#include "ops/ops.h"
#include "ops/strided.h"

namespace densegrad {

namespace {

// ---- reshape, identity: new tensors on the same storage --------------------------------------------------------------

void reshape_shapes(const Tensors& in, const Params& params, Specs& out) {
  out.push_back({in[0].dtype(), std::get<ShapeParams>(params).shape});
}
bool reshape_vjp(VjpContext& c) {
  c.dx[0] = reshape(c.dy[0], c.inputs[0].shape());
  return true;
}
void same_shapes(const Tensors& in, const Params&, Specs& out) { out.push_back({in[0].dtype(), in[0].shape()}); }
bool identity_vjp(VjpContext& c) {
  c.dx[0] = c.dy[0];
  return true;
}

void reshape_vmap(VmapContext& c) {
  c.outputs = {reshape(c.inputs[0], with_batch(c.batch, std::get<ShapeParams>(c.params).shape))};
}

const Primitive reshape_primitive{.name = "reshape",
                                  .shapes = reshape_shapes,
                                  .views = true,
                                  .vjp = reshape_vjp,
                                  .jvp = linear_jvp,
                                  .vmap = reshape_vmap};
const Primitive identity_primitive{.name = "identity",
                                   .shapes = same_shapes,
                                   .views = true,
                                   .vjp = identity_vjp,
                                   .jvp = linear_jvp,
                                   .vmap = same_vmap};
const Primitive stop_gradient_primitive{
    .name = "stop_gradient", .shapes = same_shapes, .views = true, .vmap = same_vmap, .differentiable = false};

// ---- transpose -------------------------------------------------------------------------------------------------------

void transpose_shapes(const Tensors& in, const Params& params, Specs& out) {
  Shape shape;
  for (index_t axis : std::get<PermuteParams>(params).axes) shape.push_back(in[0].dim(static_cast<int>(axis)));
  out.push_back({in[0].dtype(), shape});
}

void transpose_eval(const Tensors& in, const Params& params, Tensors& out) {
  const Shape from = row_strides(in[0].shape());
  Shape strides;
  for (index_t axis : std::get<PermuteParams>(params).axes) strides.push_back(from[static_cast<int>(axis)]);
  const Copy copy(out[0].shape(), strides, row_strides(out[0].shape()));
  visit_any(in[0].dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    strided_copy<T>(copy, in[0].data<T>(), out[0].mutable_data<T>());
  });
}

bool transpose_vjp(VjpContext& c) {
  const Shape& axes = std::get<PermuteParams>(c.params).axes;
  Shape inverse = axes;
  for (int i = 0; i < axes.rank(); ++i) inverse[static_cast<int>(axes[i])] = i;
  c.dx[0] = transpose(c.dy[0], inverse);
  return true;
}

void transpose_vmap(VmapContext& c) {
  c.outputs = {transpose(c.inputs[0], with_batch(0, behind_batch(std::get<PermuteParams>(c.params).axes)))};
}

const Primitive transpose_primitive{.name = "transpose",
                                    .shapes = transpose_shapes,
                                    .eval = transpose_eval,
                                    .vjp = transpose_vjp,
                                    .jvp = linear_jvp,
                                    .vmap = transpose_vmap};

// ---- concatenate -----------------------------------------------------------------------------------------------------

void concatenate_shapes(const Tensors& in, const Params& params, Specs& out) {
  const int axis = std::get<AxisParams>(params).axis;
  Shape shape = in[0].shape();
  for (std::size_t k = 1; k < in.size(); ++k) {
    const Shape& s = in[k].shape();
    bool fits = s.rank() == shape.rank();
    for (int i = 0; fits && i < s.rank(); ++i) fits = i == axis || s[i] == shape[i];
    if (!fits) {
      fail("[concatenate] `xs[0]` has shape ", in[0].shape(), " but `xs[", k, "]` has shape ", s,
           ": all axes but axis ", axis, " must be equal.");
    }
    if (in[k].dtype() != in[0].dtype()) {
      fail<TypeError>("[concatenate] `xs[0]` is ", in[0].dtype(), " but `xs[", k, "]` is ", in[k].dtype(),
                      ": all must have one dtype; convert with cast(x, dtype).");
    }
    shape[axis] = shape[axis] == unknown || s[axis] == unknown ? unknown : shape[axis] + s[axis];
  }
  out.push_back({in[0].dtype(), shape});
}

void concatenate_eval(const Tensors& in, const Params& params, Tensors& out) {
  const int axis = std::get<AxisParams>(params).axis;
  const Shape& shape = out[0].shape();
  const auto item = static_cast<std::size_t>(item_size(out[0].dtype()));
  const index_t outer = shape.count(0, axis);
  const std::size_t row = static_cast<std::size_t>(shape.count(axis, shape.rank())) * item;
  auto* to = static_cast<std::byte*>(out[0].raw());
  for (const Tensor& x : in) {
    const std::size_t part = static_cast<std::size_t>(x.shape().count(axis, shape.rank())) * item;
    const auto* from = static_cast<const std::byte*>(x.raw());
    for (index_t o = 0; o < outer; ++o) {
      std::memcpy(to + static_cast<std::size_t>(o) * row, from + static_cast<std::size_t>(o) * part, part);
    }
    to += part;
  }
}

SliceParams whole(const Shape& shape) {
  SliceParams p{shape, shape, shape};
  for (int i = 0; i < shape.rank(); ++i) {
    p.start[i] = 0;
    p.step[i] = 1;
  }
  return p;
}

bool concatenate_vjp(VjpContext& c) {
  const int axis = std::get<AxisParams>(c.params).axis;
  index_t start = 0;
  for (std::size_t k = 0; k < c.inputs.size(); ++k) {
    SliceParams p = whole(c.inputs[k].shape());
    p.start[axis] = start;
    start += c.inputs[k].dim(axis);
    if (c.wanted[k]) c.dx[k] = slice(c.dy[0], p);
  }
  return true;
}

void concatenate_vmap(VmapContext& c) {
  std::vector<Tensor> parts;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) parts.push_back(repeated(c, i));
  c.outputs = {concatenate(parts, std::get<AxisParams>(c.params).axis + 1)};
}

const Primitive concatenate_primitive{.name = "concatenate",
                                      .shapes = concatenate_shapes,
                                      .eval = concatenate_eval,
                                      .vjp = concatenate_vjp,
                                      .jvp = linear_jvp,
                                      .vmap = concatenate_vmap};

// ---- slice and place -------------------------------------------------------------------------------------------------

void slice_shapes(const Tensors& in, const Params& params, Specs& out) {
  out.push_back({in[0].dtype(), std::get<SliceParams>(params).extent});
}

// Where the slice of a tensor of this shape starts, and its strides.
index_t sliced(const SliceParams& p, const Shape& shape, Shape& strides) {
  strides = row_strides(shape);
  index_t offset = 0;
  for (int i = 0; i < strides.rank(); ++i) {
    offset += p.start[i] * strides[i];
    strides[i] *= p.step[i];
  }
  return offset;
}

void slice_eval(const Tensors& in, const Params& params, Tensors& out) {
  Shape strides;
  const index_t offset = sliced(std::get<SliceParams>(params), in[0].shape(), strides);
  const Copy copy(out[0].shape(), strides, row_strides(out[0].shape()));
  visit_any(in[0].dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    strided_copy<T>(copy, in[0].data<T>() + offset, out[0].mutable_data<T>());
  });
}

bool slice_vjp(VjpContext& c) {
  SliceParams p = std::get<SliceParams>(c.params);
  p.extent = c.inputs[0].shape();
  c.dx[0] = place(c.dy[0], p);
  return true;
}

void place_eval(const Tensors& in, const Params& params, Tensors& out) {
  const Tensor &x = in[0], &y = out[0];
  std::memset(y.raw(), 0, static_cast<std::size_t>(y.size() * item_size(y.dtype())));
  if (x.size() == 0) return;
  Shape strides;
  const index_t offset = sliced(std::get<SliceParams>(params), y.shape(), strides);
  const Copy copy(x.shape(), row_strides(x.shape()), strides);
  visit_any(x.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    strided_copy<T>(copy, x.data<T>(), y.mutable_data<T>() + offset);
  });
}

bool place_vjp(VjpContext& c) {
  SliceParams p = std::get<SliceParams>(c.params);
  p.extent = c.inputs[0].shape();
  c.dx[0] = slice(c.dy[0], p);
  return true;
}

void slice_vmap(VmapContext& c) {
  const auto& p = std::get<SliceParams>(c.params);
  const SliceParams all{with_batch(0, p.start), with_batch(1, p.step), with_batch(c.batch, p.extent)};
  c.outputs = {run1(c.primitive, c.inputs, all)};
}

const Primitive slice_primitive{.name = "slice",
                                .shapes = slice_shapes,
                                .eval = slice_eval,
                                .vjp = slice_vjp,
                                .jvp = linear_jvp,
                                .vmap = slice_vmap};
const Primitive place_primitive{.name = "place",
                                .shapes = slice_shapes,
                                .eval = place_eval,
                                .vjp = place_vjp,
                                .jvp = linear_jvp,
                                .vmap = slice_vmap};

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape) {
  if (shape == x.shape()) return x;
  Shape full = shape;
  int inferred = -1;
  index_t known = 1;
  for (int i = 0; i < full.rank(); ++i) {
    if (full[i] == -1 && inferred < 0) {
      inferred = i;
    } else if (full[i] < 0) {
      fail("[reshape] `newshape` has the entry ", full[i], " on axis ", i,
           ": at most one entry may be -1, to be inferred, and none may be less.");
    } else {
      if (__builtin_mul_overflow(known, full[i], &known)) {
        fail<std::overflow_error>("[reshape] `newshape` ", shape, " has too many entries.");
      }
    }
  }
  // A symbolic first axis may only stay the first axis.
  const bool symbolic = x.size() == unknown;
  if (inferred >= 0 && !symbolic && known > 0) full[inferred] = x.size() / known;
  const bool fits =
      symbolic ? inferred == 0 && known == x.shape().count(1, x.rank()) : full.is_known() && full.count() == x.size();
  if (!fits) {
    fail("[reshape] `x` has shape ", x.shape(), " and cannot take shape ", shape, ": the number of entries must stay.");
  }
  return run1(reshape_primitive, {x}, ShapeParams{full});
}

Tensor identity(const Tensor& x) { return run1(identity_primitive, {x}); }
Tensor stop_gradient(const Tensor& x) { return run1(stop_gradient_primitive, {x}); }

Tensor transpose(const Tensor& x, const Shape& axes) {
  std::array<bool, max_rank> used{};
  Shape normal;
  bool sorted = true;
  for (index_t axis : axes) {
    const int i = normalize_axis("transpose", axis, x.rank());
    if (used[static_cast<std::size_t>(i)]) fail("[transpose] `axes` names axis ", i, " twice.");
    used[static_cast<std::size_t>(i)] = true;
    sorted = sorted && i == normal.rank();
    normal.push_back(i);
  }
  if (normal.rank() != x.rank()) {
    fail("[transpose] `axes` has ", normal.rank(), " entries but `x` has shape ", x.shape(),
         ": one per axis is needed.");
  }
  return sorted ? x : run1(transpose_primitive, {x}, PermuteParams{normal});
}

Tensor move_axis_last(const Tensor& x, int axis) {
  Shape axes;
  for (int i = 0; i < x.rank(); ++i)
    if (i != axis) axes.push_back(i);
  axes.push_back(axis);
  return transpose(x, axes);
}

Tensor move_axis_back(const Tensor& x, int axis) {
  Shape axes;
  for (int i = 0; i < x.rank(); ++i) {
    axes.push_back(i < axis ? i : i == axis ? x.rank() - 1 : i - 1);
  }
  return transpose(x, axes);
}

Tensor concatenate(const std::vector<Tensor>& xs, index_t axis) {
  if (xs.empty()) fail("[concatenate] `xs` is empty: at least one tensor is needed.");
  Tensors in;
  for (const Tensor& x : xs) in.push_back(x);
  return run1(concatenate_primitive, in, AxisParams{normalize_axis("concatenate", axis, xs[0].rank())});
}

Tensor slice(const Tensor& x, const SliceParams& slices) { return run1(slice_primitive, {x}, slices); }
Tensor place(const Tensor& x, const SliceParams& slices) { return run1(place_primitive, {x}, slices); }

Tensor pad(const Tensor& x, const std::vector<std::pair<index_t, index_t>>& widths) {
  if (static_cast<int>(widths.size()) != x.rank()) {
    fail("[pad] `pad_width` has ", widths.size(), " pairs but `x` has shape ", x.shape(), ": one per axis.");
  }
  SliceParams p = whole(x.shape());
  for (int axis = 0; axis < x.rank(); ++axis) {
    const auto [before, after] = widths[static_cast<std::size_t>(axis)];
    if (before < 0 || after < 0) {
      fail("[pad] `pad_width` is (", before, ", ", after, ") on axis ", axis, ": it must not be negative.");
    }
    if (x.dim(axis) == unknown && (before || after)) {
      fail("[pad] axis ", axis, " of this symbolic tensor is unknown: it cannot be padded.");
    }
    if (x.dim(axis) == unknown) continue;
    index_t extent = 0;
    if (__builtin_add_overflow(before, x.dim(axis), &extent) || __builtin_add_overflow(extent, after, &extent)) {
      fail<std::overflow_error>("[pad] `pad_width` ", before, ", ", after, " makes axis ", axis, " too long.");
    }
    p.start[axis] = before;
    p.extent[axis] = extent;
  }
  return place(x, p);
}

std::vector<const Primitive*> movement_primitives() {
  return {&reshape_primitive,     &identity_primitive, &stop_gradient_primitive, &transpose_primitive,
          &concatenate_primitive, &slice_primitive,    &place_primitive};
}

}  // namespace densegrad

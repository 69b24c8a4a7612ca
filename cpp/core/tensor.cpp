#include "core/tensor.h"

#include <cstring>
#include <new>

#include "core/blocks.h"

namespace densegrad {

namespace {

constexpr std::size_t alignment = 64;

Ref<Storage> storage_for(DType dtype, const Shape& shape) {
  if (!shape.is_known()) throw std::logic_error("a tensor with values needs a known shape");
  const auto count = static_cast<std::size_t>(shape.count()), item = static_cast<std::size_t>(item_size(dtype));
  try {
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(count, item, &bytes)) throw std::bad_alloc();
    return Ref<Storage>(new Storage(bytes));
  } catch (const std::bad_alloc&) {
    fail<OutOfMemory>("[tensor] a tensor of shape ", shape, " and dtype ", dtype, " takes ",
                      gigabytes(static_cast<double>(count) * static_cast<double>(item)),
                      " GB: there is not so much memory.");
  }
}

}  // namespace

Storage::Storage(std::size_t n)
    : bytes(n), block(n > static_cast<std::size_t>(PTRDIFF_MAX) - 2 * alignment ? nullptr : take_block(n + alignment)) {
  if (!block) throw std::bad_alloc();
  const auto address = reinterpret_cast<std::uintptr_t>(block);
  data = static_cast<std::byte*>(block) + (alignment - address % alignment) % alignment;
}

Storage::~Storage() { give_block(block, bytes + alignment); }

TensorImpl::TensorImpl() = default;
TensorImpl::~TensorImpl() = default;

std::uint64_t Tensor::next_id() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

Tensor::Tensor(DType dtype, const Shape& shape) {
  Ref<Storage> storage = storage_for(dtype, shape);
  *this = symbolic(dtype, shape);
  impl_->storage = std::move(storage);
}

Tensor Tensor::symbolic(DType dtype, const Shape& shape) {
  Tensor t;
  t.impl_ = Ref<TensorImpl>(new TensorImpl);
  t.impl_->dtype = dtype;
  t.impl_->shape = shape;
  t.impl_->size = shape.is_known() ? shape.count() : unknown;
  t.impl_->id = next_id();
  return t;
}

Tensor Tensor::full(DType dtype, const Shape& shape, double value) {
  if (!shape.is_known()) return symbolic(dtype, shape);
  Tensor t(dtype, shape);
  visit_any(dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    T* p = t.mutable_data<T>();
    for (index_t i = 0; i < t.size(); ++i) p[i] = static_cast<T>(value);
  });
  return t;
}

Tensor Tensor::scalar(DType dtype, double value) { return full(dtype, {}, value); }

Tensor Tensor::view(const Shape& shape, index_t offset) const {
  Tensor t = symbolic(dtype(), shape);
  t.impl_->storage = impl_->storage;
  t.impl_->byte_offset = impl_->byte_offset + static_cast<std::size_t>(offset * item_size(dtype()));
  return t;
}

Tensor Tensor::with_storage(Ref<Storage> storage) const {
  Tensor t = ghost();
  t.impl_->storage = std::move(storage);
  return t;
}

Tensor Tensor::ghost() const {
  Tensor t;
  t.impl_ = Ref<TensorImpl>(new TensorImpl);
  t.impl_->dtype = dtype();
  t.impl_->shape = shape();
  t.impl_->size = size();
  t.impl_->id = id();
  return t;
}

Tensor Tensor::bare() const {
  Tensor t = with_storage(impl_->storage);
  t.impl_->byte_offset = impl_->byte_offset;
  return t;
}

void Tensor::set_pre(int activation, int axis, const Tensor& z) const {
  // A z with a pre-activation of its own would start a chain that keeps every step of a loop alive.
  impl_->pre = std::make_unique<PreActivation>(PreActivation{activation, axis, z.defined() && z.pre() ? z.bare() : z});
}

void Tensor::no_storage() const {
  fail<SymbolicError>("[tensor] this tensor of shape ", shape(),
                      " is symbolic and has no values: in vmap it stands for one example of a batch, so select with "
                      "dg.ops.where; in a model, call the model or layer on data, and keep no tensor of the call that "
                      "makes the weights.");
}

}  // namespace densegrad

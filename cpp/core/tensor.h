// Tensor: an immutable, contiguous, row-major array with shared ownership and an identity that tapes follow.
//
// A Tensor without storage is symbolic: it has a dtype and a shape (the first axis may be unknown) but no values.
// The record of a tape keeps such a "ghost" of every tensor that its rules do not need.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "core/dtype.h"
#include "core/shape.h"
#include "core/small_vector.h"

namespace densegrad {

// A shared pointer to a T that counts its own references in `T::refs`.
template <class T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(T* p) : p_(p) {}
  Ref(const Ref& other) : p_(other.p_) {
    if (p_) p_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  Ref(Ref&& other) noexcept : p_(std::exchange(other.p_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(p_, other.p_);
    return *this;
  }
  ~Ref() {
    if (p_ && p_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) delete p_;
  }
  T* operator->() const { return p_; }
  T& operator*() const { return *p_; }
  T* get() const { return p_; }
  explicit operator bool() const { return p_ != nullptr; }

 private:
  T* p_ = nullptr;
};

// A block of memory, aligned for vector loads if it is owned. (malloc and an offset: aligned_alloc has no per-thread cache.)
struct Storage {
  std::atomic<std::int64_t> refs{1};
  std::byte* data;
  std::size_t bytes;
  void* block;

  explicit Storage(std::size_t n);  // throws std::bad_alloc
  Storage(std::byte* borrowed, std::size_t n) : data(borrowed), bytes(n), block(nullptr) {}
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
};

class Tensor;
struct PreActivation;

struct TensorImpl {
  std::atomic<std::int64_t> refs{1};
  DType dtype = DType::float32;
  Shape shape;
  index_t size = 0;
  std::uint64_t id = 0;
  Ref<Storage> storage;
  std::size_t byte_offset = 0;
  std::unique_ptr<PreActivation> pre;  // set on the output of a dense or activation primitive

  TensorImpl();
  ~TensorImpl();
};

class Tensor {
 public:
  Tensor() = default;
  // New storage with unspecified content, and a new identity.
  Tensor(DType dtype, const Shape& shape);

  static Tensor symbolic(DType dtype, const Shape& shape);
  static Tensor scalar(DType dtype, double value);
  static Tensor full(DType dtype, const Shape& shape, double value);
  static std::uint64_t next_id();

  bool defined() const { return static_cast<bool>(impl_); }
  bool has_storage() const { return static_cast<bool>(impl_->storage); }
  DType dtype() const { return impl_->dtype; }
  const Shape& shape() const { return impl_->shape; }
  int rank() const { return impl_->shape.rank(); }
  index_t dim(int i) const { return impl_->shape[i]; }
  index_t size() const { return impl_->size; }
  std::uint64_t id() const { return impl_->id; }

  // Raw memory. Throws std::runtime_error for a symbolic tensor. Only eval rules and Variable write.
  void* raw() const {
    if (!impl_->storage) no_storage();
    return impl_->storage->data + impl_->byte_offset;
  }
  template <class T>
  const T* data() const {
    return static_cast<const T*>(raw());
  }
  template <class T>
  T* mutable_data() const {
    return static_cast<T*>(raw());
  }

  // The same memory under another shape of equal size (or a slice that starts `offset` entries later), new identity.
  Tensor view(const Shape& shape, index_t offset = 0) const;
  // The same values and identity over other storage (Variable), and the same identity without values (records).
  Tensor with_storage(Ref<Storage> storage) const;
  Tensor ghost() const;
  // The same without its pre-activation.
  Tensor bare() const;

  // The pre-activation that this tensor was computed from, if it came from a dense or activation primitive.
  const PreActivation* pre() const { return impl_->pre.get(); }
  void set_pre(int activation, int axis, const Tensor& z) const;

  const Ref<Storage>& storage() const { return impl_->storage; }
  // Whether this handle is the only one on the tensor, and the tensor the only one on its memory.
  bool is_unshared() const {
    return impl_->storage && impl_->refs.load(std::memory_order_acquire) == 1 &&
           impl_->storage->refs.load(std::memory_order_acquire) == 1;
  }

 private:
  [[noreturn]] void no_storage() const;
  Ref<TensorImpl> impl_;
};

struct PreActivation {
  int activation;  // what made the tensor, in a numbering of the ops layer (enum Activation)
  int axis;        // the axis of a row-wise activation
  Tensor z;        // undefined: the tensor is its own pre-activation (linear)
};

using Tensors = SmallVector<Tensor, 4>;

}  // namespace densegrad

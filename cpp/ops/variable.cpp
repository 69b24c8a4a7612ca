#include "ops/variable.h"

#include <cstring>

#include "ops/ops.h"
#include "ops/primitive.h"
#include "ops/rehearsal.h"

namespace densegrad {

namespace {

Tensor copy_of(const Tensor& t) {
  const void* values = t.raw();  // first: a symbolic tensor has none
  Tensor c(t.dtype(), t.shape());
  std::memcpy(c.raw(), values, static_cast<std::size_t>(t.size() * item_size(t.dtype())));
  return c;
}

}  // namespace

bool& rehearsing() {
  thread_local bool on = false;
  return on;
}

Variable::Variable(const Tensor& value, std::string name_, bool trainable_)
    : name(name_), path(std::move(name_)), trainable(trainable_), value_(copy_of(value)) {}

const Tensor& Variable::read() {
  const bool watched = trainable && is_float(value_.dtype());
  for (Recorder* recorder : recorders())
    if (watched || recorder->complete) recorder->accessed(shared_from_this());
  return value_;
}

const Tensor& Variable::unshare() {
  // Records hold the TensorImpl, views hold the Storage: either kind of reader must not see the write.
  Ref<Storage> mine = value_.storage();
  value_ = value_.with_storage(mine);
  const Ref<Storage> readers = mine;
  mine = Ref<Storage>();
  if (readers->refs.load(std::memory_order_acquire) > 2) {  // `readers`, value_, and somebody else
    Ref<Storage> fresh(new Storage(readers->bytes));
    std::memcpy(fresh->data, readers->data, readers->bytes);
    std::swap(fresh->data, readers->data);  // the variable keeps its address, the readers move
    std::swap(fresh->block, readers->block);
    value_ = value_.with_storage(std::move(fresh));
  }
  return value_;
}

void Variable::assign(const Tensor& value) {
  if (!(value.shape() == value_.shape())) {
    fail("[Variable.assign] `value` has shape ", value.shape(), " but variable '", name, "' has shape ", value_.shape(),
         ": the shapes must be equal.");
  }
  if (rehearsing()) return;
  Tensor converted;
  {
    PauseRecording pause(true);
    converted = value.dtype() == value_.dtype() ? value : cast(value, value_.dtype());
  }
  const std::size_t bytes = static_cast<std::size_t>(value_.size() * item_size(value_.dtype()));
  if (converted.storage().get() == value_.storage().get()) return;
  announce([&] {
    const auto self = shared_from_this();
    return Effect{"assign", {converted}, {self}, [variable = self.get(), bytes](const Tensors& in) {
                    std::memcpy(variable->writable().raw(), in[0].raw(), bytes);
                  }};
  });
  const Tensor target = writable();
  std::memcpy(target.raw(), converted.raw(), bytes);
}

}  // namespace densegrad

// Optimizer steps: in place on a variable and its slots, in the variable's dtype. Not recorded, not differentiable.
#include "formulas/optimizers.h"
#include "ops/ops.h"
#include "ops/variable.h"

namespace densegrad {

template <>
const std::vector<const char*>& names_of<Optimizer>() {
  using formulas::Optimizers;
  static const std::vector<const char*> names(Optimizers::names, Optimizers::names + Optimizers::size);
  return names;
}

void optimizer_update(Optimizer optimizer, Variable& variable, const Tensor& grad_in,
                      const std::vector<std::shared_ptr<Variable>>& slots, double learning_rate,
                      const std::vector<double>& hyper, index_t step) {
  const char* tag = names_of<Optimizer>()[static_cast<std::size_t>(optimizer)];
  const Tensor& w = variable.value();
  if (!is_float(w.dtype())) {
    fail<TypeError>("[", tag, "] variable '", variable.name, "' is ", w.dtype(), ": it must be float32 or float64.");
  }
  if (!(grad_in.shape() == w.shape())) {
    fail("[", tag, "] the gradient has shape ", grad_in.shape(), " but variable '", variable.name, "' has shape ",
         w.shape(), ": they must be equal.");
  }
  const auto [min_slots, max_slots, hyper_count] = formulas::visit(optimizer, [](auto entry) {
    using Entry = decltype(entry);
    return std::array<int, 3>{Entry::min_slots, formulas::max_slots<Entry>, formulas::hyper_count<Entry>};
  });
  const int slot_count = static_cast<int>(slots.size());
  if (slot_count < min_slots || slot_count > max_slots) {
    fail("[", tag, "] got ", slot_count, " slots: it takes ", min_slots, " to ", max_slots, ".");
  }
  if (static_cast<int>(hyper.size()) != hyper_count) {
    fail("[", tag, "] got ", hyper.size(), " hyperparameters: it takes ", hyper_count, ".");
  }
  for (const auto& slot : slots) {
    if (!(slot->value().shape() == w.shape()) || slot->value().dtype() != w.dtype()) {
      fail("[", tag, "] slot '", slot->name, "' has shape ", slot->value().shape(), " and dtype ",
           slot->value().dtype(), " but variable '", variable.name, "' has ", w.shape(), " and ", w.dtype(),
           ": they must be equal.");
    }
  }

  PauseRecording pause;
  const Tensor grad = cast(grad_in, w.dtype());
  const Tensor target = variable.writable();
  visit_float(w.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    std::array<T*, 8> pointers{};
    for (std::size_t i = 0; i < slots.size(); ++i) pointers[i] = slots[i]->writable().template mutable_data<T>();
    UpdateArgs<T> args{target.size(), target.mutable_data<T>(),      grad.data<T>(), pointers.data(),
                       slot_count,    static_cast<T>(learning_rate), hyper.data(),   step};
    kernels_for<T>().update[static_cast<int>(optimizer)](args);
  });
}

}  // namespace densegrad

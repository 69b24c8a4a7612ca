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

namespace {

constexpr std::size_t most_slots = 8;

template <class... Entries>
constexpr bool slots_fit(formulas::List<Entries...>) {
  return ((formulas::max_slots<Entries> <= static_cast<int>(most_slots)) && ...);
}
static_assert(slots_fit(formulas::Optimizers{}));

void check(const char* tag, Optimizer optimizer, const VariableUpdate& update, std::size_t hypers) {
  const Tensor& w = update.variable->value();
  const std::string& name = update.variable->name;
  if (!is_float(w.dtype())) {
    fail<TypeError>("[", tag, "] variable '", name, "' is ", w.dtype(), ": it must be float32 or float64.");
  }
  if (!(update.grad.shape() == w.shape())) {
    fail("[", tag, "] the gradient has shape ", update.grad.shape(), " but variable '", name, "' has shape ", w.shape(),
         ": they must be equal.");
  }
  const auto [min_slots, max_slots, hyper_count] = formulas::visit(optimizer, [](auto entry) {
    using Entry = decltype(entry);
    return std::array<std::size_t, 3>{Entry::min_slots, formulas::max_slots<Entry>, formulas::hyper_count<Entry>};
  });
  if (update.slots.size() < min_slots || update.slots.size() > max_slots) {
    fail("[", tag, "] got ", update.slots.size(), " slots: it takes ", min_slots, " to ", max_slots, ".");
  }
  if (hypers != hyper_count) fail("[", tag, "] got ", hypers, " hyperparameters: it takes ", hyper_count, ".");
  for (const auto& slot : update.slots) {
    if (!(slot->value().shape() == w.shape()) || slot->value().dtype() != w.dtype()) {
      fail("[", tag, "] slot '", slot->name, "' has shape ", slot->value().shape(), " and dtype ",
           slot->value().dtype(), " but variable '", name, "' has ", w.shape(), " and ", w.dtype(),
           ": they must be equal.");
    }
  }
}

}  // namespace

void optimizer_step(Optimizer optimizer, const std::vector<VariableUpdate>& updates, double learning_rate,
                    const std::vector<double>& hyper, Variable& iterations) {
  const char* tag = names_of<Optimizer>()[static_cast<std::size_t>(optimizer)];
  if (iterations.value().dtype() != DType::int64 || iterations.value().rank() != 0) {
    fail<TypeError>("[", tag, "] `iterations` must be an int64 scalar.");
  }
  for (const VariableUpdate& update : updates) check(tag, optimizer, update, hyper.size());

  // What can fail for lack of memory or of values comes before the first write.
  PauseRecording pause;
  std::vector<Tensor> grads;
  for (const VariableUpdate& update : updates) {
    grads.push_back(cast(update.grad, update.variable->value().dtype()));
    grads.back().raw();
    update.variable->writable();
    for (const auto& slot : update.slots) slot->writable();
  }
  index_t& count = *iterations.writable().mutable_data<index_t>();

  for (std::size_t k = 0; k < updates.size(); ++k) {
    const Tensor w = updates[k].variable->writable();
    visit_float(w.dtype(), [&](auto type) {
      using T = typename decltype(type)::type;
      std::array<T*, most_slots> slots{};
      for (std::size_t i = 0; i < updates[k].slots.size(); ++i) {
        slots[i] = updates[k].slots[i]->writable().template mutable_data<T>();
      }
      const UpdateArgs<T> args{w.size(),
                               w.mutable_data<T>(),
                               grads[k].data<T>(),
                               slots.data(),
                               static_cast<int>(updates[k].slots.size()),
                               static_cast<T>(learning_rate),
                               hyper.data(),
                               count + 1};
      kernels_for<T>().update[static_cast<int>(optimizer)](args);
    });
  }
  ++count;
}

}  // namespace densegrad

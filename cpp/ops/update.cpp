// Optimizer steps: in place on variables and their slots, in the dtype of each variable.
#include "ops/update.h"

#include <array>
#include <cstring>

#include "formulas/optimizers.h"
#include "ops/ops.h"

namespace densegrad {

template <>
const std::vector<const char*>& names_of<Optimizer>() {
  using formulas::Optimizers;
  static const std::vector<const char*> names(Optimizers::names, Optimizers::names + Optimizers::size);
  return names;
}

namespace {

template <class... Entries>
constexpr bool slots_fit(formulas::List<Entries...>) {
  return ((formulas::max_slots<Entries> <= static_cast<int>(most_slots)) && ...);
}
static_assert(slots_fit(formulas::Optimizers{}));

const char* tag_of(const UpdateRule& rule) {
  return rule.custom ? "optimizer_step" : names_of<Optimizer>()[static_cast<std::size_t>(rule.optimizer)];
}

void check_like(const char* tag, const char* kind, const Variable& own, const Variable& variable) {
  const Tensor &a = own.value(), &w = variable.value();
  if (!(a.shape() == w.shape()) || a.dtype() != w.dtype()) {
    fail("[", tag, "] ", kind, " '", own.name, "' has shape ", a.shape(), " and dtype ", a.dtype(), " but variable '",
         variable.name, "' has ", w.shape(), " and ", w.dtype(), ": they must be equal.");
  }
}

void check_variable(const char* tag, const Variable& variable) {
  if (!is_float(variable.value().dtype())) {
    fail<TypeError>("[", tag, "] variable '", variable.name, "' is ", variable.value().dtype(),
                    ": it must be float32 or float64.");
  }
}

void check(const char* tag, const VariableUpdate& update) {
  const Tensor& w = update.variable->value();
  check_variable(tag, *update.variable);
  if (!(update.grad.shape() == w.shape())) {
    fail("[", tag, "] the gradient has shape ", update.grad.shape(), " but variable '", update.variable->name,
         "' has shape ", w.shape(), ": they must be equal.");
  }
  for (const auto& slot : update.slots) check_like(tag, "slot", *slot, *update.variable);
}

void check_rule(const char* tag, const UpdateRule& rule, const std::vector<VariableUpdate>& updates) {
  struct Needs {
    std::size_t min_slots, max_slots, hyper_count;
    bool shares;
  };
  const Needs needs = formulas::visit(rule.optimizer, [](auto entry) {
    using Entry = decltype(entry);
    return Needs{Entry::min_slots, formulas::max_slots<Entry>, formulas::hyper_count<Entry>, formulas::shares<Entry>};
  });
  for (const VariableUpdate& update : updates) {
    const std::size_t slots = update.slots.size();
    if (slots < needs.min_slots || slots > needs.max_slots) {
      fail("[", tag, "] got ", slots, " slots: it takes ", needs.min_slots, " to ", needs.max_slots, ".");
    }
  }
  if (rule.hyper.size() != needs.hyper_count) {
    fail("[", tag, "] got ", rule.hyper.size(), " hyperparameters: it takes ", needs.hyper_count, ".");
  }
  if (needs.shares && (!rule.shared || !is_float(rule.shared->value().dtype()) || rule.shared->value().rank() != 0)) {
    fail<TypeError>("[", tag, "] `shared` must be a float scalar.");
  }
}

void check_options(const char* tag, const std::vector<VariableUpdate>& updates, const StepOptions& options) {
  if (options.accumulation_steps < 1) {
    fail("[", tag, "] `accumulation_steps` is ", options.accumulation_steps, ": it must be at least 1.");
  }
  if (options.accumulation_steps > 1 && options.accumulators.size() != updates.size()) {
    fail("[", tag, "] got ", options.accumulators.size(), " accumulators for ", updates.size(),
         " variables: there must be one each.");
  }
  for (std::size_t k = 0; k < options.accumulators.size(); ++k) {
    check_like(tag, "accumulator", *options.accumulators[k], *updates[k].variable);
  }
  for (const auto& variable : options.decayed) check_variable(tag, *variable);
  for (const auto& [variable, average] : options.averages) {
    check_variable(tag, *variable);
    check_like(tag, "average", *average, *variable);
  }
}

std::size_t bytes_of(const Variable& v) {
  return static_cast<std::size_t>(v.value().size() * item_size(v.value().dtype()));
}

// f(data of the variable as T*), after it has been made writable.
template <class F>
void visit_data(Variable& v, F&& f) {
  const Tensor w = v.writable();
  visit_float(w.dtype(), [&](auto type) { f(w.mutable_data<typename decltype(type)::type>(), w.size()); });
}

double scalar_of(const Tensor& t) {
  return t.dtype() == DType::float32 ? static_cast<double>(*t.data<float>()) : *t.data<double>();
}

void advance_shared(const UpdateRule& rule, index_t step) {
  formulas::visit(rule.optimizer, [&](auto entry) {
    using Entry = decltype(entry);
    if constexpr (formulas::shares<Entry>) {
      visit_data(*rule.shared, [&](auto* value, index_t) { *value = Entry::advance(*value, rule.hyper.data(), step); });
    }
  });
}

void apply_rule(const UpdateRule& rule, const VariableUpdate& update, const Tensor& grad, double learning_rate,
                index_t step) {
  visit_data(*update.variable, [&](auto* w, index_t n) {
    using T = std::remove_pointer_t<decltype(w)>;
    std::array<T*, most_slots> slots{};
    for (std::size_t i = 0; i < update.slots.size(); ++i) {
      slots[i] = update.slots[i]->writable().template mutable_data<T>();
    }
    const UpdateArgs<T> args{n,
                             w,
                             grad.data<T>(),
                             slots.data(),
                             static_cast<int>(update.slots.size()),
                             static_cast<T>(learning_rate),
                             rule.hyper.data(),
                             step,
                             rule.shared ? static_cast<T>(scalar_of(rule.shared->value())) : T(0)};
    kernels_for<T>().update[static_cast<int>(rule.optimizer)](args);
  });
}

// The gradients that the rule gets: unscaled, with what was accumulated, clipped.
void prepare(std::vector<Tensor>& grads, const StepOptions& options, bool applies) {
  if (options.loss_scale) {
    for (Tensor& g : grads) g = divide(g, constant_like(g, *options.loss_scale));
  }
  for (std::size_t k = 0; k < options.accumulators.size(); ++k) {
    grads[k] = add(grads[k], options.accumulators[k]->value());
    const auto steps = static_cast<double>(options.accumulation_steps);
    if (applies) grads[k] = divide(grads[k], constant_like(grads[k], steps));
  }
  if (applies) clip_gradients(grads, options.clip, options.clip_limit);
}

void average(const StepOptions& options, index_t iterations) {
  const bool overwrites =
      options.ema_overwrite_frequency > 0 && (iterations + 1) % options.ema_overwrite_frequency == 0;
  for (const auto& [variable, own] : options.averages) {
    visit_data(*variable, [&, &average = *own](auto* w, index_t n) {
      using T = std::remove_pointer_t<decltype(w)>;
      T* values = average.writable().template mutable_data<T>();
      // The first average is the variable itself.
      kernels_for<T>().move_average(n, iterations == 0 ? T(0) : static_cast<T>(options.ema_momentum), w, values);
      if (overwrites) std::memcpy(w, values, bytes_of(average));
    });
  }
}

}  // namespace

void clip_gradients(std::vector<Tensor>& grads, Clip clip_by, double limit) {
  if (clip_by == Clip::value) {
    for (Tensor& g : grads) g = clip(g, -limit, limit);
  } else if (clip_by == Clip::norm) {
    for (Tensor& g : grads) g = clip_by_norm(g, constant_like(g, limit));
  } else if (clip_by == Clip::global_norm) {
    const Tensor norm = global_norm(grads);
    // The quotient is formed in double, as Keras' optimizers do and `clip_by_global_norm` does not.
    const Tensor scale = global_norm_scale(norm, constant_like(norm, limit), constant_like(norm, 1 / limit));
    for (Tensor& g : grads) g = multiply(g, cast(scale, g.dtype()));
  }
}

void optimizer_step(const UpdateRule& rule, const std::vector<VariableUpdate>& updates, double learning_rate,
                    const StepOptions& options, Variable& iterations) {
  const char* tag = tag_of(rule);
  if (iterations.value().dtype() != DType::int64 || iterations.value().rank() != 0) {
    fail<TypeError>("[", tag, "] `iterations` must be an int64 scalar.");
  }
  for (const VariableUpdate& update : updates) check(tag, update);
  if (!rule.custom) check_rule(tag, rule, updates);
  check_options(tag, updates, options);

  // What can fail for lack of memory or of values comes before the first write.
  PauseRecording pause;
  index_t& calls = *iterations.writable().mutable_data<index_t>();
  const bool applies = (calls + 1) % options.accumulation_steps == 0;
  const index_t count = calls / options.accumulation_steps;
  std::vector<Tensor> grads;
  for (const VariableUpdate& update : updates) {
    grads.push_back(cast(update.grad, update.variable->value().dtype()));
    grads.back().raw();
    update.variable->writable();
    for (const auto& slot : update.slots) slot->writable();
  }
  prepare(grads, options, applies);
  if (rule.shared) rule.shared->writable();
  for (const auto& variable : options.all_accumulators) variable->writable();
  for (const auto& [variable, own] : options.averages) {
    variable->writable();
    own->writable();
  }

  if (applies) {
    for (const auto& variable : options.decayed) {
      visit_data(*variable, [&](auto* w, index_t n) {
        using T = std::remove_pointer_t<decltype(w)>;
        const T weight_decay = formulas::cast_factor<T>(options.weight_decay);
        kernels_for<T>().decay(n, weight_decay, static_cast<T>(learning_rate), w);
      });
    }
    if (rule.shared) advance_shared(rule, count + 1);
    for (std::size_t k = 0; k < updates.size(); ++k) {
      if (rule.custom) {
        rule.custom(k, grads[k]);
      } else {
        apply_rule(rule, updates[k], grads[k], learning_rate, count + 1);
      }
    }
    for (const auto& own : options.all_accumulators) std::memset(own->writable().raw(), 0, bytes_of(*own));
  } else {
    for (std::size_t k = 0; k < updates.size(); ++k) {
      std::memcpy(options.accumulators[k]->writable().raw(), grads[k].raw(), bytes_of(*options.accumulators[k]));
    }
  }
  average(options, count);
  ++calls;
}

void update_variable(const UpdateRule& rule, const VariableUpdate& update, double learning_rate, index_t step) {
  const char* tag = tag_of(rule);
  check(tag, update);
  check_rule(tag, rule, {update});
  PauseRecording pause;
  const Tensor grad = cast(update.grad, update.variable->value().dtype());
  grad.raw();
  apply_rule(rule, update, grad, learning_rate, step);
}

}  // namespace densegrad

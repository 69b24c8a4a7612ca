// Optimizer steps: in place on variables and their slots, in the dtype of each variable.
#include "ops/update.h"

#include <array>
#include <cstring>
#include <optional>
#include <span>

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
  const Tensor& w = v.writable();
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

// Collects arrays of one dtype and number of slots, and updates them together.
template <class T>
class Updates {
 public:
  Updates(const UpdateRule& rule, double learning_rate, index_t step)
      : which_(static_cast<std::size_t>(rule.optimizer)) {
    const T shared = rule.shared ? static_cast<T>(scalar_of(rule.shared->value())) : T(0);
    kernels_for<T>().prepare_update[which_]({static_cast<T>(learning_rate), rule.hyper.data(), step, shared}, common_);
  }

  void add(const VariableUpdate& update, const Tensor& grad) {
    const int slot_count = static_cast<int>(update.slots.size());
    if (count_ == parts_.size() || slot_count != slot_count_) run();
    slot_count_ = slot_count;
    const Tensor& w = update.variable->writable();
    UpdatePart<T>& part = parts_[count_++];
    part = {w.size(), w.mutable_data<T>(), grad.data<T>(), {}};
    for (std::size_t i = 0; i < update.slots.size(); ++i) {
      part.slots[i] = update.slots[i]->writable().template mutable_data<T>();
    }
  }
  void run() {
    if (count_ > 0) kernels_for<T>().update[which_](common_, slot_count_, parts_.data(), count_);
    count_ = 0;
  }

 private:
  std::size_t which_;
  PreparedUpdate<T> common_;
  std::array<UpdatePart<T>, 16> parts_;
  std::size_t count_ = 0;
  int slot_count_ = 0;
};

// The updates of `updates` with `grads`.
void apply_rule(const UpdateRule& rule, std::span<const VariableUpdate> updates, const Tensor* grads,
                double learning_rate, index_t step) {
  const auto of_type = [&]<class T>(T) {
    std::optional<Updates<T>> all;
    for (std::size_t k = 0; k < updates.size(); ++k) {
      if (updates[k].variable->value().dtype() != dtype_of<T>) continue;
      if (!all) all.emplace(rule, learning_rate, step);
      all->add(updates[k], grads[k]);
    }
    if (all) all->run();
  };
  of_type(float{});
  of_type(double{});
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

namespace {

// A step once its arguments are checked.
class Step {
 public:
  Step(UpdateRule rule, std::vector<VariableUpdate> updates, StepOptions options, VariableRef iterations)
      : rule_(std::move(rule)),
        updates_(std::move(updates)),
        options_(std::move(options)),
        iterations_(std::move(iterations)) {
    for (VariableUpdate& update : updates_) update.grad = Tensor();  // comes with each run
  }

  index_t calls() const { return *iterations_->value().data<index_t>(); }
  bool applies() const { return (calls() + 1) % options_.accumulation_steps == 0; }

  // What can fail for lack of memory comes before the first write.
  void make_writable() const {
    for (const VariableRef& v : written()) v->writable();
  }
  std::vector<VariableRef> written() const {
    std::vector<VariableRef> all{iterations_};
    for (const VariableUpdate& update : updates_) {
      all.push_back(update.variable);
      all.insert(all.end(), update.slots.begin(), update.slots.end());
    }
    if (rule_.shared) all.push_back(rule_.shared);
    all.insert(all.end(), options_.all_accumulators.begin(), options_.all_accumulators.end());
    all.insert(all.end(), options_.decayed.begin(), options_.decayed.end());
    for (const auto& [variable, own] : options_.averages) {
      all.push_back(variable);
      all.push_back(own);
    }
    return all;
  }

  // The learning rate, and the prepared gradients behind it.
  void apply(const Tensors& in) const {
    before(in);
    update_each(in);
    after(in);
  }
  // Its parts.
  void before(const Tensors& in) const {
    for (const auto& variable : options_.decayed) {
      visit_data(*variable, [&](auto* w, index_t n) {
        using T = std::remove_pointer_t<decltype(w)>;
        const T weight_decay = formulas::cast_factor<T>(options_.weight_decay);
        kernels_for<T>().decay(n, weight_decay, static_cast<T>(*in[0].data<double>()), w);
      });
    }
    if (rule_.shared) advance_shared(rule_, count() + 1);
  }
  void update_each(const Tensors& in) const {
    const double rate = *in[0].data<double>();
    if (rule_.custom) {
      for (std::size_t k = 0; k < updates_.size(); ++k) rule_.custom(k, in[k + 1]);
    } else {
      apply_rule(rule_, updates_, in.begin() + 1, rate, count() + 1);
    }
  }
  void after(const Tensors&) const {
    if (applies()) {
      for (const auto& own : options_.all_accumulators) std::memset(own->writable().raw(), 0, bytes_of(*own));
    }
    average(options_, count());
    ++*iterations_->writable().mutable_data<index_t>();
  }
  // Keeps the gradients for a later call.
  void accumulate(const Tensors& in) const {
    for (std::size_t k = 0; k < updates_.size(); ++k) {
      std::memcpy(options_.accumulators[k]->writable().raw(), in[k + 1].raw(), bytes_of(*options_.accumulators[k]));
    }
    after(in);
  }
  // The whole step from gradients as they come.
  void run(const Tensors& given) const {
    PauseRecording pause;
    Tensors in = given;
    std::vector<Tensor> grads(in.begin() + 1, in.end());
    const bool now = applies();
    prepare(grads, options_, now);
    for (std::size_t k = 0; k < grads.size(); ++k) in[k + 1] = grads[k];
    if (now) {
      apply(in);
    } else {
      accumulate(in);
    }
  }

 private:
  index_t count() const { return calls() / options_.accumulation_steps; }

  UpdateRule rule_;
  std::vector<VariableUpdate> updates_;
  StepOptions options_;
  VariableRef iterations_;
};

}  // namespace

void optimizer_step(UpdateRule rule, std::vector<VariableUpdate> updates, const Tensor& learning_rate,
                    StepOptions options, const VariableRef& iterations) {
  const char* tag = tag_of(rule);
  if (iterations->value().dtype() != DType::int64 || iterations->value().rank() != 0) {
    fail<TypeError>("[", tag, "] `iterations` must be an int64 scalar.");
  }
  for (const VariableUpdate& update : updates) check(tag, update);
  if (!rule.custom) check_rule(tag, rule, updates);
  check_options(tag, updates, options);

  PauseRecording pause(true);
  Tensors in{cast(learning_rate, DType::float64)};
  in[0].raw();
  for (const VariableUpdate& update : updates) {
    in.push_back(cast(update.grad, update.variable->value().dtype()));
    in.back().raw();
  }
  const bool accumulates = options.accumulation_steps > 1;
  if (!accumulates) {
    std::vector<Tensor> grads(in.begin() + 1, in.end());
    prepare(grads, options, true);
    for (std::size_t k = 0; k < grads.size(); ++k) in[k + 1] = grads[k];
  }
  // What programs keep does not hold the host's function.
  const auto custom = accumulates ? nullptr : std::exchange(rule.custom, nullptr);
  const bool repeats = !rule.custom;
  const auto step = std::make_shared<const Step>(std::move(rule), std::move(updates), std::move(options), iterations);
  const Tensors rate_only{in[0]};
  const auto doing = [&](void (Step::*part)(const Tensors&) const, const Tensors& inputs) {
    announce([&] {
      std::function<void(const Tensors&)> again;
      if (repeats) again = [step, part](const Tensors& given) { ((*step).*part)(given); };
      return Effect{"optimizer_step", inputs, step->written(), std::move(again), inputs.size() - 1};
    });
    step->make_writable();
    ((*step).*part)(inputs);
  };
  if (accumulates) {  // whether it applies is another question at every run
    doing(&Step::run, in);
  } else if (custom) {  // what the function does is recorded as such
    doing(&Step::before, in);
    for (std::size_t k = 1; k < in.size(); ++k) custom(k - 1, in[k]);
    doing(&Step::after, rate_only);
  } else {
    doing(&Step::apply, in);
  }
}

void update_variable(const UpdateRule& rule, const VariableUpdate& update, double learning_rate, index_t step) {
  const char* tag = tag_of(rule);
  check(tag, update);
  check_rule(tag, rule, {update});
  PauseRecording pause;
  const Tensor grad = cast(update.grad, update.variable->value().dtype());
  grad.raw();
  apply_rule(rule, {&update, 1}, &grad, learning_rate, step);
}

}  // namespace densegrad

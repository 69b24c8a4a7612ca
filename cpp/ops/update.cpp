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

// Collects arrays of one dtype and number of slots, and updates them together. What is not needed is not cleared: a small
// net's step would spend a fiftieth of its time on that.
template <class T>
class Updates {
 public:
  Updates(const UpdateRule& rule, double learning_rate, index_t step)
      : rule_(rule), learning_rate_(static_cast<T>(learning_rate)), step_(step) {}

  void add(const VariableUpdate& update, const Tensor& grad) {
    const int slot_count = static_cast<int>(update.slots.size());
    if (count_ == most || slot_count != slot_count_) run();
    slot_count_ = slot_count;
    const Tensor& w = update.variable->writable();
    UpdatePart<T>& part = parts_[count_++];
    part.n = w.size();
    part.w = w.mutable_data<T>();
    part.grad = grad.data<T>();
    for (std::size_t i = 0; i < most_slots; ++i)
      part.slots[i] = i < update.slots.size() ? update.slots[i]->writable().template mutable_data<T>() : nullptr;
  }
  void run() {
    if (count_ == 0) return;
    const auto which = static_cast<std::size_t>(rule_.optimizer);
    if (!prepared_) {
      const T shared = rule_.shared ? static_cast<T>(scalar_of(rule_.shared->value())) : T(0);
      kernels_for<T>().prepare_update[which]({learning_rate_, rule_.hyper.data(), step_, shared}, common_);
      prepared_ = true;
    }
    kernels_for<T>().update[which](common_, slot_count_, parts_, count_);
    count_ = 0;
  }

 private:
  static constexpr std::size_t most = 16;

  const UpdateRule& rule_;
  T learning_rate_;
  index_t step_;
  bool prepared_ = false;
  PreparedUpdate<T> common_;
  UpdatePart<T> parts_[most];
  std::size_t count_ = 0;
  int slot_count_ = 0;
};

// The updates of `updates` with `grads`.
void apply_rule(const UpdateRule& rule, std::span<const VariableUpdate> updates, const Tensor* grads,
                double learning_rate, index_t step) {
  const auto of_type = [&]<class T>(T) {
    Updates<T> all(rule, learning_rate, step);
    for (std::size_t k = 0; k < updates.size(); ++k) {
      if (updates[k].variable->value().dtype() == dtype_of<T>) all.add(updates[k], grads[k]);
    }
    all.run();
  };
  of_type(float{});
  of_type(double{});
}

// Divided by the loss scale, and added to what was accumulated.
void add_up(std::vector<Tensor>& grads, const StepOptions& options) {
  if (options.loss_scale) {
    for (Tensor& g : grads) g = divide(g, constant_like(g, *options.loss_scale));
  }
  for (std::size_t k = 0; k < options.accumulators.size(); ++k)
    grads[k] = add(grads[k], options.accumulators[k]->read());
}

// What the rule gets of the sums: the mean, clipped.
void finish(std::vector<Tensor>& grads, const StepOptions& options) {
  if (!options.accumulators.empty()) {
    for (Tensor& g : grads) g = divide(g, constant_like(g, static_cast<double>(options.accumulation_steps)));
  }
  clip_gradients(grads, options.clip, options.clip_limit);
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

  const StepOptions& options() const { return options_; }
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

  // Parts of a step, on the learning rate and the gradients behind it.
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
  void update(const Tensors& in) const {
    before(in);
    apply_rule(rule_, updates_, in.begin() + 1, *in[0].data<double>(), count() + 1);
  }
  void after(const Tensors&) const {
    if (applies()) {
      for (const auto& own : options_.all_accumulators) std::memset(own->writable().raw(), 0, bytes_of(*own));
    }
    average(options_, count());
    ++*iterations_->writable().mutable_data<index_t>();
  }
  void whole(const Tensors& in) const {
    update(in);
    after(in);
  }
  // Keeps the sums for a later call.
  void keep(const Tensors& in) const {
    for (std::size_t k = 0; k < updates_.size(); ++k) {
      std::memcpy(options_.accumulators[k]->writable().raw(), in[k + 1].raw(), bytes_of(*options_.accumulators[k]));
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
  const Tensors rate{cast(learning_rate, DType::float64)};
  rate[0].raw();
  std::vector<Tensor> grads;
  for (const VariableUpdate& update : updates) {
    grads.push_back(cast(update.grad, update.variable->value().dtype()));
    grads.back().raw();
  }
  add_up(grads, options);

  // What programs keep does not hold the host's function; it is recorded by what it does, if it is called every time.
  const auto custom = std::exchange(rule.custom, nullptr);
  const bool accumulates = options.accumulation_steps > 1;
  const auto step = std::make_shared<const Step>(std::move(rule), std::move(updates), std::move(options), iterations);
  const bool applies = step->applies(), traced = is_traced();
  const auto doing = [&](void (Step::*part)(const Tensors&) const, const Tensors& in, std::size_t gradients, bool now) {
    announce([&] {
      std::function<void(const Tensors&)> again;
      if (!(custom && accumulates)) again = [step, part](const Tensors& given) { ((*step).*part)(given); };
      return Effect{"optimizer_step", in, step->written(), std::move(again), gradients};
    });
    if (!now) return;
    step->make_writable();
    ((*step).*part)(in);
  };
  const auto with_grads = [&] {
    Tensors in = rate;
    for (const Tensor& g : grads) in.push_back(g);
    return in;
  };
  if (!accumulates && !custom) {
    finish(grads, step->options());
    doing(&Step::whole, with_grads(), grads.size(), true);
    return;
  }
  if (accumulates && (traced || !applies)) {
    const OnlyIf when([step] { return !step->applies(); });
    doing(&Step::keep, with_grads(), 0, !applies);
  }
  if (traced || applies) {
    std::optional<OnlyIf> when;
    if (accumulates) when.emplace([step] { return step->applies(); });
    finish(grads, step->options());
    doing(custom ? &Step::before : &Step::update, with_grads(), grads.size(), applies);
    if (custom && applies) {
      for (std::size_t k = 0; k < grads.size(); ++k) custom(k, grads[k]);
    }
  }
  doing(&Step::after, rate, 0, true);
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

// Learning-rate schedules: entry by entry of the step counts. Not recorded: a count has no derivative.
#include "formulas/schedules.h"
#include "ops/ops.h"

namespace densegrad {

template <>
const std::vector<const char*>& names_of<Schedule>() {
  using formulas::Schedules;
  static const std::vector<const char*> names(Schedules::names, Schedules::names + Schedules::size);
  return names;
}

Tensor schedule(Schedule name, const Tensor& step, const std::vector<double>& hyper, DType dtype) {
  PauseRecording pause;
  const Tensor steps = cast(step, dtype);
  Tensor rates(dtype, step.shape());
  formulas::visit_entry(formulas::Schedules{}, static_cast<int>(name), [&](auto entry) {
    using Entry = decltype(entry);
    constexpr std::size_t numbers = sizeof(Entry::hyper_names) / sizeof(Entry::hyper_names[0]);
    constexpr bool any_number = std::is_same_v<Entry, formulas::PiecewiseConstantDecay>;
    if (any_number ? hyper.size() % 2 == 0 : hyper.size() != numbers) {
      fail("[", Entry::name, "] got ", hyper.size(), " numbers: it takes ",
           any_number ? "one value more than boundaries." : "one for each of its arguments.");
    }
    visit_float(dtype, [&](auto type) {
      using T = typename decltype(type)::type;
      const T* x = steps.data<T>();
      T* y = rates.mutable_data<T>();
      const int count = static_cast<int>(hyper.size());
      for (index_t i = 0; i < steps.size(); ++i) y[i] = Entry::template at<T>(x[i], hyper.data(), count);
    });
  });
  return rates;
}

}  // namespace densegrad

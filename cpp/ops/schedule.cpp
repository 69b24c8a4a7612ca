// Learning-rate schedules: entry by entry of the step counts. No derivative passes: a count has none.
#include "formulas/schedules.h"
#include "ops/batch.h"
#include "ops/ops.h"

namespace densegrad {

template <>
const std::vector<const char*>& names_of<Schedule>() {
  using formulas::Schedules;
  static const std::vector<const char*> names(Schedules::names, Schedules::names + Schedules::size);
  return names;
}

namespace {

void schedule_shapes(const Tensors& in, const Params& params, Specs& out) {
  const auto& p = std::get<ScheduleParams>(params);
  formulas::visit_entry(formulas::Schedules{}, static_cast<int>(p.schedule), [&](auto entry) {
    using Entry = decltype(entry);
    constexpr std::size_t numbers = sizeof(Entry::hyper_names) / sizeof(Entry::hyper_names[0]);
    constexpr bool any_number = std::is_same_v<Entry, formulas::PiecewiseConstantDecay>;
    if (any_number ? p.hyper.size() % 2 == 0 : p.hyper.size() != numbers) {
      fail("[", Entry::name, "] got ", p.hyper.size(), " numbers: it takes ",
           any_number ? "one value more than boundaries." : "one for each of its arguments.");
    }
  });
  out.push_back({in[0].dtype(), in[0].shape()});
}

void schedule_eval(const Tensors& in, const Params& params, Tensors& out) {
  const auto& p = std::get<ScheduleParams>(params);
  formulas::visit_entry(formulas::Schedules{}, static_cast<int>(p.schedule), [&](auto entry) {
    visit_float(in[0].dtype(), [&](auto type) {
      using T = typename decltype(type)::type;
      const T* x = in[0].data<T>();
      T* y = out[0].mutable_data<T>();
      const int count = static_cast<int>(p.hyper.size());
      for (index_t i = 0; i < in[0].size(); ++i) y[i] = decltype(entry)::template at<T>(x[i], p.hyper.data(), count);
    });
  });
}

const Primitive schedule_primitive{
    .name = "schedule", .shapes = schedule_shapes, .eval = schedule_eval, .vmap = same_vmap, .differentiable = false};

}  // namespace

Tensor schedule(Schedule name, const Tensor& step, const std::vector<double>& hyper, DType dtype) {
  return run1(schedule_primitive, {cast(step, dtype)}, ScheduleParams{name, hyper});
}

std::vector<const Primitive*> schedule_primitives() { return {&schedule_primitive}; }

}  // namespace densegrad

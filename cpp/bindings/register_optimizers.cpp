// Optimizer steps, learning-rate schedules and clipping.
#include <pybind11/stl.h>

#include "bindings/convert.h"
#include "bindings/register.h"
#include "ops/ops.h"
#include "ops/update.h"

namespace densegrad::python {

namespace {

// A number, or a scalar tensor or variable, as a tensor of one float64.
Tensor number_of(py::handle value) {
  if (PyFloat_Check(value.ptr())) return Tensor::scalar(DType::float64, PyFloat_AS_DOUBLE(value.ptr()));
  const Tensor t = convert(value);
  if (t.size() != 1) fail("[optimizer_step] `learning_rate` has shape ", t.shape(), ": it must be one number.");
  return cast(t, DType::float64);
}

// (`shared` and `options` come as handles: pybind11 would try all arguments twice where None stands for an object.)
UpdateRule parse_rule(py::handle update, std::vector<double> hyper, py::handle shared) {
  UpdateRule rule;
  rule.hyper = std::move(hyper);
  if (!shared.is_none()) rule.shared = py::cast<VariableRef>(shared);
  rule.optimizer =
      parse_enum<Optimizer>("optimizer_step", "name", names_of<Optimizer>(), py::cast<std::string>(update));
  return rule;
}

VariableUpdate parse_update(py::handle item) {
  const auto part = py::reinterpret_borrow<py::sequence>(item);
  VariableUpdate update{py::cast<VariableRef>(part[0]), convert(part[1]), {}};
  for (py::handle slot : py::sequence(part[2])) update.slots.push_back(py::cast<VariableRef>(slot));
  return update;
}

std::vector<VariableRef> variables_of(const std::vector<VariableUpdate>& updates) {
  std::vector<VariableRef> variables;
  for (const VariableUpdate& update : updates) variables.push_back(update.variable);
  return variables;
}

std::vector<Tensor> parse_list(const char* tag, py::handle list, std::vector<bool>& given) {
  if (!py::isinstance<py::list>(list) && !py::isinstance<py::tuple>(list)) {
    fail<TypeError>("[", tag, "] `t_list` is a ", Py_TYPE(list.ptr())->tp_name, ": it must be a list of tensors.");
  }
  std::vector<Tensor> tensors;
  for (py::handle item : list) {
    given.push_back(!item.is_none());
    if (!item.is_none()) tensors.push_back(convert(item));
  }
  return tensors;
}

// The inverse: None where nothing was given.
py::list list_of(const std::vector<Tensor>& tensors, const std::vector<bool>& given) {
  py::list list;
  auto next = tensors.begin();
  for (const bool there : given) list.append(there ? py::cast(*next++) : py::object(py::none()));
  return list;
}

py::tuple clip_list(py::handle t_list, py::handle clip_norm, py::handle use_norm) {
  std::vector<bool> given;
  std::vector<Tensor> tensors = parse_list("clip_by_global_norm", t_list, given);
  const Tensor norm = use_norm.is_none() ? global_norm(tensors)
                                         : convert(use_norm, tensors.empty() ? DType::float32 : tensors[0].dtype());
  const Tensor limit = convert(clip_norm, norm.dtype());
  const Tensor scale = global_norm_scale(norm, limit, divide(constant_like(limit, 1), limit));
  for (Tensor& t : tensors) t = multiply(t, cast(scale, t.dtype()));
  return py::make_tuple(list_of(tensors, given), norm);
}

Clip parse_clip(const std::string& name) {
  static const std::vector<const char*> names{"none", "norm", "global_norm", "value"};
  return parse_enum<Clip>("optimizer_step", "clip", names, name);
}

void register_step(py::module_& m) {
  using Refs = std::vector<VariableRef>;
  using Pairs = std::vector<std::pair<VariableRef, VariableRef>>;
  py::class_<StepOptions>(m, "StepOptions")
      .def(py::init([](const std::optional<double>& loss_scale, Refs accumulators, index_t accumulation_steps,
                       Refs all_accumulators, const std::string& clip, double clip_limit, double weight_decay,
                       Refs decayed, Pairs averages, double ema_momentum, index_t ema_overwrite_frequency) {
             return StepOptions{loss_scale,
                                std::move(accumulators),
                                accumulation_steps,
                                std::move(all_accumulators),
                                parse_clip(clip),
                                clip_limit,
                                weight_decay,
                                std::move(decayed),
                                std::move(averages),
                                ema_momentum,
                                ema_overwrite_frequency};
           }),
           py::kw_only(), py::arg("loss_scale") = py::none(), py::arg("accumulators") = py::tuple(),
           py::arg("accumulation_steps") = 1, py::arg("all_accumulators") = py::tuple(), py::arg("clip") = "none",
           py::arg("clip_limit") = 0.0, py::arg("weight_decay") = 0.0, py::arg("decayed") = py::tuple(),
           py::arg("averages") = py::tuple(), py::arg("ema_momentum") = 0.0, py::arg("ema_overwrite_frequency") = 0);
  m.def(
      "optimizer_step",
      [](py::handle update, const py::sequence& work, py::handle learning_rate, std::vector<double> hyper,
         const VariableRef& iterations, py::handle options, py::handle shared) {
        PauseRecording pause(true);
        std::vector<VariableUpdate> updates;
        for (py::handle item : work) updates.push_back(parse_update(item));
        UpdateRule rule;
        if (py::isinstance<py::str>(update)) {
          rule = parse_rule(update, std::move(hyper), shared);
        } else {
          rule.custom = [update, variables = variables_of(updates)](std::size_t k, const Tensor& grad) {
            update(grad, variables[k]);
          };
        }
        optimizer_step(std::move(rule), std::move(updates), number_of(learning_rate),
                       options.is_none() ? StepOptions{} : py::cast<const StepOptions&>(options), iterations);
      },
      py::arg("update"), py::arg("work"), py::arg("learning_rate"), py::arg("hyper"), py::arg("iterations"),
      py::arg("options") = py::none(), py::arg("shared") = py::none());
  // Whether `gradient` can update `variable` as it is: one cheap question per variable and step.
  m.def(
      "fits",
      [](py::handle gradient, py::handle variable) {
        const Tensor* g = tensor_in(gradient);
        const Variable* v = variable_in(variable);
        return g && v && g->has_storage() && g->dtype() == v->value().dtype() && g->shape() == v->value().shape();
      },
      py::arg("gradient"), py::arg("variable"));
  m.def(
      "update_variable",
      [](const std::string& name, const py::tuple& work, py::handle learning_rate, std::vector<double> hyper,
         index_t step, py::handle shared) {
        PauseRecording pause;
        update_variable(parse_rule(py::str(name), std::move(hyper), shared), parse_update(work),
                        *number_of(learning_rate).data<double>(), step);
      },
      py::arg("name"), py::arg("work"), py::arg("learning_rate"), py::arg("hyper"), py::arg("step"),
      py::arg("shared") = py::none());
  m.def(
      "clip_gradients",
      [](py::handle grads, const std::string& clip, double limit) {
        std::vector<bool> given;
        std::vector<Tensor> tensors = parse_list("clip_gradients", grads, given);
        clip_gradients(tensors, parse_clip(clip), limit);
        return list_of(tensors, given);
      },
      py::arg("grads"), py::arg("clip"), py::arg("limit"));
  m.def("optimizer_names",
        [] { return std::vector<std::string>(names_of<Optimizer>().begin(), names_of<Optimizer>().end()); });
}

void register_clipping(py::module_& m) {
  m.def(
      "clip_by_norm",
      [](py::handle t, py::handle clip_norm, const py::object& axes) {
        const Tensor x = convert(t);
        return clip_by_norm(x, convert(clip_norm, x.dtype()), parse_axes(axes));
      },
      py::arg("t"), py::arg("clip_norm"), py::arg("axes") = py::none());
  m.def(
      "global_norm",
      [](py::handle t_list) {
        std::vector<bool> given;
        return global_norm(parse_list("global_norm", t_list, given));
      },
      py::arg("t_list"));
  m.def("clip_by_global_norm", clip_list, py::arg("t_list"), py::arg("clip_norm"), py::arg("use_norm") = py::none());
}

}  // namespace

void register_optimizers(py::module_& m) {
  register_step(m);
  register_clipping(m);
  m.def(
      "schedule",
      [](const std::string& name, py::handle step, const std::vector<double>& numbers, const py::object& dtype) {
        return schedule(parse_enum<Schedule>("schedule", "name", names_of<Schedule>(), name), convert(step), numbers,
                        parse_dtype(dtype).value_or(DType::float32));
      },
      py::arg("name"), py::arg("step"), py::arg("numbers"), py::arg("dtype") = "float32");
  m.def("schedule_names",
        [] { return std::vector<std::string>(names_of<Schedule>().begin(), names_of<Schedule>().end()); });
}

}  // namespace densegrad::python

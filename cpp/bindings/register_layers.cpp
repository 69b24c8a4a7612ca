// Dense layers, activations and losses.
#include <pybind11/stl.h>

#include <cmath>

#include "bindings/convert.h"
#include "bindings/register.h"
#include "ops/ops.h"

namespace densegrad::python {

namespace {

Activation parse_activation(const char* tag, const std::string& name) {
  return parse_enum<Activation>(tag, "activation", names_of<Activation>(), name);
}

// An activation and the values of its parameters, in their order; None for no limit.
ActivationParams parse_parameters(Activation activation, const py::object& values) {
  ActivationParams params = with_defaults(activation);
  if (values.is_none()) return params;
  const char* tag = names_of<Activation>()[static_cast<std::size_t>(activation)];
  const std::vector<ActivationParameter> known = activation_parameters(activation);
  const auto given = py::cast<py::sequence>(values);
  if (given.size() != known.size()) {
    fail<TypeError>("[", tag, "] `parameters` has ", given.size(), " entries: it must have ", known.size(), ".");
  }
  for (std::size_t i = 0; i < known.size(); ++i) {
    const py::object value = given[i];
    if (value.is_none() && std::isinf(known[i].value)) {
      params.values[i] = known[i].value;
      continue;
    }
    params.values[i] = PyFloat_AsDouble(value.ptr());
    if (PyErr_Occurred()) {
      PyErr_Clear();
      fail<TypeError>("[", tag, "] `", known[i].name, "` is ", std::string(py::repr(value)), ": it must be a number.");
    }
  }
  return params;
}

// None where there is no limit, a bool for a flag, else a float (NaN: it has no default).
py::object default_of(const ActivationParameter& p) {
  if (p.is_flag) return py::bool_(p.value != 0);
  if (std::isinf(p.value)) return py::none();
  return py::float_(p.value);
}

// x, kernel and bias (undefined if None) in one dtype.
std::array<Tensor, 3> dense_arguments(py::handle x, py::handle kernel, py::handle bias) {
  // The kernel decides, so that an array of features takes the dtype of a layer's weights.
  if (bias.is_none()) {
    Tensors in = convert_together({kernel, x}, true);
    return {in[1], in[0], Tensor()};
  }
  Tensors in = convert_together({kernel, x, bias}, true);
  return {in[1], in[0], in[2]};
}

py::object optional(const Tensor& t) { return t.defined() ? py::cast(t) : py::object(py::none()); }

py::tuple dense_gradients(py::handle x, py::handle kernel, py::handle bias, const std::string& name, py::handle dy_in) {
  const auto [tx, tw, tb] = dense_arguments(x, kernel, bias);
  const Activation act = parse_activation("dense_vjp", name);
  const Tensor y = dense(tx, tw, tb, act);
  const Tensor dy = convert(dy_in, y.dtype());
  if (!(dy.shape() == y.shape())) {
    fail("[dense_vjp] `dy` has shape ", dy.shape(), " but the output has shape ", y.shape(), ": they must be equal.");
  }
  const PreActivation* pre = y.pre();
  const Tensor dz = activation_grad(act, y, pre->z.defined() ? pre->z : y, dy);
  const DenseGrads g = dense_vjp(tx, tw, dz, true, true, tb.defined());
  return py::make_tuple(g.dx, g.dw, optional(g.db));
}

Reduction parse_reduction(const char* tag, const std::string& reduction) {
  static const std::vector<const char*> names{"none", "sum", "mean", "mean_with_sample_weight", "sum_over_batch_size"};
  const int r = index_of_name(tag, "reduction", names, reduction);
  return r == 4 ? Reduction::mean : static_cast<Reduction>(r);
}

// The value of a parameter: a real number, or a flag.
double parse_parameter(const char* tag, const LossParameter& rule, py::handle value) {
  const bool number = PyFloat_Check(value.ptr()) || py::isinstance(value, py::module_::import("numbers").attr("Real"));
  if (number && (rule.range == LossParameter::flag || !PyBool_Check(value.ptr()))) return py::cast<double>(value);
  fail("[", tag, "] `", rule.name, "` is ", std::string(py::repr(value)), ": it must be ", range_of(rule), ".");
}

// Keyword arguments as the parameters of a loss; all of them are checked.
void read_parameters(const char* tag, const py::kwargs& given, DType dtype, LossOptions& o) {
  const std::span<const LossParameter> rules = parameters_of(o.loss);
  const LossParameter& factor = label_factor_of(o.loss);
  for (const auto& [key, value] : given) {
    const auto name = py::cast<std::string>(key);
    std::size_t i = 0;
    while (i < rules.size() && name != rules[i].name) ++i;
    if (i < rules.size()) {
      o.parameters[i] = parse_parameter(tag, rules[i], value);
      check_parameter(tag, rules[i], o.parameters[i]);
    } else if (factor.name && name == factor.name) {
      o.label_factor = convert(value, dtype);
    } else {
      fail<TypeError>("[", tag, "] `", name, "` is not a parameter of this loss.");
    }
  }
}

Loss parse_loss(const char* tag, const std::string& name) {
  return parse_enum<Loss>(tag, "name", names_of<Loss>(), name);
}

Tensor loss_of(const std::string& name, py::handle y_true, py::handle y_pred, py::handle sample_weight,
               bool from_logits, index_t axis, const std::string& reduction, const py::kwargs& parameters) {
  LossOptions o(parse_loss("loss", name), from_logits, axis, parse_reduction(name.c_str(), reduction));
  Tensor p = convert(y_pred);
  if (!is_float(p.dtype())) p = cast(p, DType::float32);
  read_parameters(name.c_str(), parameters, p.dtype(), o);
  const bool labels = is_sparse(o.loss);
  const Tensor t = labels || is_tensor(y_true) ? convert(y_true) : convert(y_true, p.dtype());
  const Tensor w = sample_weight.is_none() ? Tensor() : convert(sample_weight, p.dtype());
  return loss(t, p, w, o);
}

py::dict loss_parameters(const std::string& name) {
  py::dict d;
  const Loss loss = parse_loss("loss_parameters", name);
  for (const LossParameter& p : parameters_of(loss)) d[p.name] = p.initial;
  if (const LossParameter& factor = label_factor_of(loss); factor.name) d[factor.name] = factor.initial;
  return d;
}

std::vector<std::string> strings(const std::vector<const char*>& names) { return {names.begin(), names.end()}; }

}  // namespace

void register_layers(py::module_& m) {
  m.def(
      "dense",
      [](py::handle x, py::handle kernel, py::handle bias, const std::optional<std::string>& activation) {
        const auto [tx, tw, tb] = dense_arguments(x, kernel, bias);
        return dense(tx, tw, tb, parse_activation("dense", activation.value_or("linear")));
      },
      py::arg("x"), py::arg("kernel"), py::arg("bias") = py::none(), py::arg("activation") = "linear");
  m.def("dense_vjp", dense_gradients, py::arg("x"), py::arg("kernel"), py::arg("bias"), py::arg("activation"),
        py::arg("dy"));
  m.def(
      "activation",
      [](const std::string& name, py::handle x, index_t axis, const py::object& parameters) {
        const ActivationParams params = parse_parameters(parse_activation("activation", name), parameters);
        return detached(activation(params, convert(x), axis), x, false);
      },
      py::arg("name"), py::arg("x"), py::arg("axis") = -1, py::arg("parameters") = py::none());
  m.def("loss", loss_of, py::arg("name"), py::arg("y_true"), py::arg("y_pred"), py::arg("sample_weight") = py::none(),
        py::arg("from_logits") = false, py::arg("axis") = -1, py::arg("reduction") = "sum_over_batch_size");
  m.def("loss_parameters", loss_parameters, py::arg("name"));
  m.def(
      "check_loss_parameters",
      [](const std::string& tag, const std::string& name, const py::kwargs& parameters) {
        LossOptions o(parse_loss("check_loss_parameters", name));
        read_parameters(tag.c_str(), parameters, DType::float64, o);
      },
      py::arg("tag"), py::arg("name"));
  m.def(
      "reduce_loss",
      [](py::handle values, py::handle sample_weight, const std::string& reduction) {
        const Tensor v = convert(values);
        const Tensor w = sample_weight.is_none() ? Tensor() : convert(sample_weight, v.dtype());
        return reduce_values(v, w, parse_reduction("loss", reduction));
      },
      py::arg("values"), py::arg("sample_weight") = py::none(), py::arg("reduction") = "sum_over_batch_size");
  m.def(
      "align_ranks",
      [](py::handle x1, py::handle x2) {
        Tensor a = convert(x1), b = convert(x2);
        align_ranks(a, b);
        return py::make_tuple(a, b);
      },
      py::arg("x1"), py::arg("x2"));
  m.def("activation_parameters", [](const std::string& name) {
    py::list list;
    for (const ActivationParameter& p : activation_parameters(parse_activation("activation_parameters", name))) {
      list.append(py::make_tuple(p.name, default_of(p)));
    }
    return list;
  });
  m.def("activation_names", [] { return strings(names_of<Activation>()); });
  m.def("loss_names", [] { return strings(names_of<Loss>()); });
  m.def("loss_formula", [](const std::string& name) { return formula_of(parse_loss("loss_formula", name)); });
  m.def("loss_has_logits", [](const std::string& name) { return has_logits(parse_loss("loss_has_logits", name)); });
}

}  // namespace densegrad::python

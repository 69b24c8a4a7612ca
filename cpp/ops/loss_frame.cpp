// Around the primitive of loss.cpp: parameters, ranks and labels before it, weights and reduction after it, in fine ones.
//
// The reduction is not part of the primitive: the broadcasting of sample weights and the five reductions are then
// ordinary, closed operations on one value per sample, while the pass over (samples, classes) stays a single one.
#include <cmath>
#include <iomanip>

#include "formulas/losses.h"
#include "ops/broadcast.h"
#include "ops/ops.h"

namespace densegrad {

template <>
const std::vector<const char*>& names_of<Loss>() {
  using formulas::Losses;
  static const std::vector<const char*> names(Losses::names, Losses::names + Losses::size);
  return names;
}

bool is_sparse(Loss loss) {
  return formulas::visit(loss, [](auto entry) { return decltype(entry)::sparse; });
}

bool has_logits(Loss loss) {
  return formulas::visit(loss, [](auto entry) { return decltype(entry)::has_logits; });
}

const char* formula_of(Loss loss) {
  return formulas::visit(loss, [](auto entry) { return decltype(entry)::formula; });
}

std::span<const LossParameter> parameters_of(Loss loss) {
  return formulas::visit(loss, [](auto entry) { return std::span<const LossParameter>(decltype(entry)::parameters); });
}

const LossParameter& label_factor_of(Loss loss) {
  return *formulas::visit(loss, [](auto entry) { return &decltype(entry)::label_factor; });
}

std::string range_of(const LossParameter& p) {
  if (p.range == LossParameter::flag) return "True or False";
  const bool open = p.range == LossParameter::open_interval, endless = std::isinf(p.high);
  std::ostringstream text;
  text << "in " << (open ? '(' : '[') << p.low << ", " << p.high << (open || endless ? ')' : ']');
  return text.str();
}

void check_parameter(const char* tag, const LossParameter& p, double value) {
  const bool open = p.range == LossParameter::open_interval;
  if (open ? value > p.low && value < p.high : value >= p.low && value <= p.high) return;
  fail("[", tag, "] `", p.name, "` is ", value, ": it must be ", range_of(p), ".");
}

LossOptions::LossOptions(Loss l, bool logits, index_t a, Reduction r)
    : loss(l), from_logits(logits), axis(a), reduction(r), parameters() {
  std::size_t i = 0;
  for (const LossParameter& p : parameters_of(loss)) parameters[i++] = p.initial;
}

void check_labels(const char* tag, const Tensor& labels, index_t classes) {
  if (!labels.has_storage()) return;
  visit_any(labels.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    for (index_t i = 0; i < labels.size(); ++i) {
      const auto label = static_cast<double>(labels.data<T>()[i]);
      if (label > -1 && label < static_cast<double>(classes)) continue;
      std::ostringstream text;  // to the last digit
      text << std::setprecision(17) << label;
      fail("[", tag, "] `y_true` contains the label ", text.str(), ": with ", classes, " classes it must be in [0, ",
           classes, ").");
    }
  });
}

namespace {

bool broadcasts(Loss loss) {
  return formulas::visit(loss, [](auto entry) { return decltype(entry)::broadcasts; });
}

bool hinge_labels(Loss loss) {
  return formulas::visit(loss, [](auto entry) { return decltype(entry)::hinge_labels; });
}

Activation head_of(Loss loss) {
  return formulas::visit(loss, [](auto entry) { return decltype(entry)::head; });
}

// Labels as int64 of the shape of y_pred without its class axis.
Tensor sparse_labels(const char* tag, const Tensor& y_true, const Tensor& y_pred, int axis) {
  Tensor labels = y_true;
  const Shape expected = without_axis(y_pred.shape(), axis);
  if (labels.rank() == y_pred.rank() && labels.rank() > 0 && labels.shape().back() == 1) {
    labels = reshape(labels, Shape(labels.shape().begin(), labels.shape().end() - 1));
  }
  if (!(labels.shape() == expected)) {
    fail("[", tag, "] `y_true` has shape ", y_true.shape(), " but `y_pred` has shape ", y_pred.shape(),
         ": one integer label per sample is needed, shape ", expected,
         "; one-hot labels go to categorical_crossentropy.");
  }
  check_labels(tag, labels, y_pred.dim(axis));
  labels = cast(labels, DType::int64);
  return labels;
}

// Labels that are all 0 or 1 become -1 or 1; others stay. The decision is part of the record.
Tensor signed_labels(const Tensor& t) {
  const auto number = [&](double value) { return constant_like(t, value); };
  const auto is = [&](double label) { return compare(Compare::equal, t, number(label)); };
  const Tensor others = where(is(0), number(0), where(is(1), number(0), number(1)));
  const Tensor binary = compare(Compare::equal, sum(others), number(0));
  return where(binary, subtract(multiply(t, number(2)), number(1)), t);
}

// Labels times their factor, and those whose smoothing the formula cannot do.
Tensor weighted_labels(const char* tag, Tensor t, const LossOptions& o, LossParams& p) {
  const LossParameter& rule = label_factor_of(o.loss);
  const bool last = p.axis == t.rank() - 1;
  if (!(rule.name || (is_rowwise(head_of(o.loss)) && !last))) return t;
  if (const double smoothing = p.parameters[0]; smoothing != 0) {
    // Keras spreads the smoothing over the size of the last axis, whichever axis holds the classes.
    const double share = smoothing / static_cast<double>(t.shape().back());
    t = add(multiply(t, constant_like(t, 1 - smoothing)), constant_like(t, share));
    p.parameters[0] = 0;
  }
  if (!rule.name) return t;
  const Tensor factor = o.label_factor.defined() ? cast(o.label_factor, t.dtype()) : constant_like(t, rule.initial);
  if (!broadcasts(t.shape(), factor.shape()) ||
      !(broadcast_shapes(tag, t.shape(), factor.shape(), "", "") == t.shape())) {
    fail("[", tag, "] `", rule.name, "` has shape ", factor.shape(), " but `y_pred` has shape ", t.shape(),
         ": it must be a number or one number per class.");
  }
  return multiply(t, factor);
}

}  // namespace

void align_ranks(Tensor& a, Tensor& b) {
  Tensor &longer = a.rank() > b.rank() ? a : b, &shorter = a.rank() > b.rank() ? b : a;
  if (longer.rank() - shorter.rank() != 1 || longer.shape().back() != 1) return;
  if (shorter.rank() == 1) {
    shorter = reshape(shorter, {shorter.dim(0), 1});
  } else {
    longer = reshape(longer, Shape(longer.shape().begin(), longer.shape().end() - 1));
  }
}

Tensor reduce_values(Tensor values, Tensor weight, Reduction reduction) {
  if (weight.defined()) {
    weight = cast(weight, values.dtype());
    align_ranks(values, weight);
    if (!broadcasts(values.shape(), weight.shape())) {
      fail("[loss] `sample_weight` has shape ", weight.shape(), " but the loss has values of shape ", values.shape(),
           ": there must be one weight per value.");
    }
    values = multiply(values, weight);
  }
  if (reduction == Reduction::none || values.rank() == 0 || (values.rank() == 1 && values.dim(0) == 0)) return values;
  const Tensor total = sum(values);
  if (reduction == Reduction::sum) return total;
  if (reduction == Reduction::mean_with_sample_weight && weight.defined()) {
    const Tensor mass = sum(weight);  // before broadcasting, as in Keras
    const Tensor zero = constant_like(mass, 0), none = compare(Compare::equal, mass, zero);
    return where(none, zero, divide(total, where(none, constant_like(mass, 1), mass)));
  }
  return divide(total, constant_like(total, static_cast<double>(values.size())));
}

Tensor loss(const Tensor& y_true_in, const Tensor& y_pred_in, const Tensor& sample_weight, const LossOptions& o) {
  const char* tag = names_of<Loss>()[static_cast<std::size_t>(o.loss)];
  Tensor y_true = y_true_in, y_pred = y_pred_in;
  if (!is_float(y_pred.dtype())) {
    fail<TypeError>("[", tag, "] `y_pred` is ", y_pred.dtype(), ": it must be float32 or float64.");
  }
  const std::span<const LossParameter> rules = parameters_of(o.loss);
  for (std::size_t i = 0; i < rules.size(); ++i) check_parameter(tag, rules[i], o.parameters[i]);
  if (o.from_logits && !has_logits(o.loss)) {
    fail("[", tag, "] `from_logits` is True: this loss has no form for logits.");
  }
  const bool sparse = is_sparse(o.loss);
  if (!sparse) align_ranks(y_true, y_pred);
  if (y_pred.rank() == 0) fail("[", tag, "] `y_pred` is a scalar: it must have at least one axis.");
  LossParams p{o.loss, o.from_logits ? LossForm::logits : LossForm::values, o.parameters, 0};
  p.axis = normalize_axis(tag, o.axis, y_pred.rank());
  if (sparse) {
    y_true = sparse_labels(tag, y_true, y_pred, p.axis);
  } else {
    y_true = cast(y_true, y_pred.dtype());
    if (!(y_true.shape() == y_pred.shape())) {
      if (!broadcasts(o.loss)) {
        fail("[", tag, "] `y_true` has shape ", y_true.shape(), " but `y_pred` has shape ", y_pred.shape(),
             ": they must have the same shape.");
      }
      const Shape shape = broadcast_shapes(tag, y_true.shape(), y_pred.shape(), "y_true", "y_pred");
      y_true = broadcast_to(y_true, shape);
      y_pred = broadcast_to(y_pred, shape);
      p.axis = normalize_axis(tag, o.axis, shape.rank());
    }
    if (hinge_labels(o.loss)) y_true = signed_labels(y_true);
    y_true = weighted_labels(tag, y_true, o, p);
  }

  // A softmax or sigmoid output that still knows its pre-activation takes the stable formula.
  Tensors in{y_true, y_pred};
  const PreActivation* pre = y_pred_in.pre();
  if (pre && pre->z.defined() && !o.from_logits) {
    const auto activation = static_cast<Activation>(pre->activation);
    const bool along_axis = !is_rowwise(activation) || pre->axis == p.axis;
    if (activation == head_of(o.loss) && along_axis && pre->z.size() == y_pred.size()) {
      p.form = LossForm::fused;
      in.push_back(reshape(pre->z, y_pred.shape()));
      in.push_back(y_pred_in);
    }
  }
  return reduce_values(loss_values(in, p), sample_weight, o.reduction);
}

}  // namespace densegrad

#include "check.h"

namespace densegrad::driver {

Function weighted_sum(Rng& rng, const Function& f, const std::vector<Tensor>& x) {
  const Tensor y = f(x);
  const Tensor weights = uniform(rng, y.shape(), 0.5, 1.5, y.dtype());
  return [f, weights](const std::vector<Tensor>& at) { return sum(multiply(f(at), weights)); };
}

namespace {

using Directions = std::vector<std::vector<Tensor>>;

// The derivative of f along directions[0], ..., directions[order - 1].
Tensor derivative(const Function& f, const std::vector<Tensor>& x, const Directions& directions, std::size_t order) {
  if (order == 0) return f(x);
  Tape tape(false, false);
  tape.enter();
  for (const Tensor& t : x) tape.watch(t);
  const Tensor value = derivative(f, x, directions, order - 1);
  const std::vector<Tensor> grads = tape.gradient({value}, x, {});
  Tensor total = constant_like(value, 0);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (grads[i].defined()) total = add(total, sum(multiply(grads[i], directions[order - 1][i])));
  }
  return total;
}

double shifted(const Function& f, const std::vector<Tensor>& x, const Directions& directions, std::size_t order,
               double h) {
  std::vector<Tensor> at;
  for (std::size_t i = 0; i < x.size(); ++i) {
    at.push_back(add(x[i], multiply(constant_like(x[i], h), directions[order][i])));
  }
  return derivative(f, at, directions, order).data<double>()[0];
}

}  // namespace

bool check_derivatives(Rng& rng, const std::string& what, const Function& f, const std::vector<Tensor>& x, int orders) {
  Directions directions;
  for (int k = 0; k < orders; ++k) {
    directions.emplace_back();
    for (const Tensor& t : x) directions.back().push_back(uniform(rng, t.shape()));
  }
  for (std::size_t k = 0; k < directions.size(); ++k) {
    const double exact = derivative(f, x, directions, k + 1).data<double>()[0];
    const double h = 2e-4;
    double scale = 1;
    const auto difference = [&](double step) {
      const double up = shifted(f, x, directions, k, step), down = shifted(f, x, directions, k, -step);
      scale = std::fmax(scale, std::fmax(std::fabs(up), std::fabs(down)));
      return (up - down) / (2 * step);
    };
    const double first = difference(h), second = difference(h / 2), third = difference(h / 4);
    // Truncation: where f is smooth, the error of `third` is a third of its distance from `second`, which is a quarter of
    // that of `second` from `first`. Rounding: 1000 roundings of values of size `scale`.
    const double rounding = 1000 * 0x1p-53 * scale / (h / 4), step = std::fabs(second - third);
    if (!(step <= std::fabs(first - second) / 2 + rounding)) return false;
    const double tolerance = step + rounding;
    if (!(tolerance <= 1e-4 * (1 + std::fabs(exact)))) return false;
    require(std::fabs(exact - third) <= tolerance, what, ": derivative ", k + 1, " is ", exact,
            ", central differences give ", third, " within ", tolerance);
  }
  return true;
}

std::vector<Tensor> gradients(const Function& f, const std::vector<Tensor>& x) {
  Tape tape(false, false);
  tape.enter();
  for (const Tensor& t : x) tape.watch(t);
  return tape.gradient({f(x)}, x, {});
}

}  // namespace densegrad::driver

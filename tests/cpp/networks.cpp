// Random dense networks: gradients against central differences, coarse against decomposed, float32 against float64.
#include <algorithm>

#include "check.h"

namespace densegrad::driver {
namespace {

// Exponentials of exponentials leave the range of float32: the network has tanh there.
constexpr Activation last_of(int i) {
  const auto activation = static_cast<Activation>(i);
  return activation == Activation::exponential ? Activation::tanh : activation;
}

const char* name_of(Activation a) { return names_of<Activation>()[static_cast<std::size_t>(a)]; }
const char* name_of(Loss l) { return names_of<Loss>()[static_cast<std::size_t>(l)]; }

// dense as run, or as its decomposition; the result and its pre-activation.
std::pair<Tensor, Tensor> layer(const Tensor& x, const Tensor& w, const Tensor& b, Activation act, bool fine) {
  if (!fine) {
    const Tensor y = dense(x, w, b, params_of(act));
    return {y, y.pre()->z.defined() ? y.pre()->z : y};
  }
  Tensors in{x, w}, out;
  if (b.defined()) in.push_back(b);
  primitive("dense").decompose(in, params_of(act), out);
  return {out[0], out.back()};
}

bool fuses(Loss loss, Activation last, bool from_logits) {
  const bool sigmoid = last == Activation::sigmoid && loss == Loss::binary_crossentropy;
  const bool softmax = last == Activation::softmax &&
                       (loss == Loss::categorical_crossentropy || loss == Loss::sparse_categorical_crossentropy);
  return !from_logits && (sigmoid || softmax);
}

Network network_of(Rng& rng, Activation last, Loss loss, bool from_logits, index_t max_rows, index_t max_width) {
  Network net;
  // It takes 1 - p of clipped probabilities, which keeps 7 digits less at the ends: logits stay moderate.
  if (loss == Loss::categorical_focal_crossentropy && from_logits) last = Activation::tanh;
  const auto width = [&] {
    return std::min(max_width, rng.pick<index_t>({1, 2, 3, 5, 7, 15, 16, 17, 31, 33, 63, 65}));
  };
  const index_t layers = 1 + rng.below(4),
                rows = std::min(max_rows, rng.pick<index_t>({0, 1, 2, 3, 5, 17, 32, 33, 67}));
  const bool extra_axis = rows > 0 && rng.below(5) == 0;  // the mean of no values of rank 2 is 0/0, in Keras too
  index_t in = width();
  net.tensors.push_back(uniform(rng, extra_axis ? Shape{rows, 2, in} : Shape{rows, in}));
  for (index_t i = 0; i < layers; ++i) {
    index_t out = width();
    // Softmax over one class is 1, where the binary cross-entropy's 1e-7 is another number in float32.
    const bool binary = loss == Loss::binary_crossentropy || loss == Loss::binary_focal_crossentropy;
    if (i + 1 == layers && last == Activation::softmax && binary && out == 1) out = 2;
    const double scale = std::sqrt(3.0 / static_cast<double>(in));
    net.tensors.push_back(uniform(rng, {in, out}, -scale, scale));
    net.tensors.push_back(rng.below(3) ? uniform(rng, {out}) : Tensor());
    net.activations.push_back(i + 1 == layers ? last : last_of(static_cast<int>(rng.below(size_of<Activation>()))));
    in = out;
  }
  Shape values = net.tensors[0].shape();
  values[values.rank() - 1] = in;
  net.y_true =
      is_sparse(loss) ? integers(rng, Shape(values.begin(), values.end() - 1), in) : uniform(rng, values, 0.05, 0.95);
  from_logits = from_logits && has_logits(loss);
  net.options = LossOptions(loss, from_logits, -1, rng.pick({Reduction::none, Reduction::sum, Reduction::mean}));
  const bool smooths = loss == Loss::binary_crossentropy || loss == Loss::categorical_crossentropy;
  if (smooths && rng.below(2)) net.options.parameters[0] = 0.1;
  net.options.label_factor = Tensor::scalar(DType::float64, 1);  // not part of the decomposition
  const bool probabilities = last == Activation::sigmoid || last == Activation::softmax;
  net.positive = loss != Loss::mean_squared_error && !from_logits && !probabilities;
  return net;
}

}  // namespace

Network random_network(Rng& rng, index_t max_rows, index_t max_width) {
  const Activation last = last_of(static_cast<int>(rng.below(size_of<Activation>())));
  return network_of(rng, last, static_cast<Loss>(rng.below(size_of<Loss>())), rng.below(2) == 0, max_rows, max_width);
}

Tensor Network::forward(const std::vector<Tensor>& t, bool fine) const {
  Tensor y = t[0], z = y;
  for (std::size_t i = 0; i < activations.size(); ++i) {
    std::tie(y, z) = layer(y, t[1 + 2 * i], t[2 + 2 * i], activations[i], fine);
  }
  if (positive)
    y = z = activation(Activation::sigmoid, identity(y), -1);  // identity: a loss must not see the sigmoid's z
  if (positive) y = z = add(multiply(constant_like(y, 0.8), y), constant_like(y, 0.1));
  if (!fine) return sum(loss(y_true, y, Tensor(), options));
  Tensors in{y_true, y}, out;
  LossParams p{options.loss, options.from_logits ? LossForm::logits : LossForm::values, options.parameters,
               y.rank() - 1};
  if (fuses(options.loss, activations.back(), options.from_logits)) {
    p.form = LossForm::fused;
    in.push_back(z);
  }
  primitive("loss").decompose(in, p, out);
  const Tensor total = sum(out[0]);
  if (options.reduction != Reduction::mean || out[0].size() == 0) return total;
  return divide(total, constant_like(total, static_cast<double>(out[0].size())));
}

std::vector<Tensor> Network::step(bool fine) const {
  std::vector<Tensor> sources;
  Tape tape(false, false);
  tape.enter();
  for (const Tensor& t : tensors) {
    if (!t.defined()) continue;
    tape.watch(t);
    sources.push_back(t);
  }
  const Tensor value = forward(tensors, fine);
  std::vector<Tensor> out = tape.gradient({value}, sources, {});
  out.push_back(value);
  return out;
}

Network Network::as(DType dtype) const {
  Network net = *this;
  for (Tensor& t : net.tensors)
    if (t.defined()) t = cast(t, dtype);
  if (is_float(y_true.dtype())) net.y_true = cast(y_true, dtype);
  return net;
}

std::string Network::describe() const {
  std::ostringstream text;
  text << tensors[0].dtype() << tensors[0].shape();
  for (std::size_t i = 0; i < activations.size(); ++i) {
    text << " -> " << tensors[1 + 2 * i].dim(1) << (tensors[2 + 2 * i].defined() ? " " : " (no bias) ")
         << name_of(activations[i]);
  }
  text << ", " << name_of(options.loss) << (options.from_logits ? " from logits" : "") << ", first parameter "
       << options.parameters[0] << ", reduction " << static_cast<int>(options.reduction);
  return text.str();
}

namespace {

// True if the differences were conclusive.
bool check_small(Rng& rng, const Network& net) {
  std::vector<Tensor> x;
  std::vector<std::size_t> at;
  for (std::size_t i = 0; i < net.tensors.size(); ++i) {
    if (!net.tensors[i].defined()) continue;
    x.push_back(net.tensors[i]);
    at.push_back(i);
  }
  const Function f = [&](const std::vector<Tensor>& values) {
    std::vector<Tensor> t = net.tensors;
    for (std::size_t i = 0; i < values.size(); ++i) t[at[i]] = values[i];
    return net.forward(t, false);
  };
  return check_derivatives(rng, net.describe(), f, x, 2);
}

void check_step(const Network& net) {
  const std::string what = net.describe();
  const std::vector<Tensor> coarse = net.step(false), fine = net.step(true), again = net.step(false);
  for (std::size_t i = 0; i < coarse.size(); ++i) {
    const std::string which = what + ", result " + std::to_string(i);
    require(coarse[i].defined(), which, ": no gradient");
    require(same_bits(coarse[i], again[i]), which, ": a second run gives other bits");
    // A few hundred roundings per entry, relative to the largest.
    require_close(which + " decomposed", fine[i], coarse[i], 1e-11);
    for (double v : values_of(coarse[i])) require(std::isfinite(v), which, ": not finite");
  }
  const Network single = net.as(DType::float32);
  const std::vector<Tensor> narrow = single.step(false), narrow_fine = single.step(true);
  // A kink of relu or clip may fall between float32 and float64, so only the smooth networks are compared across.
  const bool smooth =
      std::find(net.activations.begin(), net.activations.end(), Activation::relu) == net.activations.end();
  for (std::size_t i = 0; i < coarse.size(); ++i) {
    const std::string which = single.describe() + ", result " + std::to_string(i);
    require(narrow[i].dtype() == DType::float32, which, ": is ", narrow[i].dtype());
    require_close(which + " decomposed", narrow_fine[i], narrow[i], 1e-3);
    if (smooth) require_close(which + " against float64", cast(narrow[i], DType::float64), coarse[i], 1e-3);
  }
}

}  // namespace

void test_networks(Rng& rng) {
  int inconclusive = 0, total = 0;
  for (int last = 0; last < size_of<Activation>(); ++last) {
    for (int loss = 0; loss < size_of<Loss>(); ++loss) {
      for (bool from_logits : {false, true}) {
        for (int round = 0; round < 12; ++round) {
          ++total;
          inconclusive += !check_small(rng, network_of(rng, last_of(last), static_cast<Loss>(loss), from_logits, 5, 7));
          check_step(network_of(rng, last_of(last), static_cast<Loss>(loss), from_logits, 67, 65));
        }
      }
    }
  }
  require(20 * inconclusive <= total, inconclusive, " of ", total, " networks were too near a kink");
}

}  // namespace densegrad::driver

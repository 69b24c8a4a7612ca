// A primitive whose derivative is a callback of the host language.
#include "ops/ops.h"

namespace densegrad {

namespace {

// The outputs were computed by the caller; `inputs` are the tensors that gradients flow to.
bool custom_vjp(VjpContext& c) {
  Tensors dy;
  for (std::size_t i = 0; i < c.outputs.size(); ++i) {
    const Tensor& y = c.outputs[i];
    dy.push_back(c.dy[i].defined() ? c.dy[i] : Tensor::full(y.dtype(), y.shape(), 0));
  }
  const std::vector<Tensor> dx = std::get<CustomParams>(c.params).callback->vjp(dy);
  if (dx.size() != c.inputs.size()) {
    fail("[custom_gradient] the gradient function returned ", dx.size(), " values but the function has ",
         c.inputs.size(), " differentiable arguments: it must return one per argument.");
  }
  for (std::size_t i = 0; i < dx.size(); ++i) {
    const Tensor& x = c.inputs[i];
    if (!dx[i].defined() || !c.wanted[i]) continue;
    if (!(dx[i].shape() == x.shape())) {
      fail("[custom_gradient] gradient ", i, " has shape ", dx[i].shape(), " but the argument has shape ", x.shape(),
           ": they must be equal.");
    }
    c.dx[i] = cast(dx[i], x.dtype());
  }
  return true;
}

const Primitive custom_primitive{.name = "custom_gradient", .vjp = custom_vjp};

}  // namespace

std::vector<Tensor> record_custom(const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs,
                                  std::unique_ptr<Callback> callback) {
  Tensors in, out;
  for (const Tensor& x : inputs) in.push_back(x);
  for (const Tensor& y : outputs) out.push_back(stop_gradient(y));
  record(custom_primitive, CustomParams{CallbackPtr(std::move(callback))}, in, out);
  return {out.begin(), out.end()};
}

std::vector<const Primitive*> custom_primitives() { return {&custom_primitive}; }

}  // namespace densegrad

// A primitive whose derivative is a callback of the host language.
#include "ops/ops.h"

namespace densegrad {

namespace {

std::vector<Tensor> gradients_of(Callback& callback, const Tensors& inputs, const Tensors& dy) {
  std::vector<Tensor> dx = callback.vjp(dy);
  if (dx.size() != inputs.size()) {
    fail("[custom_gradient] the gradient function returned ", dx.size(), " gradients but the function has ",
         inputs.size(), " arguments and variables: it must return one for each.");
  }
  for (std::size_t i = 0; i < dx.size(); ++i) {
    const Tensor& x = inputs[i];
    if (!dx[i].defined()) continue;
    if (!(dx[i].shape() == x.shape())) {
      fail("[custom_gradient] gradient ", i, " has shape ", dx[i].shape(), " but the argument has shape ", x.shape(),
           ": they must be equal.");
    }
    dx[i] = is_float(x.dtype()) ? cast(dx[i], x.dtype()) : Tensor();
  }
  return dx;
}

// The outputs were computed by the caller; `inputs` are the tensors that gradients flow to.
bool custom_vjp(VjpContext& c) {
  Tensors dy;
  for (std::size_t i = 0; i < c.outputs.size(); ++i) {
    const Tensor& y = c.outputs[i];
    dy.push_back(c.dy[i].defined() ? c.dy[i] : Tensor::full(y.dtype(), y.shape(), 0));
  }
  const std::vector<Tensor> dx = gradients_of(*std::get<CustomParams>(c.params).callback.get(), c.inputs, dy);
  for (std::size_t i = 0; i < dx.size(); ++i)
    if (c.wanted[i]) c.dx[i] = dx[i];
  return true;
}

const Primitive custom_primitive{.name = "custom_gradient", .vjp = custom_vjp};

}  // namespace

std::vector<Tensor> custom_gradients(const Node& node, const Tensors& dy) {
  return gradients_of(*std::get<CustomParams>(node.params).callback.get(), node.inputs, dy);
}

void rerecord_custom(const Tensors& inputs, const Tensors& outputs, std::unique_ptr<Callback> callback) {
  record(custom_primitive, CustomParams{CallbackPtr(std::move(callback))}, inputs, outputs);
}

std::vector<Tensor> record_custom(const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs,
                                  std::unique_ptr<Callback> callback) {
  Tensors in, out;
  for (const Tensor& x : inputs) in.push_back(x);
  for (const Tensor& y : outputs) out.push_back(stop_gradient(y));
  rerecord_custom(in, out, std::move(callback));
  return {out.begin(), out.end()};
}

std::vector<const Primitive*> custom_primitives() { return {&custom_primitive}; }

}  // namespace densegrad

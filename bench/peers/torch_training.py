"""PyTorch: eager, and `torch.compile` of the loss and its gradient; Adam is its fused one."""

from __future__ import annotations

import itertools
import os

import torch
from worker import serve

THREADS = os.environ.get("DENSEGRAD_BENCH_THREADS")
if THREADS:
    torch.set_num_threads(int(THREADS))


def make(case, data):
    """One case of bench/nets.py."""
    kernels, biases, batch = case["kernels"], case["biases"], case["batch"]
    layers = []
    for k, b in zip(kernels, biases):
        linear = torch.nn.Linear(*data[k].shape, dtype=getattr(torch, case["dtype"]))
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(data[k].T))
            linear.bias.copy_(torch.from_numpy(data[b]))
        layers += [linear, torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    weights = list(model.parameters())
    optimizer = torch.optim.Adam(weights, case["rate"], case["betas"], eps=case["epsilon"], fused=True)
    x, y = torch.from_numpy(data["x"]), torch.from_numpy(data["y"])
    if case["loss"] == "crossentropy":
        y, loss_fn = y.argmax(dim=1), torch.nn.functional.cross_entropy
    else:
        loss_fn = torch.nn.functional.mse_loss

    def objective(x, y):
        return loss_fn(model(x), y)

    forward = model
    if case["how"] == "compiled":
        torch._dynamo.reset()
        forward, objective = torch.compile(model), torch.compile(objective)

    def update(x, y):
        optimizer.zero_grad(set_to_none=True)
        loss = objective(x, y)
        loss.backward()
        optimizer.step()
        return loss

    def array(name, value):
        value = value.detach().numpy()
        return value.T if name in kernels else value  # Linear keeps its weight as (out, in)

    batches = itertools.cycle([(x[i : i + batch], y[i : i + batch]) for i in range(0, len(x), batch)])
    if case["what"] == "forward":
        first = next(batches)[0]

        def passes():
            with torch.inference_mode():
                return forward(first), []

        return passes, [], array
    if case["what"] == "gradient":
        first = next(batches)

        def gradient():
            loss = objective(*first)
            return loss, list(torch.autograd.grad(loss, weights))

        return gradient, [n for pair in zip(kernels, biases) for n in pair], array
    return lambda: (update(*next(batches)), []), [], array


if __name__ == "__main__":
    serve({"name": "pytorch", "version": f"{torch.__version__}, threads {torch.get_num_threads()}"}, make)

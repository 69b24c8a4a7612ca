"""PyTorch's eager step, on one thread or its default."""

from __future__ import annotations

import os

import torch
from worker import serve

THREADS = os.environ.get("DENSEGRAD_BENCH_THREADS")
if THREADS:
    torch.set_num_threads(int(THREADS))


def make(case, data):
    """The step of one case (see bench/eager.py). Its cross-entropy takes logits, so no softmax layer."""
    kernels, biases = case["kernels"], case["biases"]
    x, y = torch.tensor(data["x"], requires_grad=True), torch.tensor(data["y"])
    crossentropy = torch.nn.functional.cross_entropy
    is_model = case["row"] == "model"
    if is_model:
        layers = []
        for k, b in zip(kernels, biases):
            linear = torch.nn.Linear(*data[k].shape, dtype=x.dtype)
            with torch.no_grad():
                linear.weight.copy_(torch.tensor(data[k].T))
                linear.bias.copy_(torch.tensor(data[b]))
            layers += [linear, torch.nn.ReLU()]
        model = torch.nn.Sequential(*layers[:-1])
        loss_fn = torch.nn.CrossEntropyLoss()
        sources = [*model.parameters(), x]

        def step():
            loss = loss_fn(model(x), y)
            return loss, list(torch.autograd.grad(loss, sources))

    else:
        weights = [tuple(torch.tensor(data[n], requires_grad=True) for n in pair) for pair in zip(kernels, biases)]
        hidden, (last_kernel, last_bias) = weights[:-1], weights[-1]
        sources = [*(v for pair in weights for v in pair), x]

        def step():
            h = x
            for kernel, bias in hidden:
                h = torch.relu(h @ kernel + bias)
            loss = crossentropy(h @ last_kernel + last_bias, y)
            return loss, list(torch.autograd.grad(loss, sources))

    names = [*(n for pair in zip(kernels, biases) for n in pair), "x"]

    def array(name, value):
        value = value.detach().numpy()
        return value.T if is_model and name in kernels else value  # Linear keeps its weight as (out, in)

    return step, names, array


if __name__ == "__main__":
    serve({"name": "pytorch", "version": f"{torch.__version__}, threads {torch.get_num_threads()}"}, make)

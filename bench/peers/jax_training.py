"""JAX: `jit` with donated weights and moments, and whole epochs by `lax.scan`."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from worker import serve

jax.config.update("jax_enable_x64", True)  # float32 arrays stay float32
jax.config.update("jax_default_matmul_precision", "highest")


def make(case, data):
    """One case of bench/nets.py."""
    jax.clear_caches()
    names = [n for pair in zip(case["kernels"], case["biases"]) for n in pair]
    rate, epsilon, batch = case["rate"], case["epsilon"], case["batch"]
    beta_1, beta_2 = case["betas"]

    def forward(weights, x):
        h = x
        for kernel, bias in zip(weights[0:-2:2], weights[1:-2:2]):
            h = jax.nn.relu(h @ kernel + bias)
        return h @ weights[-2] + weights[-1]

    def loss_fn(weights, x, y):
        z = forward(weights, x)
        if case["loss"] == "crossentropy":
            return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(z), axis=1))
        return jnp.mean((z - y) ** 2)

    gradient = jax.value_and_grad(loss_fn)

    def update(state, x, y):
        weights, first, second, powers = state
        loss, grads = gradient(weights, x, y)
        scale = rate * jnp.sqrt(1 - powers[1]) / (1 - powers[0])
        first = tuple(m + (1 - beta_1) * (g - m) for m, g in zip(first, grads))
        second = tuple(v + (1 - beta_2) * (g * g - v) for v, g in zip(second, grads))
        weights = tuple(w - scale * m / (jnp.sqrt(v) + epsilon) for w, m, v in zip(weights, first, second))
        return (weights, first, second, (powers[0] * beta_1, powers[1] * beta_2)), loss

    def epoch(state, xs, ys):
        state, losses = jax.lax.scan(lambda state, rows: update(state, *rows), state, (xs, ys))
        return state, jnp.mean(losses)

    def array(name, value):
        return np.asarray(value)

    weights = tuple(jnp.asarray(data[n]) for n in names)
    x, y = jnp.asarray(data["x"]), jnp.asarray(data["y"])
    if case["what"] in ("step", "epoch"):
        zeros = [tuple(jnp.zeros_like(w) for w in weights) for _ in range(2)]
        state = [(weights, *zeros, tuple(jnp.asarray(b, x.dtype) for b in case["betas"]))]
        if case["what"] == "epoch":
            run = jax.jit(epoch, donate_argnums=0)
            batches = itertools.repeat(tuple(a.reshape(-1, batch, a.shape[1]) for a in (x, y)))
        else:
            run = jax.jit(update, donate_argnums=0)
            batches = itertools.cycle([(x[i : i + batch], y[i : i + batch]) for i in range(0, len(x), batch)])

        def step():
            state[0], loss = run(state[0], *next(batches))
            return loss, []

        return step, [], array
    x, y = x[:batch], y[:batch]
    if case["what"] == "forward":
        run = jax.jit(forward)
        return lambda: (run(weights, x), []), [], array
    run = jax.jit(gradient)
    return lambda: run(weights, x, y), names, array


if __name__ == "__main__":
    serve({"name": "jax", "version": f"{jax.__version__}, {jax.devices()[0].device_kind}"}, make)

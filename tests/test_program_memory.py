"""The memory of a training step: what it needs by count of arrays, and what the process takes for it."""

from __future__ import annotations

import json
import subprocess
import sys

import densegrad as dg
import numpy as np
import pytest

FROM_INPUT = {"gelu", "silu", "softplus"}  # their derivatives read the pre-activation, which is kept beside the output
OPTIMIZERS = {
    "Adam": {},
    "SGD with momentum": {"momentum": 0.9},
    "RMSprop": {},
    "Lion with clipvalue": {"clipvalue": 0.1},
    "SGD with clipnorm": {"clipnorm": 0.1},
    "Adam with global_clipnorm": {"global_clipnorm": 0.1},
    "Adam with accumulation": {"gradient_accumulation_steps": 2, "global_clipnorm": 0.1, "weight_decay": 0.1},
}


def drawn(rng, largest):
    """Widths, activations and rows of a random net."""
    widths = [int(2 ** rng.uniform(2, largest)) for _ in range(rng.integers(2, 6))]
    activations = [str(rng.choice(["relu", "sigmoid", "gelu", "silu"])) for _ in widths[2:]]
    return widths, activations, int(2 ** rng.uniform(0, largest))


def trained(widths, activations, rows, dtype, head, optimizer, **options):
    """A net, its optimizer, and a step of it that ran as a program."""
    layers = [dg.layers.Dense(n, a, dtype=dtype) for n, a in zip(widths[1:-1], activations, strict=True)]
    net = dg.Sequential([dg.Input(widths[:1], dtype=dtype), *layers, dg.layers.Dense(widths[-1], head, dtype=dtype)])
    loss_fn = dg.losses.SparseCategoricalCrossentropy() if head == "softmax" else dg.losses.MeanSquaredError()
    optimizer = getattr(dg.optimizers, optimizer)(1e-3, **options)
    x = np.ones((rows, widths[0]), dtype)
    y = np.zeros(rows, np.int64) if head == "softmax" else np.zeros((rows, widths[-1]), dtype)

    @dg.function
    def step(x, y):
        with dg.GradientTape() as tape:
            loss = loss_fn(y, net(x))
        optimizer.apply(tape.gradient(loss, net.trainable_variables), net.trainable_variables)
        return loss

    step(x, y), step(x, y)
    return net, optimizer, step


def needed(net, activations, rows, head):
    """Entries of: all weights, activations that are saved, the largest gradient of an activation, values per sample."""
    widths = [layer.units for layer in net.layers]
    weights = sum(int(np.prod(v.shape)) for v in net.trainable_variables)
    kept = [1 + (a in FROM_INPUT) for a in activations] + [1 + (head == "softmax")]  # the head keeps its logits
    saved = rows * sum(width * count for width, count in zip(widths, kept, strict=True))
    return weights, saved, rows * max(widths), 2 * rows


@pytest.mark.parametrize("head", ["softmax", "linear"])
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("number", range(20))
def test_a_step_needs_gradients_and_saved_activations(number, name, head):
    """The arena is at most 10 % above them, and a kilobyte or a rest of 64 bytes per array.

    With weights and slots it is 10 % above what must be there, and 16 KiB: the gradient of one activation is no
    more than that in nets like these, or lies where gradients of weights will.
    """
    rng = np.random.default_rng([number, 7])
    widths, activations, rows = drawn(rng, 9)
    dtype = ("float32", "float64")[number % 2]
    net, optimizer, step = trained(widths, activations, rows, dtype, head, name.split()[0], **OPTIMIZERS[name])
    weights, saved, *passing = needed(net, activations, rows, head)
    item = np.dtype(dtype).itemsize
    (program,) = step.programs
    constant = 1024 + 64 * 8 * len(widths)
    assert program.arena_bytes <= 1.1 * (weights + saved + sum(passing)) * item + constant, (widths, activations, rows)
    kept = weights + sum(int(np.prod(v.shape)) for v in optimizer.variables if v.shape)
    assert kept * item + program.arena_bytes <= 1.1 * (kept + weights + saved) * item + 16384
    assert f"arena of {program.arena_bytes} bytes" in program.describe()


# ---- What the process takes ------------------------------------------------------------------------------------------

# Run by a process of its own. What a small net's step needs (code, the BLAS) is there before the measurement begins.
MEASURED = """
import json, sys
import densegrad as dg, numpy as np

threads, by_fit, widths, rows = json.loads(sys.argv[1])
dg.set_num_threads(threads)

def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

def train(widths, rows, steps, begin):
    net = dg.Sequential([dg.Input(widths[:1]), *[dg.layers.Dense(n, "relu") for n in widths[1:-1]],
                         dg.layers.Dense(widths[-1])])
    optimizer, loss_fn = dg.optimizers.Adam(), dg.losses.MeanSquaredError()
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((rows, n), dtype=np.float32) for n in (widths[0], widths[-1]))

    @dg.function
    def step(x, y):
        with dg.GradientTape() as tape:
            loss = loss_fn(y, net(x))
        optimizer.apply(tape.gradient(loss, net.trainable_variables), net.trainable_variables)

    net.compile(optimizer, "mse")
    run = (lambda: net.fit(x, y, batch_size=rows, verbose=0)) if by_fit else lambda: step(x, y)
    run(), run()
    begin()
    for _ in range(steps):
        run()
    weights, slots = (sum(v.numpy().size for v in of) for of in (net.trainable_variables, optimizer.variables))
    return 4 * (2 * weights + slots + rows * sum(widths[1:])) + x.nbytes + y.nbytes

def forget_the_peak():
    with open("/proc/self/clear_refs", "w") as peak:
        peak.write("5")

train([70, 90, 80], 64, 3, lambda: None)
before = status("VmRSS")
needed = train(widths, rows, 4, forget_the_peak)
print(json.dumps([status("VmHWM") - before, needed]))
"""
# What the BLAS packs on one thread: P by Q entries of the left factor, Q rows of the right one. In its tables P is at
# most 1,024 and Q at most 512; no product here has more than 2,048 columns; an entry takes 4 bytes. (Measured: 1.6 MB.)
PACKED = 4 * 512 * (1024 + 2048)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone says in /proc how much memory a process took at most")
@pytest.mark.parametrize("by_fit", [False, True], ids=["function", "fit"])
@pytest.mark.parametrize("threads", [1, 2])
def test_the_process_takes_no_more(threads, by_fit):
    """At most weights, gradients, slots, saved activations and the batch, 10 %, and what the BLAS packs per thread.

    The first step, which is recorded, runs as Python and takes more; it gives that back.
    """
    given = json.dumps([threads, by_fit, [1024, 2048, 2048, 1024], 256])
    run = subprocess.run([sys.executable, "-c", MEASURED, given], capture_output=True, text=True, check=True)
    peak, needed = json.loads(run.stdout)
    assert 0.9 * needed < peak <= 1.1 * needed + threads * PACKED, (peak / 2**20, needed / 2**20)

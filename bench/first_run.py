"""The time of recording, lowering and first running a program of a 4-32-32-3 net: the first calls of fresh functions.

    python bench/first_run.py [--functions N]

CPU time of the thread, the median and the minimum of fresh nets. A first call that makes variables (an optimizer's
slots) is Python alone; the second is recorded.
"""

from __future__ import annotations

import argparse
import statistics
import time

import densegrad as dg
import numpy as np

SIZES, BATCH, WARM = (4, 32, 32, 3), 32, 10


def network():
    """A fresh net."""
    layers = [dg.layers.Dense(n, "relu") for n in SIZES[1:-1]]
    return dg.Sequential([dg.Input(SIZES[:1]), *layers, dg.layers.Dense(SIZES[-1], "softmax")])


def gradient_step():
    """A fresh function that gives the gradients of a net."""
    net, loss_fn = network(), dg.losses.SparseCategoricalCrossentropy()

    def step(x, y):
        with dg.GradientTape() as tape:
            loss = loss_fn(y, net(x))
        return tape.gradient(loss, net.trainable_variables)

    return dg.function(step)


def adam_step():
    """A fresh function that changes a net by Adam."""
    net, loss_fn, optimizer = network(), dg.losses.SparseCategoricalCrossentropy(), dg.optimizers.Adam()

    def step(x, y):
        with dg.GradientTape() as tape:
            loss = loss_fn(y, net(x))
        optimizer.apply(tape.gradient(loss, net.trainable_variables), net.trainable_variables)
        return loss

    return dg.function(step)


def train_on_batch():
    """That of a fresh model."""
    net = network()
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return net.train_on_batch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--functions", type=int, default=60, help="fresh functions of each kind")
    count = parser.parse_args().functions
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(BATCH, SIZES[0])).astype("float32"), rng.integers(SIZES[-1], size=BATCH)
    print("ms of CPU, median (minimum):  first call, second, third")
    for make in (gradient_step, adam_step, train_on_batch):
        calls = []
        for _ in range(WARM + count):
            step, times = make(), []
            for _ in range(3):
                begin = time.thread_time()
                step(x, y)
                times.append(1e3 * (time.thread_time() - begin))
            calls.append(times)
        columns = zip(*calls[WARM:], strict=True)
        print(f"{make.__name__:16}", "   ".join(f"{statistics.median(c):.3f} ({min(c):.3f})" for c in columns))


if __name__ == "__main__":
    main()

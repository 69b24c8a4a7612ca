"""Every gradient of random functional networks equals TensorFlow's within the sum of both libraries' derived bounds.

As Python and as a program, bit for bit.

Network k is the same on every machine: `pytest "tests/parity/test_random_networks.py::test_network[17]"` repeats one.
DENSEGRAD_NETWORKS says how many; the default is 200, the nox session `networks` runs 2,000.
"""

from __future__ import annotations

import os

import bounds as rb
import densegrad as dg
import networks
import numpy as np
import pytest
from bounds import Machine
from replaying import run_twice
from within import assert_within

COUNT = int(os.environ.get("DENSEGRAD_NETWORKS", "200"))


def analysed(seed):
    """A draw without a kink within reach of rounding, and its bounds for densegrad and TensorFlow."""
    for attempt in range(20):
        network = networks.draw(seed, attempt)
        machines = [Machine(network.dtype, ulps) for ulps in (rb.DG_ULPS, rb.TF_ULPS)]
        found = [networks.bounded(network, machine) for machine in machines]
        if not any(machine.kinks for machine in machines):
            return network, *found
    raise AssertionError(f"no draw of network {seed} is away from kinks")


@pytest.mark.parametrize("number", range(COUNT))
def test_network(number, figures):
    import keras
    import tensorflow as tf

    network, ours, theirs = analysed(number)
    found = networks.gradients(network, dg, dg.GradientTape, run_twice)
    expected = networks.gradients(network, keras, tf.GradientTape, lambda f, arrays: f(*map(tf.constant, arrays)))
    assert found.keys() == expected.keys() == ours.keys()
    for name, gradient in expected.items():
        assert (found[name] is None) == (gradient is None), name
        if gradient is None:
            assert not ours[name].value.any(), name
            continue
        assert found[name].dtype == gradient.dtype == network.dtype, name
        allowed = ours[name].error + theirs[name].error
        ratio = assert_within(found[name], gradient, allowed, f"network {number}, {name}")
        figures.setdefault("random networks, share of the bound", []).append(ratio)


def test_the_networks_vary():
    """Shared layers, merges, several inputs and outputs, both dtypes, every loss and reduction occur."""
    drawn = [networks.draw(k) for k in range(200)]
    assert {n.dtype for n in drawn} == {"float32", "float64"}
    assert {len(n.inputs) for n in drawn} == {1, 2} and {len(n.heads) for n in drawn} == {1, 2, 3}
    assert {h.loss for n in drawn for h in n.heads} == {loss for loss, *_ in networks.LOSSES}
    assert {h.reduction for n in drawn for h in n.heads} == set(networks.REDUCTIONS)
    kinds = [s.kind for n in drawn for s in n.steps]
    assert set(kinds) == {"input", "dense", "activation", *networks.MERGES}
    assert {s.activation for n in drawn for s in n.steps} == set(networks.ACTIVATIONS)
    shared = [len([s for s in n.steps if s.kind == "dense"]) - len(n.kernels) for n in drawn]
    assert sum(count > 0 for count in shared) > 20
    assert len({n.kernels[0].tobytes() for n in drawn}) == 200


def test_a_planted_error_is_seen():
    """A relative error of 1e-5 (float32) or 1e-13 (float64) in one gradient exceeds the bound somewhere."""
    seen = 0
    for seed in range(10):
        network, ours, theirs = analysed(seed)
        wrong = 1e-5 if network.dtype == "float32" else 1e-13
        kernel = max((k for k in ours if k.startswith("kernel")), key=lambda k: np.abs(ours[k].value).max())
        seen += bool(np.any(np.abs(ours[kernel].value) * wrong > ours[kernel].error + theirs[kernel].error))
    assert seen >= 3

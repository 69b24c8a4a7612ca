"""The Jacobian of every sample of a 64-128-10 net at batch 256: densegrad, its own matrix products alone, TensorFlow.

    python bench/jacobian.py [--rounds N] [--quick] [--json FILE]

One step: `batch_jacobian` of the outputs by the inputs, from a tape that has recorded the forward pass. "its products"
are the two matrix products that this takes, of the same sizes. "tf.function" is TensorFlow compiled, with the forward
pass.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from contextlib import ExitStack
from pathlib import Path

import harness
import numpy as np

SIZES, BATCH = (64, 128, 10), 256
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
ONE = {"DENSEGRAD_BENCH_THREADS": "1"}
# label: (program, module, environment, what it runs)
CONTENDERS = {
    "densegrad": ("densegrad_jacobian.py", "densegrad", {}, "jacobian"),
    "its products": ("densegrad_jacobian.py", "densegrad", {}, "products"),
    "tensorflow": ("tensorflow_jacobian.py", "tensorflow", QUIET, "jacobian"),
    "tensorflow, 1 thread": ("tensorflow_jacobian.py", "tensorflow", QUIET | ONE, "jacobian"),
    "tf.function": ("tensorflow_jacobian.py", "tensorflow", QUIET, "compiled"),
    "tf.function, 1 thread": ("tensorflow_jacobian.py", "tensorflow", QUIET | ONE, "compiled"),
}


def draw(dtype: str) -> dict[str, np.ndarray]:
    """Input and weights, scaled so that about half of the relus are open."""
    rng = np.random.default_rng(0)
    i, h, o = SIZES
    data = {
        "x": rng.standard_normal((BATCH, i)),
        "W0": rng.normal(0, i**-0.5, (i, h)),
        "W1": rng.normal(0, 0.1, (h, o)),
    }
    return {name: value.astype(dtype) for name, value in data.items()}


def reference(data: dict[str, np.ndarray], dtype: str) -> tuple[dict, dict]:
    """The Jacobian in float64, and gamma(width) |W0| |W1|: what one inner product of the hidden width may be off by.

    A relu argument within its own rounding error of 0 may open or close: there the whole term is allowed.
    """
    x, w0, w1 = (data[n].astype(np.float64) for n in ("x", "W0", "W1"))
    unit = np.finfo(dtype).eps
    z = x @ w0
    near = np.abs(z) <= SIZES[0] * unit * (np.abs(x) @ np.abs(w0))
    value = np.einsum("bh,ho,ih->boi", z > 0, w1, w0)
    magnitude = np.einsum("ho,ih->oi", np.abs(w1), np.abs(w0))
    allowed = SIZES[1] * unit * magnitude + np.einsum("bh,ho,ih->boi", near, np.abs(w1), np.abs(w0))
    return {"jacobian": value}, {"jacobian": allowed}


def measure(rounds: int, seconds: float) -> tuple[list[dict], dict[str, str], list[str]]:
    """The results, what the peers are, and what is missing."""
    results, missing = [], []
    with ExitStack() as stack:
        peers = {}
        for label, (program, module, environment, _) in CONTENDERS.items():
            if importlib.util.find_spec(module) is None:
                missing.append(label)
                continue
            peers[label] = harness.Peer(label, program, environment)
            stack.callback(peers[label].close)
        for dtype in ("float32", "float64"):
            data = draw(dtype)
            value, allowed = reference(data, dtype)
            shares = {}
            for label, peer in peers.items():
                answer = peer.prepare({"what": CONTENDERS[label][3]}, data)
                answer.pop("loss")
                shares[label] = harness.largest_share(answer, value, allowed, label) if answer else None
            times = harness.interleaved(list(peers.values()), rounds, seconds)
            for label, mine in times.items():
                results.append(
                    {
                        "dtype": dtype,
                        "peer": label,
                        "median_us": 1e6 * float(np.median(mine)),
                        "min_us": 1e6 * min(mine),
                        "ratio": harness.ratio(mine, times["densegrad"]).__dict__,
                        "error_share_of_bound": shares[label],
                        "seconds_per_step": mine,
                    }
                )
        versions = {label: peer.info["version"] for label, peer in peers.items()}
    return results, versions, missing


def render(results: list[dict]) -> str:
    header = ["dtype", "peer", "median us", "min us", "time / densegrad's [95 %]", "error / bound"]
    rows = []
    for r in results:
        ratio = harness.Ratio(**r["ratio"])
        share = "-" if r["error_share_of_bound"] is None else f"{r['error_share_of_bound']:.2f}"
        interval = f"{ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]"
        rows.append([r["dtype"], r["peer"], f"{r['median_us']:.0f}", f"{r['min_us']:.0f}", interval, share])
    return harness.table(header, rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="interleaved rounds")
    parser.add_argument("--quick", action="store_true", help="5 short rounds: to see that it runs, not to conclude")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples")
    options = parser.parse_args()
    rounds, seconds = (5, 0.05) if options.quick else (options.rounds, 0.2)
    machine = harness.machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    results, versions, missing = measure(rounds, seconds)
    for label, version in versions.items():
        print(f"{label}: {version}")
    for label in missing:
        print(f"{label}: not installed, not measured")
    print(f"{rounds} rounds of {seconds} s per peer; answers checked before timing\n")
    print(render(results))
    if options.json:
        document = {"machine": machine, "versions": versions, "missing": missing, "rounds": rounds, "results": results}
        options.json.write_text(json.dumps(document, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measures and prints the table of `python -m bench`."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import harness
import limits
import nets
import numpy as np
from harness import Peer, PeerError

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
WHATS = ("forward", "gradient", "step", "epoch")
CALLED = ("forward", "gradient", "step")  # from Python; an epoch runs inside the engine
OURS = "densegrad"


@dataclass(frozen=True)
class Contender:
    """A setting of a library: the program of peers/ that runs it, and what it offers."""

    program: str
    module: str
    distribution: str
    how: str
    whats: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


_TENSORFLOW = ("tensorflow_training.py", "tensorflow", "tensorflow-cpu")
CONTENDERS = {
    OURS: Contender("densegrad_training.py", "densegrad", "densegrad", "compiled", (*WHATS, "fit")),
    "densegrad eager": Contender("densegrad_training.py", "densegrad", "densegrad", "eager", CALLED),
    "tensorflow eager": Contender(*_TENSORFLOW, "eager", CALLED, QUIET),
    "tf.function": Contender(*_TENSORFLOW, "compiled", WHATS, QUIET),
    "tf.function XLA": Contender(*_TENSORFLOW, "xla", WHATS, QUIET),
    "keras fit": Contender(*_TENSORFLOW, "keras", ("epoch", "fit"), QUIET),
    "pytorch eager": Contender("torch_training.py", "torch", "torch", "eager", CALLED),
    "torch.compile": Contender("torch_training.py", "torch", "torch", "compiled", CALLED),
    "jax": Contender("jax_training.py", "jax", "jax", "compiled", WHATS, {"JAX_PLATFORMS": "cpu"}),
    "scikit-learn": Contender(
        "sklearn_training.py", "sklearn", "scikit-learn", "", ("forward", "step", "epoch", "fit")
    ),
}


@dataclass
class Run:
    """All that a run found out; what `--json` stores."""

    machine: dict[str, object]
    threads: int
    rounds: int
    seconds: float
    versions: dict[str, str] = field(default_factory=dict)
    libraries: dict[str, dict[str, float]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)  # label: why
    failures: list[str] = field(default_factory=list)
    limits: list[dict[str, float]] = field(default_factory=list)  # at the start and at the end
    results: list[dict] = field(default_factory=list)


def measure(
    run: Run,
    chosen: Sequence[nets.Net],
    labels: Sequence[str],
    dtypes: tuple[str, ...],
    whats: Sequence[str],
    say: Callable[[str], None] = lambda line: None,
) -> Run:
    """Start the peers, check and time every case, and fill `run`."""
    threads = {name: str(run.threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    threads["DENSEGRAD_BENCH_THREADS"] = str(run.threads)
    with ExitStack() as stack:

        def start(label: str, program: str, environment: dict[str, str]) -> Peer:
            peer = Peer(label, program, environment | threads, run.threads)
            stack.callback(peer.close)
            return peer

        products = start("products", "products.py", {})
        run.limits.append(limits.machine_limits(products, dtypes, run.threads, 5))
        peers = {}
        for label in labels:
            contender = CONTENDERS[label]
            if importlib.util.find_spec(contender.module) is None:
                run.missing[label] = f"{contender.module} is not installed"
                continue
            say(f"starting {label}")
            try:
                peers[label] = start(label, contender.program, contender.environment)
            except PeerError as error:
                run.missing[label] = str(error)
                continue
            run.versions[label] = peers[label].info["version"]
            if contender.module not in run.libraries:
                run.libraries[contender.module] = {
                    "import_seconds": limits.import_seconds(
                        contender.module, contender.environment, -(-run.rounds // 5)
                    ),
                    "installed_bytes": limits.installed_bytes(contender.distribution, contender.module),
                }
        for net in chosen:
            for dtype in dtypes:
                try:
                    data = nets.draw(net, dtype)
                except ImportError as error:
                    run.missing[net.name] = str(error)
                    break
                for what in whats:
                    say(f"{net.name}, {dtype}, {what}")
                    able = {n: p for n, p in peers.items() if what in CONTENDERS[n].whats and _can(n, net, what)}
                    _case(run, net, dtype, what, data, able, products)
                if net.digits:
                    say(f"{net.name}, {dtype}, fit")
                    _fit(run, net, dtype, data, {n: p for n, p in peers.items() if "fit" in CONTENDERS[n].whats})
        run.limits.append(limits.machine_limits(products, dtypes, run.threads, 5))
    return run


def _can(label: str, net: nets.Net, what: str) -> bool:
    """Whether a peer runs epochs of such rows: some know batches of one length only."""
    return what != "epoch" or net.rows % net.batch == 0 or "fit" in CONTENDERS[label].whats


def _case(run: Run, net: nets.Net, dtype: str, what: str, data: dict, peers: dict[str, Peer], products: Peer) -> None:
    value, allowed = nets.reference(net, data, dtype, what)
    request = nets.request(net, dtype, what)
    ready, shares = [], {}
    for label, peer in peers.items():
        who = f"{label}, {net.name}, {dtype}, {what}"
        try:
            answer = peer.prepare({**request, "how": CONTENDERS[label].how}, data)
            shares[label] = check(net, what, answer, value, allowed, who)
        except PeerError as error:
            run.failures.append(f"{who}: {error}")
        except AssertionError as error:
            run.failures.append(str(error))
        else:
            ready.append(peer)
    steps = net.batches if what == "epoch" else 1
    case = {"sizes": net.sizes, "batch": net.batch, "dtype": dtype, "what": what, "calls": 5}
    least = float(products.prepare(case, {})["loss"].min())
    times = harness.interleaved(ready, run.rounds, run.seconds) if ready else {}
    least = min(least, float(products.prepare(case, {})["loss"].min()))
    _store(run, net, dtype, what, ready, times, steps, shares, least)


def _fit(run: Run, net: nets.Net, dtype: str, data: dict, peers: dict[str, Peer]) -> None:
    """50 epochs with a progress bar; its curve was compared by the epoch, in the order of the rows."""
    request = {**nets.request(net, dtype, "fit"), "fit": {"epochs": 50, "verbose": 1, "shuffle": True}}
    ready = []
    for label, peer in peers.items():
        if any(failure.startswith(f"{label}, {net.name}") for failure in run.failures):
            continue
        try:
            peer.prepare({**request, "how": CONTENDERS[label].how}, data)
            ready.append(peer)
        except PeerError as error:
            run.failures.append(f"{label}, {net.name}, {dtype}, fit: {error}")
    times = harness.interleaved(ready, run.rounds, run.seconds) if ready else {}
    _store(run, net, dtype, "fit", ready, times, 1, {}, None)


def check(net: nets.Net, what: str, answer: dict, value: dict, allowed: dict, who: str) -> float:
    """The largest difference as a share of what is allowed; an AssertionError beyond it."""
    if what == "forward" and net.loss == "crossentropy":  # logits are defined up to a number per row
        answer, value = ({"loss": v["loss"] - v["loss"].mean(axis=1, keepdims=True)} for v in (answer, value))
    return harness.largest_share(answer, value, allowed, who)


def _store(run, net, dtype, what, ready, times, steps, shares, least) -> None:
    ours = times.get(OURS)
    for peer in ready:
        samples = [t / steps for t in times[peer.label]]
        median = float(np.median(samples))
        compared = None if ours is None or peer.label == OURS else harness.ratio(samples, [t / steps for t in ours])
        work = limits.flops(net.sizes, net.batch, what) if what != "fit" else None
        run.results.append(
            {
                "net": net.name,
                "parameters": net.parameters,
                "dtype": dtype,
                "what": what,
                "peer": peer.label,
                "median_us": 1e6 * median,
                "min_us": 1e6 * min(samples),
                "ratio": None if compared is None else compared.__dict__,
                "products_us": None if least is None else 1e6 * least,
                "flops": work,
                "share_of_peak": None if work is None else work / median / run.limits[0][dtype],
                "first_call_ms": 1e3 * peer.first_call,
                "memory": peer.memory(),
                "share_of_allowed": shares.get(peer.label),
                "seconds": samples,
            }
        )

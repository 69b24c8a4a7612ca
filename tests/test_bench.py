"""The side-by-side benchmark: its answers agree, it runs, and it says what is missing. Nothing is timed."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import densegrad as dg
import numpy as np
import pytest

BENCH = Path(__file__).parent.parent / "bench"
sys.path.insert(0, str(BENCH))
import harness  # noqa: E402
import limits  # noqa: E402
import nets  # noqa: E402
import picture  # noqa: E402
import report  # noqa: E402
import side_by_side  # noqa: E402

TINY = nets.Net((3, 5, 4, 3), 4, "crossentropy", rows=16, curve=6)
TINY_MSE = nets.Net((3, 5, 1), 1, "mse", rows=6, curve=8)
RAGGED = nets.Net((3, 5, 2), 4, "crossentropy", rows=10, curve=6)  # the last batch is shorter


def measured(chosen, labels, dtypes=("float32",), whats=side_by_side.WHATS, monkeypatch=None):
    if monkeypatch is not None:  # a large product and large arrays take long; their size is not what is tested
        monkeypatch.setattr(limits, "PEAK_SIZE", 64)
        monkeypatch.setattr(limits, "import_seconds", lambda *import_: 0.0)
    run = side_by_side.Run(harness.machine(), threads=1, rounds=2, seconds=1e-3)
    return side_by_side.measure(run, chosen, labels, dtypes, whats)


def test_a_run_with_densegrad_alone(monkeypatch, tmp_path):
    """Every kind of row, in both dtypes: compared with the reference, timed, printed, stored."""
    run = measured(
        [TINY, TINY_MSE, RAGGED], ["densegrad", "densegrad eager"], tuple(nets.EPSILON), monkeypatch=monkeypatch
    )
    assert not run.failures and not run.missing
    found = {(r["net"], r["dtype"], r["what"], r["peer"]) for r in run.results}
    for net in (TINY, TINY_MSE, RAGGED):
        for dtype in nets.EPSILON:
            assert {(net.name, dtype, what, "densegrad") for what in side_by_side.WHATS} <= found
            assert {(net.name, dtype, what, "densegrad eager") for what in side_by_side.CALLED} <= found
    for r in run.results:
        assert len(r["seconds"]) == 2 and min(r["seconds"]) > 0 and 0 <= r["share_of_allowed"] <= 1
        assert r["first_call_ms"] > 0 and r["products_us"] > 0
    text = report.render(run)
    assert all(net.name in text for net in (TINY, TINY_MSE, RAGGED)) and "no other library" in text
    json.dumps(run.__dict__)
    assert "picture" in picture.draw(run, tmp_path / "bench.svg")


@pytest.mark.parametrize("label", ["scikit-learn", "tf.function XLA", "keras fit"])
def test_the_curves_of_another_library_agree(label, monkeypatch):
    """Of those that the tests need anyway: within what rounding explains, in both dtypes."""
    pytest.importorskip(side_by_side.CONTENDERS[label].module)
    run = measured([TINY, TINY_MSE], ["densegrad", label], tuple(nets.EPSILON), monkeypatch=monkeypatch)
    assert not run.failures and not run.missing
    offered = side_by_side.CONTENDERS[label].whats
    theirs = [(r["net"], r["dtype"], r["what"]) for r in run.results if r["peer"] == label]
    whats = [what for what in side_by_side.WHATS if what in offered]
    assert theirs == [(n.name, dtype, what) for n in (TINY, TINY_MSE) for dtype in nets.EPSILON for what in whats]
    assert all(r["ratio"]["value"] > 0 for r in run.results if r["peer"] == label)
    assert "AHEAD" in (text := report.render(run)) or "BEHIND" in text or "tie" in text


def test_a_missing_peer_is_named(monkeypatch):
    missing = side_by_side.Contender("absent_training.py", "no_such_library", "no-such-library", "", ("step",))
    dies = side_by_side.Contender("absent_training.py", "numpy", "numpy", "", ("step",))
    monkeypatch.setitem(side_by_side.CONTENDERS, "absent", missing)
    monkeypatch.setitem(side_by_side.CONTENDERS, "dies", dies)
    run = measured([TINY], ["densegrad", "absent", "dies"], whats=["step"], monkeypatch=monkeypatch)
    text = report.render(run)
    assert "absent: not measured, no_such_library is not installed" in text
    assert "dies: not measured, dies died: " in text
    assert [r["peer"] for r in run.results] == ["densegrad"]


def test_a_wrong_curve_is_named_and_not_timed(monkeypatch):
    """A step size that is off by 0.1 % is far outside of what rounding explains."""
    monkeypatch.setattr(nets, "request", lambda *case, f=nets.request: f(*case) | {"rate": 1.001 * nets.RATE})
    run = measured([TINY], ["densegrad"], ("float64",), ["forward", "step"], monkeypatch)
    assert [r["what"] for r in run.results] == ["forward"]
    (failure,) = run.failures
    assert failure.startswith("densegrad, 3-5-4-3, float64, step: loss is off by")
    assert failure in report.render(run)


@pytest.mark.parametrize("net", [*nets.NETS[:3], RAGGED], ids=lambda net: net.name)
@pytest.mark.parametrize("dtype", nets.EPSILON)
def test_what_is_allowed_is_rounding(net, dtype):
    """The reference leaves no room for another algorithm: its float64 curves are known to 11 digits."""
    data = nets.draw(net, dtype)
    value, allowed = nets.reference(net, data, dtype, "step")
    assert value["loss"].shape == (net.curve,)
    limit = 1e-11 if dtype == "float64" else 1e-2
    assert 0 < allowed["loss"] < limit * np.abs(value["loss"]).max()


def test_the_reference_learns_as_densegrad_does():
    """The reference's gradient is the derivative of its loss, by densegrad's own check in float64."""
    data = nets.draw(TINY, "float64")
    value, allowed = nets.reference(TINY, data, "float64", "gradient")
    weights = {name: dg.Variable(data[name]) for name in value if name != "loss"}
    rows = slice(0, TINY.batch)
    with dg.GradientTape() as tape:
        h = dg.constant(data["x"][rows])
        for i in range(3):
            h = dg.ops.dense(h, weights[f"W{i}"], weights[f"b{i}"], "relu" if i < 2 else None)
        loss = dg.ops.categorical_crossentropy(data["y"][rows], h, from_logits=True, reduction="sum_over_batch_size")
    for name, gradient in tape.gradient(loss, weights).items():
        assert np.abs(gradient.numpy() - value[name]).max() <= allowed[name]


def test_flops_are_those_of_the_products():
    sys.path.insert(0, str(BENCH / "peers"))
    from products import products

    for net in nets.NETS:
        for what in ("forward", "step"):
            counted = sum(2 * m * k * n for m, k, n in products(net.sizes, net.batch, what))
            assert counted == limits.flops(net.sizes, net.batch, what)


def test_an_installed_size_counts_what_is_required():
    own = sum(Path(f.locate()).stat().st_size for f in metadata.files("numpy") if Path(f.locate()).is_file())
    assert limits.installed_bytes("numpy", "numpy") == own
    assert limits.installed_bytes("densegrad", "densegrad") > own


def test_the_command_explains_itself():
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--help"], cwd=BENCH.parent, capture_output=True, text=True, check=True
    )
    assert all(name in done.stdout for name in ("4-32-32-3", "torch.compile", "--threads"))


def test_an_import_runs_in_a_fresh_interpreter():
    assert limits.import_seconds("json", {}, 2) > 0


def test_first_runs():
    done = subprocess.run(
        [sys.executable, BENCH / "first_run.py", "--functions", "1"], capture_output=True, text=True, check=True
    )
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == [
        "gradient_step",
        "adam_step",
        "train_on_batch",
    ]

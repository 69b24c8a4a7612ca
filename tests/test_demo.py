"""`densegrad demo`: accuracy, the table of gradients and its check, messages; the command line."""

from __future__ import annotations

import builtins

import densegrad as dg
import numpy as np
import pytest
from bounds import DG_ULPS, TF_ULPS, Machine
from cases import Case
from densegrad import cli
from problems import Problem, analyse
from within import assert_within

sklearn = pytest.importorskip("sklearn")
from densegrad import demo  # noqa: E402


def test_split_is_stratified_and_disjoint():
    x_train, y_train, x_test, y_test = demo.load_digits()
    assert (x_train.shape, x_test.shape) == ((1437, 64), (360, 64))
    assert x_train.dtype == np.float32 and x_train.min() == 0 and x_train.max() == 1
    share = np.bincount(y_test) / len(y_test) - np.bincount(y_train) / len(y_train)
    assert np.abs(share).max() < 0.003
    again = demo.load_digits()
    np.testing.assert_array_equal(x_test, again[2])
    assert sorted(map(tuple, np.concatenate([x_train, x_test]))) == sorted(
        map(tuple, (sklearn.datasets.load_digits().data / 16).astype(np.float32))
    )


def test_accuracy_and_table(capsys):
    assert cli.main(["demo", "--no-tensorflow", "--quiet"]) == 0
    out = capsys.readouterr().out
    accuracy = float(out.split("Test accuracy: ")[1].split()[0])
    assert accuracy >= 0.96
    lines = out[out.index("layer ") :].splitlines()
    assert [line.split()[:2] for line in lines[2:12]] == [
        [layer, g] for layer in ("hidden", "output") for g in ("dL/da", "dL/dz", "dL/dW", "dL/db", "dL/dx")
    ]
    assert "max |diff TF|" not in out and "\x1b" not in out


def as_problem(model, x, y):
    """The demo's network for the error analysis of the parity suite."""
    weights = model.get_weights()
    case = Case("softmax", ("scce", False), "sum_over_batch_size", "float32", "relu", layers=2, batch=len(x), units=10)
    return Problem(case, x, y, weights[0::2], weights[1::2], None, activations=["relu", "softmax"])


def test_every_gradient_equals_tensorflow(seed):
    pytest.importorskip("tensorflow")
    x, y = (a[:32] for a in demo.load_digits()[2:])
    for attempt in range(20):
        dg.random.set_random_seed(100 * seed + attempt)
        model = demo.make_model()
        machines = [Machine("float32", ulps) for ulps in (DG_ULPS, TF_ULPS)]
        bounds = [analyse(as_problem(model, x, y), machine) for machine in machines]
        if not any(machine.kinks for machine in machines):
            break
    loss, ours = demo.gradients(model, x, y)
    reference, theirs = demo.tensorflow_gradients(model, x, y)
    assert list(ours) == list(theirs) and len(ours) == 10
    names = {"hidden": ["a1", "z1", "kernel1", "bias1", "x"], "output": ["a2", "z2", "kernel2", "bias2", "a1"]}
    allowed = {name: sum(b.bound[name] for b in bounds) for name in bounds[0].bound}
    assert_within(loss, reference, allowed["loss"], "loss")
    for key, name in zip(ours, [*names["hidden"], *names["output"]], strict=True):
        g = ours[key]
        assert g.shape == theirs[key].shape and np.abs(g).max() > 0
        assert_within(g, theirs[key], allowed[name], key)
    np.testing.assert_array_equal(ours["output", "dL/dx"], ours["hidden", "dL/da"])
    text = demo.table(ours, theirs)
    header, rule, *rows = text.splitlines()
    assert header.endswith("max |diff TF|") and len({len(line) for line in (header, rule, *rows)}) == 1


def without(monkeypatch, *names):
    real = builtins.__import__

    def blocked(name, *args, **kwargs):
        if name.partition(".")[0] in names:
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", blocked)


def test_without_scikit_learn(monkeypatch, capsys):
    without(monkeypatch, "sklearn")
    assert cli.main(["demo"]) == 1
    assert capsys.readouterr().err == "[demo] scikit-learn is not installed: run pip install 'densegrad[demo]'.\n"


def test_without_tensorflow(monkeypatch, capsys):
    without(monkeypatch, "tensorflow")
    assert cli.main(["demo", "--epochs", "1", "--quiet"]) == 0
    assert "TensorFlow is not installed" in capsys.readouterr().out


def test_command_line(capsys):
    assert cli.main([]) == 2
    assert "demo" in capsys.readouterr().out
    with pytest.raises(SystemExit) as info:
        cli.main(["--version"])
    assert info.value.code == 0 and capsys.readouterr().out.startswith("densegrad ")


@pytest.mark.parametrize("epochs", ["-1", "1.5", "many"])
def test_number_of_epochs(epochs, capsys):
    with pytest.raises(SystemExit) as info:
        cli.main(["demo", f"--epochs={epochs}"])
    assert info.value.code == 2
    message = f"{epochs!r} is no number of epochs: it must be a non-negative integer."
    assert message in " ".join(capsys.readouterr().err.split())

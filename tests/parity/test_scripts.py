"""The scripts of tests/scripts, written as people publish them for TensorFlow, run with their import lines changed.

Every number that a script leaves behind in its global names (tensors, arrays, floats, lists and dicts of them) is
compared with what it is after the run with TensorFlow, and so are the numbers that it prints. The scripts are chains of
a few hundred roundings of numbers around 1, so a result is granted 1000 units of roundoff of the largest number in its
array; printed numbers, which are rounded again, the last digit that is printed.
"""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from pathlib import Path

import densegrad as dg
import numpy as np
import pytest
from within import assert_within

SCRIPTS = sorted((Path(__file__).parent.parent / "scripts").glob("*.py"))
# What is deliberately not TensorFlow's answer, None, and its formula in the names of the script.
DIFFERENT = {
    ("softmax_head", "dloss_dpred"): lambda s: (1 - s["y"] / np.asarray(s["pred"])) / len(s["y"]),
}


def translated(source):
    """The script with `tensorflow` in its import lines replaced."""
    return re.sub(r"^(import|from) tensorflow\b", r"\1 densegrad.tf", source, flags=re.MULTILINE)


def run(path, source):
    """The global names of a script after its run, and what it printed."""
    names, out = {"__name__": path.stem}, io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Do not pass an `input_shape`", UserWarning)  # of Keras
        exec(compile(source, str(path), "exec"), names)
    return names, out.getvalue()


def numbers(value):
    """The arrays in a value, in order; what is not made of numbers has none. None stays None."""
    if value is None:
        return [None]
    if isinstance(value, dict):
        return [n for key in value for n in numbers(value[key])] if all(isinstance(k, str) for k in value) else []
    if isinstance(value, (list, tuple)):
        return [n for item in value for n in numbers(item)]
    if isinstance(value, (bool, int, float, np.ndarray, np.generic)):
        return [np.asarray(value)]
    if type(value).__name__ in ("EagerTensor", "Tensor", "ResourceVariable", "Variable"):
        return [np.asarray(value)]
    return []


def assert_equal_numbers(ours, theirs, where):
    assert len(ours) == len(theirs), f"{where}: {len(ours)} arrays instead of {len(theirs)}"
    for a, b in zip(ours, theirs):
        assert (a is None) == (b is None), f"{where}: {a} instead of {b}"
        if a is None:
            continue
        assert a.shape == b.shape, f"{where}: shape {a.shape} instead of {b.shape}"
        if b.dtype.kind in "fiub":
            unit = 2.0**-53 if b.dtype == np.float64 and a.dtype == np.float64 and b.ndim else 2.0**-24
            assert_within(a, b, 1000 * unit * max(1.0, np.abs(b.astype(float)).max(initial=0)), where)


SHOWN = re.compile(r"(?:dg|tf)\.Tensor\((.*?), shape=\([^)]*\), dtype=\w+\)", re.DOTALL)
REPR = re.compile(r"<(?:dg|tf)\.(?:Tensor|Variable)[^>]*?numpy=")
NUMBER = re.compile(r"(?<![\w.])-?\d+\.?\d*(?:e[+-]?\d+)?(?![\w])")


def assert_equal_prints(ours, theirs, where):
    """The same text but for the name of the tensor class, and numbers equal to the last printed digit."""
    ours, theirs = (SHOWN.sub(r"\1", REPR.sub("", text)) for text in (ours, theirs))
    a, b = NUMBER.findall(ours), NUMBER.findall(theirs)
    assert len(a) == len(b), f"{where} prints\n{ours}\ninstead of\n{theirs}"
    for x, y in zip(a, b):
        digits = max(len(n.partition(".")[2].partition("e")[0]) for n in (x, y))
        scale = max(abs(float(x)), abs(float(y)))
        assert abs(float(x) - float(y)) <= 1.5 * 10.0**-digits * max(1, scale) + 1000 * 2.0**-24 * max(1, scale), (
            where,
            x,
            y,
        )


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.stem)
def test_script_gives_the_numbers_of_tensorflow(path, tensorflow):
    import keras

    source = path.read_text()
    keras.utils.clear_session()  # forgets the dtype of an earlier script
    assert translated(source) != source
    try:
        theirs, their_text = run(path, source)
        ours, our_text = run(path, translated(source))
    finally:
        for config in (keras.config, dg.config):
            config.set_floatx("float32")
    compared = 0
    for name, value in theirs.items():
        expected = numbers(value)
        if name.startswith("__") or not expected:
            continue
        found = numbers(ours[name])
        if (path.stem, name) in DIFFERENT:
            assert expected == [None]
            expected = [DIFFERENT[path.stem, name](ours)]
        assert_equal_numbers(found, expected, f"{path.stem}: {name}")
        compared += len(expected)
    assert compared > 2
    assert_equal_prints(our_text, their_text, path.stem)


def test_there_are_at_least_twenty_scripts():
    assert len(SCRIPTS) >= 20

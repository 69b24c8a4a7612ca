"""`fit`, `evaluate` and `predict` of iterables of batches: which batches reach a step, in which order, and when."""

from __future__ import annotations

import warnings

import densegrad as dg
import numpy as np
import pytest
from densegrad.epochs import Epochs, Rows
from densegrad.streams import PyDataset, Stream, is_stream
from densegrad.tf._data import Dataset
from training_cases import features, labels, make

X, Y = features(20), labels("sparse", 20)


class Note(dg.Model):
    """A model that notes what its steps get."""

    def __init__(self):
        super().__init__()
        self.d, self.seen = dg.layers.Dense(1), []

    def call(self, x):
        return self.d(x)

    def train_step(self, data):
        self.seen.append(data)
        return {"loss": len(self.seen)}

    test_step = predict_step = train_step


def noting(**options):
    model = Note()
    model.compile(run_eagerly=True)
    model.fit(verbose=0, **options)
    return [np.asarray(data[0] if isinstance(data, tuple) else data)[:, 0].tolist() for data in model.seen]


def columns(n):
    """Batches of one row each that tell their number."""
    return [(np.array([[float(i)]], np.float32), np.zeros((1, 1), np.float32)) for i in range(n)]


class Again:
    """An iterable of unknown length that starts anew."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(columns(self.n))


class Items(PyDataset):
    """A sequence of batches that notes its epochs."""

    def __init__(self, n):
        super().__init__()
        self.n, self.calls = n, []

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        return columns(self.n)[index]

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


class Indexed:
    """A sequence by its methods alone."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        assert index < 3
        return columns(3)[index]


def flat(seen):
    return [int(row) for rows in seen for row in rows]


@pytest.mark.parametrize(
    "make_x",
    [
        lambda: Again(3),
        lambda: Items(3),
        Indexed,
        lambda: Dataset.from_tensor_slices((np.arange(3.0)[:, None], np.zeros((3, 1)))).batch(1),
        lambda: Dataset.from_generator(lambda: iter(columns(3))),
    ],
    ids=["iterable", "PyDataset", "sequence", "Dataset", "from_generator"],
)
def test_what_starts_anew_is_visited_whole_in_each_epoch(make_x):
    assert flat(noting(x=make_x(), epochs=2, shuffle=False)) == [0, 1, 2, 0, 1, 2]


def test_a_generator_goes_on():
    assert flat(noting(x=iter(columns(6)), epochs=2, steps_per_epoch=3)) == [0, 1, 2, 3, 4, 5]
    assert flat(noting(x=iter(columns(3)), epochs=1)) == [0, 1, 2]


def test_nothing_is_taken_from_a_generator_that_is_not_used():
    source = iter(columns(9))
    noting(x=source, epochs=2, steps_per_epoch=2)
    assert int(next(source)[0][0, 0]) == 4


def test_steps_go_on_where_the_last_epoch_ended():
    for x in (Again(5), Items(5), Dataset.range(5).map(lambda i: dg.ops.reshape(i, (1, 1)))):
        assert flat(noting(x=x, epochs=2, steps_per_epoch=2, shuffle=False)) == [0, 1, 2, 3]
    # What is used up begins anew; the epoch in which that happens is short.
    with pytest.warns(UserWarning) as found:
        assert flat(noting(x=Again(3), epochs=3, steps_per_epoch=2)) == [0, 1, 2, 0, 1]
    assert [str(w.message) for w in found] == [
        "[fit] `x` ran out of data after 1 of 2 batches: it should hold the steps of all epochs, or be an iterable "
        "that starts anew."
    ]
    assert flat(noting(x=Again(2), epochs=2, steps_per_epoch=2)) == [0, 1, 0, 1]
    infinite = Dataset.range(3).map(lambda i: dg.ops.reshape(i, (1, 1))).repeat()
    assert flat(noting(x=infinite, epochs=2, steps_per_epoch=4)) == [0, 1, 2, 0, 1, 2, 0, 1]


def test_training_ends_where_a_generator_is_used_up():
    model = Note()
    model.compile(run_eagerly=True)
    with pytest.warns(UserWarning) as found:
        history = model.fit(iter(columns(3)), epochs=3, verbose=0)
    assert history.epoch == [0] and len(model.seen) == 3
    assert [str(w.message) for w in found] == [
        "[fit] `x` ran out of data before epoch 2 of 3: it should hold the batches of all epochs, or be an iterable "
        "that starts anew."
    ]


def test_sequences_are_shuffled_and_told_about_epochs():
    x = Items(20)
    seen = noting(x=x, epochs=2)
    assert sorted(flat(seen[:20])) == sorted(flat(seen[20:])) == list(range(20))
    assert flat(seen[:20]) != flat(seen[20:])
    assert x.calls == ["begin", "end"] * 2
    assert [int(batch[0][0, 0]) for batch in Items(3)] == [0, 1, 2]


def test_arrays_in_steps():
    x = np.arange(10.0)[:, None]
    # Without a batch size there are as many batches as steps.
    assert [len(rows) for rows in noting(x=x, steps_per_epoch=4, shuffle=False)] == [3, 3, 3, 1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seen = noting(x=x, batch_size=2, epochs=2, steps_per_epoch=2, shuffle=False)
    assert flat(seen) == list(range(8))


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        (X, "x"),
        ((X,), "x"),
        ([X, Y], "x y"),
        ((X, Y), "x y"),
        ((X, Y, np.ones(20)), "x y w"),
        ({"a": X, "b": X}, "dict"),
        (((X, X), Y), "pair y"),
        (X.tolist(), "x"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_structures_of_batches(item, kind):
    if kind == "x" and isinstance(item, list):
        item = (item,)
    model = Note()
    model.compile(run_eagerly=True)
    model.fit(Dataset.from_generator(lambda: [item]) if kind == "x y w" else iter([item]), verbose=0)
    (data,) = model.seen
    leaves = {"x": [data], "x y": data, "x y w": data, "dict": [data], "pair y": data}[kind]
    assert len(leaves) == {"x": 1, "x y": 2, "x y w": 3, "dict": 1, "pair y": 2}[kind]
    first = leaves[0]["b"] if kind == "dict" else leaves[0][1] if kind == "pair y" else leaves[0]
    assert type(first) is dg.Tensor
    np.testing.assert_array_equal(first, X)


def test_arrays_that_a_step_of_ones_own_gets_are_tensors_of_floatx():
    model = Note()
    model.compile(run_eagerly=True)
    model.fit({"a": X.astype(np.float64), "b": Y}, verbose=0)
    assert {k: str(v.dtype.name) for k, v in model.seen[0].items()} == {"a": "float32", "b": "int64"}


def test_evaluate_and_predict_take_batches():
    model = make(dg)
    data = Dataset.from_tensor_slices((X, Y)).batch(6)
    whole = model.evaluate(X, Y, batch_size=6, verbose=0)
    assert model.evaluate(data, verbose=0) == whole
    assert model.evaluate(data.repeat(), steps=4, verbose=0) == whole
    assert model.evaluate(X, Y, steps=3, verbose=0) == model.evaluate(X, Y, batch_size=7, verbose=0)
    expected = model.predict(X, verbose=0)
    np.testing.assert_array_equal(model.predict(data, verbose=0), expected)
    np.testing.assert_array_equal(model.predict(iter([X[:5], X[5:9]]), verbose=0), expected[:9])
    np.testing.assert_array_equal(model.predict(data, steps=2, verbose=0), expected[:12])
    for use in (model.evaluate, model.predict):
        with pytest.raises(ValueError) as info:
            use(iter([]), verbose=0)
        assert str(info.value) == f"[{use.__name__}] `x` has no batch: it must have at least one."
    with pytest.raises(ValueError) as info:
        model.evaluate(data.repeat())
    assert str(info.value) == "[evaluate] `x` has infinitely many batches: pass `steps`."


def test_validation_of_batches():
    model = make(dg)
    data = Dataset.from_tensor_slices((X, Y)).batch(6)
    one = model.fit(X, Y, 6, 2, 0, shuffle=False, validation_data=data)
    assert model.evaluate(data, verbose=0) == [one.history[f"val_{n}"][1] for n in ("loss", "accuracy")]
    two = make(dg).fit(data, epochs=2, verbose=0, validation_data=(X, Y), validation_batch_size=6)
    assert two.history == one.history
    some = make(dg).fit(data, epochs=2, verbose=0, validation_data=data.repeat(), validation_steps=4)
    assert some.history == one.history
    # A generator goes on from one validation to the next.
    parts = [(X[i : i + 5], Y[i : i + 5]) for i in (0, 5, 10, 15)]
    model = make(dg)
    model.fit(data, epochs=2, verbose=0, validation_data=iter(parts), validation_steps=2)
    assert model.history.history["val_loss"][1] == model.evaluate(X[10:], Y[10:], 5, verbose=0)[0]


def test_class_weight_of_batches():
    weights = {0: 2.0, 1: 0.5}
    data = Dataset.from_tensor_slices((X, Y)).batch(6)
    ours = make(dg).fit(data, verbose=0, class_weight=weights).history
    assert ours == make(dg).fit(X, Y, 6, verbose=0, shuffle=False, class_weight=weights).history
    with pytest.raises(ValueError) as info:
        make(dg).fit(iter([(X, Y, np.ones(20))]), verbose=0, class_weight=weights)
    assert str(info.value) == "[fit] `class_weight` and `sample_weight` are both given: pass only one of them."


def test_frames_and_mapped_files_are_arrays(tmp_path):
    class Frame:
        columns = ("a", "b")

        def __init__(self, values):
            self._values = values

        def __array__(self, dtype=None, copy=None):
            return self._values

    class Series(Frame):
        columns = property()

        def to_frame(self):
            return Frame(self._values[:, None])

    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    expected = make(dg).fit(X, Y, verbose=0, shuffle=False).history
    for x, y in ((mapped, Y), (Frame(X), Series(Y)), (memoryview(X), memoryview(Y))):
        assert not is_stream(x)
        assert make(dg).fit(x, y, verbose=0, shuffle=False).history == expected


def test_progress_of_an_unknown_length(capsys):
    model = make(dg)
    model.fit(Dataset.from_generator(lambda: [(X, Y)] * 3), epochs=2, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("3/3 - ") and lines[3].startswith("3/3 - ")


def test_sources_tell_how_many_batches_they_have():
    from densegrad.data import Data, as_structure

    rows = Rows(Data("fit", X), 6)
    assert rows.size == 4 and Epochs(rows).steps == 4 and Epochs(rows, 9).steps == 9
    stream = Epochs(Stream("fit", Again(3), as_structure))
    assert stream.steps is None and stream.begin() and len(list(stream)) == 3 and stream.steps == 3


def test_infinite_datasets_and_their_parts():
    forever = Dataset.range(3).repeat()
    sizes = [forever, forever.take(5), forever.batch(2), forever.skip(1), forever.filter(lambda i: i > 0)]
    sizes += [Dataset.zip(forever, Dataset.range(4)), Dataset.range(3).repeat(0), forever.batch(2).take(2)]
    assert [int(d.cardinality()) for d in sizes] == [-1, 5, -1, -1, -2, 4, 0, 2]
    assert [int(i) for i in Dataset.range(5).filter(lambda i: i % 2 == 0)] == [0, 2, 4]
    typed = Dataset.from_generator(lambda n: range(n), output_types="float32", args=(2,))
    assert [(float(t), t.dtype.name) for t in typed] == [(0.0, "float32"), (1.0, "float32")]

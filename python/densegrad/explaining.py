"""Why a gradient is None: what a tape's record says about the way from a source to a target."""

from __future__ import annotations

from densegrad import _core


class Explanation:
    """What `GradientTape.explain` found. `str()` is the whole answer.

    Attributes:
        connected: whether the record leads from the source to the target.
        reason: "connected", "custom gradient", "dtype", "not trainable", "not watched", "not recorded", "cut", "left"
            or "no path".
        places: the (file, line) pairs that the text names.
        text: sentences that say what happened and what to do.
    """

    def __init__(self, reason, text, places=()):
        self.connected = reason in ("connected", "custom gradient")
        self.reason = reason
        self.text = text
        self.places = tuple(places)

    def __str__(self):
        return self.text

    def __repr__(self):
        return f"<Explanation {self.reason}: {self.text}>"


def explain(tape, target, source) -> Explanation:
    """The answer for two tensors; see `GradientTape.explain`."""
    for name, t in (("target", target), ("source", source)):
        if t.dtype.kind != "f":
            fix = "; convert the values before they are watched" if name == "source" else ""
            return Explanation("dtype", f"The {name} is {t.dtype}: only float32 and float64 have gradients{fix}.")
    links, cuts = tape._links(), tape._cuts()
    if tape._is_dropped:
        raise RuntimeError(
            "[GradientTape.explain] the tape gave its gradients, none was missing, and dropped its record: create it "
            "with persistent=True to ask for others."
        )
    if target.id == source.id:
        return Explanation("connected", "The target is the source: the gradient is 1.")
    steps = [(inputs, outputs) for _, inputs, outputs in links]
    if not tape._tracks(source):
        return _unfollowed(tape, source, cuts)
    reached = _after(source.id, steps)
    if target.id in reached:
        return _connected(reached, links)
    # Through operations without a derivative too: those that join the two are what is to blame.
    all_steps = steps + [(inputs, outputs) for _, inputs, outputs, *_ in cuts if outputs]
    beyond = _after(source.id, all_steps)
    if target.id in beyond:
        leading = _before(target.id, all_steps)
        joining = [c for c in cuts if reached & set(c[1]) and leading & set(c[2])]
        what = ", ".join(f"`{name}`{_at(file, line)}" for name, _, _, file, line in joining)
        return Explanation(
            "cut",
            f"The way from the source to the target passes {what}, which has no derivative: what comes after counts as "
            "a constant.",
            _places(joining),
        )
    left = [c for c in cuts if not c[2] and beyond & set(c[1])]
    if left:
        what = ", ".join(f"`{name}`{_at(file, line)}" for name, _, _, file, line in left)
        return Explanation(
            "left",
            f"A value that depends on the source left the record by {what}. What was computed from it there counts as "
            "a constant: use dg.ops, or NumPy functions on the tensor itself.",
            _places(left),
        )
    if not tape._tracks(target):
        return Explanation(
            "not recorded",
            "The target was not recorded: it was computed outside of `with tape:` (before it, after it, or in "
            "stop_recording()), or from nothing that the tape follows. Move its computation into the block.",
        )
    if len(reached) == 1:
        return Explanation(
            "no path",
            f"Nothing that was recorded uses the source, {_name(source)}: it was watched after its use, or something "
            "else (a copy, another tensor with the same values) was used instead.",
        )
    return Explanation(
        "no path", f"The target does not depend on the source, {_name(source)}: no recorded operation joins them."
    )


def _unfollowed(tape, source, cuts):
    made_by = [c for c in cuts if source.id in c[2]]
    if made_by:
        name, _, _, file, line = made_by[0]
        return Explanation(
            "cut",
            f"The source is the result of `{name}`{_at(file, line)}, which has no derivative, so the tape does not "
            "follow it: watch it with tape.watch(x) to start there.",
            _places(made_by[:1]),
        )
    if isinstance(source, _core.Variable):
        if not source.trainable:
            why = "it was made with trainable=False"
        elif not tape._watches_variables:
            why = "the tape was made with watch_accessed_variables=False"
        else:
            why = "it was not read while the tape recorded"
            return Explanation("not watched", f"The tape does not follow {_name(source)}: {why}.")
        reason = "not trainable" if not source.trainable else "not watched"
        return Explanation(reason, f"The tape does not follow {_name(source)}: {why}; call tape.watch(v) on it first.")
    return Explanation(
        "not watched",
        f"The tape does not follow the source, {_name(source)}: it was not watched, and not computed from something "
        "watched inside of `with tape:`. Call tape.watch(x) in the block before x is used.",
    )


def _connected(reached, links):
    if any(name == "custom_gradient" and reached & set(inputs) for name, inputs, _ in links):
        return Explanation(
            "custom gradient",
            "The record leads from the source to the target, through a custom gradient: it is None if that function "
            "returned None for this argument.",
        )
    return Explanation("connected", "The record leads from the source to the target: the gradient is not None.")


def _grown(start, steps, step):
    """`start` and all that repeated steps add to it; one round, and one to see it, for steps in order."""
    found, size = {start}, 0
    while len(found) > size:
        size = len(found)
        for inputs, outputs in steps:
            step(found, inputs, outputs)
    return found


def _after(start, steps):
    """What depends on `start`. An output of an operation (a pre-activation) leads to its other outputs."""

    def step(found, inputs, outputs):
        if not (found.isdisjoint(inputs) and found.isdisjoint(outputs)):
            found.update(outputs)

    return _grown(start, steps, step)


def _before(start, steps):
    """What `start` depends on."""

    def step(found, inputs, outputs):
        if not found.isdisjoint(outputs):
            found.update(inputs)

    return _grown(start, steps[::-1], step)


def _name(t):
    if isinstance(t, _core.Variable):
        return f"variable '{t.name}'"
    return f"a tensor of shape {tuple(t.shape)}"


def _at(file, line):
    return f" at {file}:{line}" if file else ""


def _places(cuts):
    return [(file, line) for *_, file, line in cuts if file]

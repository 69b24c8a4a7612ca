"""ForwardAccumulator: forward mode as a context, for code that is not one function."""

from __future__ import annotations

from densegrad import _core, nest
from densegrad.tape import wants_zero
from densegrad.transforms import matching, zeros_like

__all__ = ["ForwardAccumulator"]


class ForwardAccumulator:
    """Follows what is computed from `primals` inside a `with` block, for directional derivatives along `tangents`.

        jvp(target) = sum_i d target / d primals[i] · tangents[i]

    Args:
        primals: a tensor or variable, or nested lists, tuples and dicts of them.
        tangents: directions, in the structure and shapes of `primals`; cast to their dtypes.

    Raises: TypeError for a primal that is no float tensor or variable; ValueError for shapes that differ.

    For a function of its inputs `dg.jvp` is shorter.

    Source: TensorFlow `autodiff.ForwardAccumulator`.
    """

    def __init__(self, primals, tangents):
        self._primals = nest.flatten(primals)
        for p in self._primals:
            if not isinstance(p, (_core.Tensor, _core.Variable)) or p.dtype.kind != "f":
                raise TypeError(
                    f"[ForwardAccumulator] `primals` holds a value of type {type(p).__name__}: it must hold float "
                    "tensors and variables; make one with dg.constant(x)."
                )
        self._tangents = matching("ForwardAccumulator", "tangents", tangents, primals)
        self._tape = _core.Tape(True, False)

    def __enter__(self):
        self._tape._enter()
        self._tape.watch(self._primals)
        return self

    def __exit__(self, *args):
        self._tape._exit()

    def jvp(self, target, unconnected_gradients="none"):
        """The directional derivative of what was computed in the block so far.

        Args:
            target: a tensor, or nested lists, tuples and dicts of tensors.
            unconnected_gradients: "none" or "zero": what a target that depends on no primal gets.

        Returns: tangents in the structure of `target`, each with its target's shape and dtype, or None.

        Raises: TypeError for a target that is no tensor; ValueError for another `unconnected_gradients`.

        Source: TensorFlow `ForwardAccumulator.jvp`.
        """
        zero = wants_zero("ForwardAccumulator.jvp", unconnected_gradients)
        leaves = nest.flatten(target)
        for leaf in leaves:
            if not isinstance(leaf, (_core.Tensor, _core.Variable)):
                raise TypeError(
                    f"[ForwardAccumulator.jvp] `target` holds a value of type {type(leaf).__name__}: it must "
                    "hold tensors."
                )
        found = self._tape._jvp(leaves, self._primals, self._tangents)
        return nest.pack_as(target, [zeros_like(y) if t is None and zero else t for y, t in zip(leaves, found)])

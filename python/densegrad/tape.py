"""GradientTape: records what is computed from watched tensors, and differentiates it."""

import contextlib

from densegrad import _core, nest
from densegrad.errors import InvalidTypeError
from densegrad.explaining import explain


class GradientTape(_core.Tape):
    """Records operations on watched tensors inside a `with` block, for their gradients.

    Trainable variables are watched when they are read; tensors after `watch`.

    Args:
        persistent: False: one set of gradients, then the record is dropped. True: any number of calls.
        watch_accessed_variables: False: only what `watch` names is watched.

    Source: TensorFlow `GradientTape`.
    """

    def gradient(self, target, sources, output_gradients=None, unconnected_gradients="none"):
        """The gradient of the sum of all entries of all targets with respect to each source.

            g[s] = sum_t sum_i output_gradients[t][i] * d target[t][i] / d s

        For one gradient per entry of the target see `jacobian`.

        Args:
            target: a tensor, or nested lists, tuples and dicts of tensors.
            sources: what to differentiate by, nested likewise: watched tensors or variables; tensors computed from them
                on this tape; `y.z`, the pre-activation of a dense or activation output; or a layer that was called
                exactly once on this tape, which stands for its output.
            output_gradients: the weight of each entry of the target, in the target's structure and shapes; ones if
                None or missing.
            unconnected_gradients: "none" or "zero": what an unconnected source gets.

        Returns: the gradients, in the structure of `sources`, each with the shape and dtype of its source.

        Raises: RuntimeError for a second call on a non-persistent tape. TypeError for targets and sources that are no
            tensors. ValueError for shapes that do not match, or a layer that was not called exactly once.

        Source: TensorFlow `GradientTape.gradient`.
        """
        zero = unconnected_gradients != "none" and wants_zero("GradientTape.gradient", unconnected_gradients)
        if target is None:
            raise TypeError("[GradientTape.gradient] `target` is None: it must be a tensor or a structure of tensors.")
        weights = None if output_gradients is None else nest.flatten_up_to(target, output_gradients)
        return self._gradient(target, sources, weights, zero)

    def jacobian(
        self, target, sources, unconnected_gradients="none", parallel_iterations=None, experimental_use_pfor=True
    ):
        """The gradient of every entry of the target with respect to each source.

            J[i..., j...] = d target[i...] / d source[j...]

        One backward walk computes all of them: its products have one more axis, the entries of the target.

        Args:
            target: one tensor.
            sources: as for `gradient`.
            unconnected_gradients: "none" or "zero": what an unconnected source gets.
            parallel_iterations, experimental_use_pfor: accepted for TensorFlow's sake, without effect.

        Returns: the Jacobians, in the structure of `sources`, each of shape target.shape + source.shape.

        Raises: as `gradient`; TypeError if the target is not one tensor.

        Source: TensorFlow `GradientTape.jacobian`.
        """
        tag = "GradientTape.jacobian"
        return self._jacobian(target, sources, wants_zero(tag, unconnected_gradients), False, tag)

    def batch_jacobian(
        self, target, source, unconnected_gradients="none", parallel_iterations=None, experimental_use_pfor=True
    ):
        """The Jacobian of every sample, for a target whose row b depends on row b of the source alone.

            J[b, i..., j...] = d target[b, i...] / d source[b, j...]

        It is not checked that the rows are independent: if they are not, J is the gradient of the sum over the rows.

        Args:
            target, source: tensors with the same first axis, and at least one more.
            unconnected_gradients: "none" or "zero": what an unconnected source gets (TensorFlow: always zeros).
            parallel_iterations, experimental_use_pfor: accepted for TensorFlow's sake, without effect.

        Returns: a tensor of shape target.shape + source.shape[1:].

        Raises: as `jacobian`; ValueError for other shapes.

        Source: TensorFlow `GradientTape.batch_jacobian`.
        """
        tag = "GradientTape.batch_jacobian"
        zero = wants_zero(tag, unconnected_gradients)
        if isinstance(source, (list, tuple, dict)):
            raise InvalidTypeError(f"[{tag}] `source` is a structure: it must be one tensor.")
        return self._jacobian(target, source, zero, True, tag)

    def explain(self, target, source):
        """Why the gradient of `target` with respect to `source` is None, or that it is not.

        It looks at the record: whether the source was watched, whether the target was recorded, and what on the way
        between them has no derivative or left for NumPy, with file and line.

        Args:
            target: a tensor.
            source: a tensor, a variable, or a layer that was called exactly once on this tape.

        Returns: an `Explanation`: `str()` is the answer, `.connected`, `.reason` and `.places` are its parts.

        Raises: TypeError if one is no tensor. RuntimeError if a non-persistent tape gave its gradients, none of which
            was missing.
        """
        return explain(self, self._resolve(target), self._resolve(source))

    @contextlib.contextmanager
    def stop_recording(self):
        """Does not record inside this `with` block: what is computed there counts as constant."""
        if not self._recording:
            kind = ValueError if self._is_watching else RuntimeError  # as TensorFlow's
            raise kind("[GradientTape.stop_recording] the tape is not recording: enter it first.")
        self._exit()
        try:
            yield
        finally:
            if self._is_watching:  # not consumed meanwhile
                self._enter()


def wants_zero(tag, choice):
    name = getattr(choice, "value", choice)
    if name not in ("none", "zero"):
        raise ValueError(f"[{tag}] `unconnected_gradients` is {choice!r}: it must be 'none' or 'zero'.")
    return name == "zero"

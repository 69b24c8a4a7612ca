"""Clipping of tensors by value and by norm, under TensorFlow's names; differentiable, through the norm too."""

from __future__ import annotations

from densegrad import _core
from densegrad.config import is_number

__all__ = ["clip_by_global_norm", "clip_by_norm", "clip_by_value", "global_norm"]


def clip_by_value(t, clip_value_min, clip_value_max):
    """Return max(min(t, hi), lo), entry by entry.

    Its derivative is 1 from lo to hi, the ends included, and 0 outside; there the bound that is active gets it.

    Args:
        t: float tensor or array.
        clip_value_min, clip_value_max: lo and hi, numbers or tensors that broadcast to the shape of `t`.

    Returns:
        A tensor of the shape and dtype of `t`.

    Raises:
        ValueError: if a bound has more axes or entries than `t`.

    Source: TensorFlow `clip_by_value`.
    """
    t = _core.convert(t)
    clipped = _core.maximum(_core.minimum(t, clip_value_max), clip_value_min)
    if clipped.shape != t.shape:
        raise ValueError(
            f"[clip_by_value] `t` has shape {tuple(t.shape)} but the result would have shape {tuple(clipped.shape)}: "
            "the bounds must broadcast to the shape of `t`."
        )
    return clipped


def clip_by_norm(t, clip_norm, axes=None):
    """Return t c / max(|t|, c): scaled down to the norm c where its norm is larger.

    |t| = sqrt(sum(t^2)), over `axes`. Below c the result may differ from t by a rounding, since t c / c does.

    Args:
        t: float tensor or array.
        clip_norm: number or scalar tensor, c; a negative one counts as 0.
        axes: int or ints, None for all: what the norm is taken over.

    Returns:
        A tensor of the shape and dtype of `t`. An infinite entry becomes NaN.

    Raises:
        ValueError: if `clip_norm` does not broadcast to the shape of `t`.

    Source: TensorFlow `clip_by_norm`.
    """
    t = _core.convert(t)
    clip_norm = max(clip_norm, 0) if is_number(clip_norm) else _core.maximum(clip_norm, 0)
    clipped = _core.clip_by_norm(t, clip_norm, axes)
    if clipped.shape != t.shape:
        raise ValueError(
            f"[clip_by_norm] `t` has shape {tuple(t.shape)} but the result would have shape {tuple(clipped.shape)}: "
            "`clip_norm` must broadcast to the shape of `t`."
        )
    return clipped


def global_norm(t_list):
    """Return the norm of all tensors together, sqrt(sum over the list of sum(t^2)).

    Args:
        t_list: list or tuple of float tensors or arrays; entries that are None are left out.

    Returns:
        A scalar tensor, 0 for an empty list.

    Raises:
        TypeError: if `t_list` is not a list or tuple.

    Source: TensorFlow `linalg.global_norm`.
    """
    return _core.global_norm(t_list)


def clip_by_global_norm(t_list, clip_norm, use_norm=None):
    """Return all t c / max(n, c), where n is the norm of all tensors together.

    The factor is c min(1 / n, 1 / c), whose rounding may show below c too. It is NaN if n is infinite or NaN.

    Args:
        t_list: list or tuple of float tensors or arrays; entries that are None stay None.
        clip_norm: number or scalar tensor, c.
        use_norm: scalar, n; None means `global_norm(t_list)`.

    Returns:
        The list of clipped tensors, and n.

    Raises:
        TypeError: if `t_list` is not a list or tuple.

    Source: TensorFlow `clip_by_global_norm`.
    """
    return _core.clip_by_global_norm(t_list, clip_norm, use_norm)

"""Einstein's summation, two operands at a time: diagonals, sums, then one batched matrix product."""

from densegrad import _core
from densegrad.errors import InvalidArgumentError
from densegrad.ops._arguments import at, extent, reshaped, together
from densegrad.ops.selecting import diagonal

__all__ = ["einsum"]


def einsum(subscripts, *operands):
    """Sums of products by index letters: "ij,jk->ik" is a matrix product, "ii->i" a diagonal, "...i->..." a sum.

    Letters that are missing right of "->" are summed over. Without "->" the result has the letters that occur once, in
    alphabetical order, after those of the dots.

    Args: `subscripts`: letters for each operand, separated by commas.   `operands`: one tensor for each.

    Gradient: sums of products again.

    Raises: ValueError for subscripts that do not fit the operands.

    Source: NumPy `einsum`.
    """
    xs = together("einsum", *operands)
    terms, result = _parse(subscripts, xs)
    sizes = _sizes(subscripts, terms, xs)
    parts = [_alone(t, x, sizes) for t, x in zip(terms, xs)]
    while len(parts) > 1:
        needed = set(result).union(*(t for t, _ in parts[2:]))
        parts[:2] = [_pair(parts[0], parts[1], needed)]
    letters, x = _summed(*parts[0], set(result))
    for c in result:
        if c not in letters:  # of an axis that has length 1 everywhere
            letters, x = [*letters, c], x[..., None]
    return _core.identity(_core.transpose(x, [letters.index(c) for c in result]))


def _parse(subscripts, xs):
    """The labels of each operand and of the result as lists; the axes of the dots are numbers, 0 for the last."""
    text = subscripts.replace(" ", "").replace("...", ".")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(xs):
        raise InvalidArgumentError(
            f"[einsum] `subscripts` is {subscripts!r} with {len(terms)} terms: it got {len(xs)} operands."
        )
    for term in [*terms, right]:
        if term.count(".") > 1 or not all(c.isalpha() or c == "." for c in term):
            raise InvalidArgumentError(
                f"[einsum] `subscripts` is {subscripts!r}: a term has letters and at most one `...`."
            )
    dots = [x.ndim - len(t.replace(".", "")) for t, x in zip(terms, xs)]
    for term, x, extra in zip(terms, xs, dots):
        if extra < 0 or (extra and "." not in term):
            raise InvalidArgumentError(
                f"[einsum] `subscripts` has the term {term!r} for shape {x.shape}: one letter per axis."
            )
    labels = [_expand(term, extra) for term, extra in zip(terms, dots)]
    most = max(dots)
    if not arrow:
        once = sorted({c for c in left if c.isalpha() and left.count(c) == 1})
        return labels, _expand(".", most) + once
    output = _expand(right, most)
    unknown = [c for c in output if not any(c in term for term in labels)]
    if unknown or len(set(output)) < len(output):
        raise InvalidArgumentError(
            f"[einsum] `subscripts` is {subscripts!r}: each index right of -> must occur once there, and left."
        )
    return labels, output


def _expand(term, count):
    before, dots, after = term.partition(".")
    return [*before, *(range(count - 1, -1, -1) if dots else ()), *after]


def _sizes(subscripts, terms, xs):
    sizes = {}
    for term, x in zip(terms, xs):
        for axis, c in enumerate(term):
            n = extent("einsum", x, axis)
            if sizes.setdefault(c, n) == 1:
                sizes[c] = n
            elif n not in (1, sizes[c]):
                raise InvalidArgumentError(
                    f"[einsum] index {c!r} of {subscripts!r} has length {sizes[c]} and {n}: they must be equal."
                )
    return sizes


def _alone(labels, x, sizes):
    """Repeated letters taken on the diagonal; axes of length 1 that broadcast dropped."""
    labels = list(labels)
    for c in dict.fromkeys(labels):
        while labels.count(c) > 1:
            a = labels.index(c)
            b = labels.index(c, a + 1)
            x = diagonal(x, 0, a, b)
            labels = [d for i, d in enumerate(labels) if i not in (a, b)] + [c]
    for c in list(labels):
        axis = labels.index(c)
        if x.shape[axis] == 1 and sizes[c] != 1:
            x = x[at(axis, 0)]
            labels.remove(c)
    return labels, x


def _summed(labels, x, needed):
    """Without the labels that nobody needs."""
    axes = [i for i, c in enumerate(labels) if c not in needed]
    return [c for c in labels if c in needed], _core.sum(x, axes) if axes else x


def _pair(one, two, needed):
    """The product of two operands, summed over their common labels that nobody needs later."""
    first, x = _summed(*one, needed | set(two[0]))
    second, y = _summed(*two, needed | set(first))
    both = [c for c in first if c in second]
    batch, inner = [c for c in both if c in needed], [c for c in both if c not in needed]
    rows, columns = [c for c in first if c not in second], [c for c in second if c not in first]
    x = _core.transpose(x, [first.index(c) for c in batch + rows + inner])
    y = _core.transpose(y, [second.index(c) for c in batch + inner + columns])
    shape, width = x.shape[: len(batch + rows)], y.shape[len(batch + inner) :]
    if not inner or not (rows or columns):
        x = reshaped(x, shape + (1,) * len(columns) + x.shape[len(shape) :])
        y = reshaped(y, y.shape[: len(batch)] + (1,) * len(rows) + y.shape[len(batch) :]) if rows else y
        product = x * y
        return batch + rows + columns, _core.sum(product, list(range(-len(inner), 0))) if inner else product
    lead, k = shape[: len(batch)], x.shape[len(shape) :]
    n, m, depth = (_count(s) for s in (shape[len(batch) :], width, k))
    product = _core.matmul(_core.reshape(x, (*lead, n, depth)), _core.reshape(y, (*lead, depth, m)))
    return batch + rows + columns, _core.reshape(product, shape + width)


def _count(shape):
    n = 1
    for d in shape:
        n *= d
    return n

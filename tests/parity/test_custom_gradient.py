"""Custom gradients whose function captures variables, beside TensorFlow's: values, and types of errors.

Values are small integers, exact in both.
"""

from __future__ import annotations

import densegrad.tf as dtf
import pytest
from twins import assert_same, outcome

CASES = []


def case(function):
    """Register a function of TensorFlow's or densegrad's module."""
    CASES.append(function)
    return function


def polynomial(tf, weights):
    """TensorFlow's own example: w[1] x + w[0]."""

    @tf.custom_gradient
    def f(x):
        def grad(dy, variables=None):
            assert len(variables) == 1 and variables[0] is weights
            dw = tf.reduce_sum(tf.reshape(dy * tf.stack([x**1, x**0]), [2, -1]), axis=1)
            return dy * weights[1], [dw]

        return weights[1] * x + weights[0], grad

    return f


@case
def a_captured_variable(tf):
    w = tf.Variable([1.0, 2.0])
    x = tf.constant([1.0, 2.0, 3.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = polynomial(tf, w)(x)
    return y, tape.gradient(y, x), tape.gradient(y, w), tape.gradient([y, 2.0 * y], [w, x])


@case
def inside_a_function(tf):
    w = tf.Variable([1.0, 2.0])
    f = polynomial(tf, w)

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return tape.gradient(y, [x, w])

    first = step(tf.constant([1.0, 2.0, 3.0]))
    w.assign([5.0, -1.0])
    return first, step(tf.constant([4.0, 2.0, 3.0]))


@case
def tapes_over_tapes(tf):
    w = tf.Variable(3.0)

    @tf.custom_gradient
    def f(x):
        def grad(dy, variables=None):
            return dy * w * x, [dy * w * w * x]

        return w * x, grad

    x = tf.constant(2.0)
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = f(x)
        first = inner.gradient(y, [x, w])
    return first, [outer.gradient(g, [x, w]) for g in first]


@case
def several_variables_found_by_what_they_are(tf):
    a, b, unread = tf.Variable(2.0, name="a"), tf.Variable(5.0, name="b"), tf.Variable(1.0, name="c")
    frozen = tf.Variable(7.0, trainable=False)

    @tf.custom_gradient
    def f(x, y):
        def grad(dy, variables=None):
            assert len(variables) == 2
            return (dy, None), [dy * (100.0 if v is a else 200.0) for v in variables]

        return x * a + y * b + frozen, grad

    x = tf.constant(1.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = f(x, x * 3.0)
    return tape.gradient(y, [x, a, b, unread, frozen])


@case
def a_layer_inside(tf):
    layer = tf.keras.layers.Dense(2, kernel_initializer="ones")
    layer.build((None, 3))

    @tf.custom_gradient
    def f(x):
        y = layer(x)

        def grad(dy, variables):
            return tf.matmul(dy, layer.kernel, transpose_b=True), [tf.ones_like(v) * 4.0 for v in variables]

        return y, grad

    x = tf.constant([[1.0, 2.0, 3.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.gradient(y, [x, *layer.trainable_variables])


@case
def a_custom_gradient_inside_of_another(tf):
    v = tf.Variable(2.0)

    @tf.custom_gradient
    def inner(x):
        return x * v, lambda dy, variables: (dy * 10.0, [dy * 20.0])

    @tf.custom_gradient
    def outer(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = inner(x)
        dx, dv = tape.gradient(y, [x, v])
        return y, lambda dy, variables: (dy * dx * 3.0, [dy * dv * 5.0])

    x = tf.constant(1.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y, z = outer(x), inner(x)
    return tape.gradient(y, [x, v]), tape.gradient(z, [x, v])


@case
def keywords_and_numbers(tf):
    @tf.custom_gradient
    def f(x, n, scale=1.0):
        return x**n * scale, lambda dy: (dy * scale, None)

    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x, 2, scale=4.0)
    return y, tape.gradient(y, x)


@case
def structures(tf):
    @tf.custom_gradient
    def f(pair):
        return {"p": pair[0] * pair[1], "s": [pair[0] + pair[1]]}, lambda p, s: (p * 2.0 + s, p * 3.0 + s)

    x, y = tf.constant(3.0), tf.constant(5.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, y])
        z = f([x, y])
    return z, tape.gradient(z, [x, y]), tape.gradient(z["p"], [x, y])


@case
def straight_through(tf):
    x, shift = tf.Variable([0.4, 1.6]), tf.Variable(2.0)
    with tf.GradientTape(persistent=True) as tape:
        y = tf.reduce_sum(tf.grad_pass_through(tf.round)(x) * [3.0, 5.0])
        z = tf.grad_pass_through(lambda t: t + shift)(x)
    return y, tape.gradient(y, x), tape.gradient(z, [x, shift])


@case
def straight_through_an_assignment(tf):
    x, z = tf.Variable(1.0), tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = tf.grad_pass_through(x.assign)(z**2)
    return y, x, tape.gradient(y, z)


@case
def a_method(tf):
    class Scaled(tf.Module):
        def __init__(self):
            super().__init__()
            self.w = tf.Variable(2.0)

        @tf.custom_gradient
        def __call__(self, x):
            return self.w * x, lambda dy, variables: (dy * 5.0, [dy * 6.0])

    scaled, x = Scaled(), tf.constant(4.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = scaled(x)
    return y, tape.gradient(y, [x, scaled.w])


def wrong(tf, grad):
    v, x = tf.Variable(2.0), tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.custom_gradient(lambda x: (x * v, grad))(x)
    return tape.gradient(y, [x, v])


@case
def no_keyword_for_variables(tf):
    return wrong(tf, lambda dy: dy)


@case
def too_few_gradients_of_variables(tf):
    return wrong(tf, lambda dy, variables: (dy, []))


@case
def too_many_gradients_of_arguments(tf):
    return wrong(tf, lambda dy, variables: ((dy, dy), [dy]))


@case
def gradients_without_a_tape(tf):
    x = tf.Variable(1.0)
    return tf.gradients(x * x, x)


@pytest.mark.parametrize("function", CASES, ids=lambda f: f.__name__)
def test_as_tensorflow(function, tensorflow):
    expected, found = outcome(function, tensorflow), outcome(function, dtf)
    if isinstance(expected, type):
        assert isinstance(found, type) and issubclass(found, expected), (found, expected)
    else:
        assert_same(found, expected, function.__name__)

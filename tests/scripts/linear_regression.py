"""Fitting a line with variables, a tape and assign_sub."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(0)
x = tf.constant(rng.uniform(-2, 2, (50, 1)), dtype=tf.float32)
y = 3.0 * x + 2.0 + tf.constant(rng.normal(0, 0.1, (50, 1)), dtype=tf.float32)


class MyModel(tf.Module):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.w = tf.Variable(5.0)
        self.b = tf.Variable(0.0)

    def __call__(self, x):
        return self.w * x + self.b


def loss(target_y, predicted_y):
    return tf.reduce_mean(tf.square(target_y - predicted_y))


model = MyModel()


def train(model, x, y, learning_rate):
    with tf.GradientTape() as t:
        current_loss = loss(y, model(x))
    dw, db = t.gradient(current_loss, [model.w, model.b])
    model.w.assign_sub(learning_rate * dw)
    model.b.assign_sub(learning_rate * db)


history = []
for epoch in range(10):
    train(model, x, y, learning_rate=0.1)
    history.append(float(loss(y, model(x))))
    print(f"Epoch {epoch:2d}: W={model.w.numpy():1.2f} b={model.b.numpy():1.2f}, loss={history[-1]:2.5f}")
weights = [v.numpy() for v in model.trainable_variables]
assert len(model.variables) == 2

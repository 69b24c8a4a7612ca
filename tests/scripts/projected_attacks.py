import tensorflow as tf
import numpy as np

rng = np.random.RandomState(0)
model = tf.keras.models.Sequential(
    [
        tf.keras.layers.Flatten(input_shape=(4, 4)),
        tf.keras.layers.Dense(12, activation="relu"),
        tf.keras.layers.Dropout(0.2),
        tf.keras.layers.Dense(10),
    ]
)
model.build((None, 4, 4))
model.set_weights([rng.randn(*w.shape) * 0.4 for w in model.get_weights()])
loss_object = tf.keras.losses.CategoricalCrossentropy(from_logits=True)
x = tf.constant(rng.rand(3, 4, 4).astype("float32"))
labels = tf.one_hot([1, 2, 3], 10)


def pgd(model, x, y, eps=0.1, step=0.03, iters=5):
    x_adv = tf.identity(x)
    for _ in range(iters):
        with tf.GradientTape() as tape:
            tape.watch(x_adv)
            loss = loss_object(y, model(x_adv))
        grad = tape.gradient(loss, x_adv)
        x_adv = x_adv + step * tf.sign(grad)
        x_adv = tf.clip_by_value(x_adv, x - eps, x + eps)
        x_adv = tf.clip_by_value(x_adv, 0, 1)
    return tf.stop_gradient(x_adv)


adv = pgd(model, x, labels)
print(np.round(np.abs(adv - x).max(), 4), np.round(adv.numpy()[0, 0], 4))
print(round(float(loss_object(labels, model(x))), 4), round(float(loss_object(labels, model(adv))), 4))
# targeted, with an optimizer on a Variable
delta = tf.Variable(tf.zeros_like(x), trainable=True)
opt = tf.keras.optimizers.Adam(0.05)
for _ in range(5):
    with tf.GradientTape() as tape:
        tape.watch(delta)
        loss = loss_object(tf.roll(labels, 1, axis=1), model(x + delta)) + 0.01 * tf.nn.l2_loss(delta)
    g = tape.gradient(loss, delta)
    opt.apply_gradients([(g, delta)])
    delta.assign(tf.clip_by_norm(delta, 0.5))
print(np.round(delta.numpy()[1, 1], 4))
probability_model = tf.keras.Sequential([model, tf.keras.layers.Softmax()])
print(np.round(probability_model(adv[:1]).numpy(), 4))

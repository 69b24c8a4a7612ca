"""Two networks that train each other: with a gradient penalty in a loop, and in a step of a model's own."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(0)
rng = np.random.RandomState(0)
gen = keras.Sequential(
    [keras.Input((3,)), layers.Dense(8), layers.LeakyReLU(negative_slope=0.2), layers.Dense(2, activation="tanh")],
    name="generator",
)
disc = keras.Sequential(
    [keras.Input((2,)), layers.Dense(8), layers.LeakyReLU(0.2), layers.Dense(1)], name="discriminator"
)
real = tf.constant(rng.randn(16, 2), tf.float32)
noise = tf.constant(rng.randn(16, 3), tf.float32)
alpha = tf.constant(rng.rand(16, 1), tf.float32)
d_opt = keras.optimizers.Adam(1e-3, beta_1=0.5, beta_2=0.9)
g_opt = keras.optimizers.Adam(1e-3, beta_1=0.5, beta_2=0.9)


def gradient_penalty(batch_size, real_images, fake_images):
    diff = fake_images - real_images
    interpolated = real_images + alpha * diff
    with tf.GradientTape() as gp_tape:
        gp_tape.watch(interpolated)
        pred = disc(interpolated, training=True)
    grads = gp_tape.gradient(pred, [interpolated])[0]
    norm = tf.sqrt(tf.reduce_sum(tf.square(grads), axis=[1]))
    gp = tf.reduce_mean((norm - 1.0) ** 2)
    return gp


bs = tf.shape(real)[0]
for i in range(3):
    with tf.GradientTape() as tape:
        fake = gen(noise, training=True)
        d_cost = tf.reduce_mean(disc(fake, training=True)) - tf.reduce_mean(disc(real, training=True))
        gp = gradient_penalty(bs, real, fake)
        d_loss = d_cost + gp * 10.0
    d_grad = tape.gradient(d_loss, disc.trainable_variables)
    d_opt.apply_gradients(zip(d_grad, disc.trainable_variables))
    with tf.GradientTape() as tape:
        g_loss = -tf.reduce_mean(disc(gen(noise, training=True), training=True))
    g_opt.apply_gradients(zip(tape.gradient(g_loss, gen.trainable_variables), gen.trainable_variables))
    print("d_loss {:.5f} g_loss {:.5f}".format(d_loss, g_loss))
bce = keras.losses.BinaryCrossentropy(from_logits=True)


def discriminator_loss(real_output, fake_output):
    real_loss = bce(tf.ones_like(real_output), real_output)
    fake_loss = bce(tf.zeros_like(fake_output), fake_output)
    return real_loss + fake_loss


with tf.GradientTape() as gen_tape, tf.GradientTape() as disc_tape:
    f = gen(noise, training=True)
    ro, fo = disc(real, training=True), disc(f, training=True)
    gl = bce(tf.ones_like(fo), fo)
    dl = discriminator_loss(ro, fo)
gg = gen_tape.gradient(gl, gen.trainable_variables)
gd = disc_tape.gradient(dl, disc.trainable_variables)


class GAN(keras.Model):
    def __init__(self, discriminator, generator):
        super().__init__()
        self.discriminator = discriminator
        self.generator = generator
        self.d_loss_tracker = keras.metrics.Mean(name="d_loss")
        self.g_loss_tracker = keras.metrics.Mean(name="g_loss")

    def compile(self, d_optimizer, g_optimizer, loss_fn):
        super().compile()
        self.d_optimizer = d_optimizer
        self.g_optimizer = g_optimizer
        self.loss_fn = loss_fn

    def train_step(self, real_images):
        if isinstance(real_images, tuple):
            real_images = real_images[0]
        batch_size = tf.shape(real_images)[0]
        z = tf.zeros((batch_size, 3))
        generated = self.generator(z)
        combined = tf.concat([generated, real_images], axis=0)
        labels = tf.concat([tf.ones((batch_size, 1)), tf.zeros((real_images.shape[0], 1))], axis=0)
        with tf.GradientTape() as tape:
            predictions = self.discriminator(combined)
            d_loss = self.loss_fn(labels, predictions)
        grads = tape.gradient(d_loss, self.discriminator.trainable_weights)
        self.d_optimizer.apply(grads, self.discriminator.trainable_weights)
        misleading_labels = tf.zeros((batch_size, 1))
        with tf.GradientTape() as tape:
            predictions = self.discriminator(self.generator(z))
            g_loss = self.loss_fn(misleading_labels, predictions)
        grads = tape.gradient(g_loss, self.generator.trainable_weights)
        self.g_optimizer.apply(grads, self.generator.trainable_weights)
        self.d_loss_tracker.update_state(d_loss)
        self.g_loss_tracker.update_state(g_loss)
        return {"d_loss": self.d_loss_tracker.result(), "g_loss": self.g_loss_tracker.result()}


gan = GAN(discriminator=disc, generator=gen)
gan.compile(
    d_optimizer=keras.optimizers.Adam(learning_rate=0.0003),
    g_optimizer=keras.optimizers.Adam(learning_rate=0.0003),
    loss_fn=bce,
)
h = gan.fit(real.numpy(), epochs=2, batch_size=8, shuffle=False, verbose=0)
print(h.history)

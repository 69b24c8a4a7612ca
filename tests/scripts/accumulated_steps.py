import tensorflow as tf
import numpy as np
from tensorflow.keras import Model, Input
from tensorflow.keras.layers import Dense
from tensorflow.keras.losses import SparseCategoricalCrossentropy


class GAModel(Model):
    def __init__(self, n_gradients, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.n_gradients = tf.constant(n_gradients, dtype=tf.int32)
        self.n_acum_step = tf.Variable(0, dtype=tf.int32, trainable=False)
        self.gradient_accumulation = [
            tf.Variable(tf.zeros_like(v, dtype=tf.float32), trainable=False) for v in self.trainable_variables
        ]

    def train_step(self, data):
        self.n_acum_step.assign_add(1)
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        for i in range(len(self.gradient_accumulation)):
            self.gradient_accumulation[i].assign_add(gradients[i])
        tf.cond(tf.equal(self.n_acum_step, self.n_gradients), self.apply_accu_gradients, lambda: None)
        return {"loss": loss}

    def apply_accu_gradients(self):
        self.optimizer.apply_gradients(zip(self.gradient_accumulation, self.trainable_variables))
        self.n_acum_step.assign(0)
        for i in range(len(self.gradient_accumulation)):
            self.gradient_accumulation[i].assign(tf.zeros_like(self.trainable_variables[i], dtype=tf.float32))


rng = np.random.RandomState(0)
inputs = Input(shape=(4,))
h = Dense(5, activation="elu")(inputs)
out = Dense(3)(h)
model = GAModel(n_gradients=2, inputs=inputs, outputs=out)
for v in model.trainable_variables:
    v.assign(rng.normal(size=v.shape))
model.compile(
    optimizer=tf.keras.optimizers.SGD(0.1), loss=SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True
)
x, y = rng.normal(size=(8, 4)).astype("float32"), rng.randint(0, 3, size=8)
hist = model.fit(x, y, batch_size=2, epochs=2, shuffle=False, verbose=0)
print(np.round(model.trainable_variables[0].numpy(), 5))

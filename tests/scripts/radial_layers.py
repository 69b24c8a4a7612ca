import tensorflow as tf
import numpy as np
from tensorflow.keras import layers, regularizers, constraints, initializers
from tensorflow.keras import backend as K

rng = np.random.RandomState(0)


class RBF(layers.Layer):
    def __init__(self, units, gamma=0.5, **kwargs):
        super(RBF, self).__init__(**kwargs)
        self.units = units
        self.gamma = K.cast_to_floatx(gamma)

    def build(self, input_shape):
        self.mu = self.add_weight(
            name="mu", shape=(int(input_shape[1]), self.units), initializer="uniform", trainable=True
        )
        super(RBF, self).build(input_shape)

    def call(self, inputs):
        diff = K.expand_dims(inputs) - self.mu
        l2 = K.sum(K.pow(diff, 2), axis=1)
        return K.exp(-1 * self.gamma * l2)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.units)


class Maxout(layers.Layer):
    def __init__(self, units, pieces=2, **kw):
        super().__init__(**kw)
        self.units, self.pieces = units, pieces

    def build(self, s):
        self.w = self.add_weight(
            shape=(s[-1], self.units * self.pieces),
            initializer=initializers.HeNormal(seed=1),
            regularizer=regularizers.L2(0.01),
            constraint=constraints.MaxNorm(2.0),
        )
        self.b = self.add_weight(shape=(self.units * self.pieces,), initializer="zeros")

    def call(self, x):
        z = tf.nn.bias_add(tf.matmul(x, self.w), self.b)
        return tf.reduce_max(tf.reshape(z, [-1, self.units, self.pieces]), axis=-1)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "pieces": self.pieces}


def swish(x, beta=1.0):
    return x * tf.math.sigmoid(beta * x)


tf.keras.utils.get_custom_objects().update({"my_swish": layers.Activation(swish)})
model = tf.keras.Sequential(
    [
        tf.keras.Input((3,)),
        RBF(4, 0.3),
        Maxout(5),
        layers.Dense(6, activation=swish),
        layers.BatchNormalization(),
        layers.Dense(1),
    ]
)
model.set_weights([rng.rand(*w.shape) for w in model.get_weights()])
x = rng.randn(7, 3).astype("float32")
with tf.GradientTape() as tape:
    y = model(x, training=True)
    loss = tf.reduce_mean(tf.math.softplus(y)) + tf.add_n(model.losses)
g = tape.gradient(loss, model.trainable_variables)
print(round(float(loss), 5), [v.name for v in model.trainable_variables])
print([np.round(float(tf.norm(t)), 4) for t in g])
print(model.layers[1].get_config()["pieces"], model.count_params(), len(model.non_trainable_variables))


def root_mean_squared_error(y_true, y_pred):
    return K.sqrt(K.mean(K.square(y_pred - y_true)))


def r2(y_true, y_pred):
    SS_res = K.sum(K.square(y_true - y_pred))
    SS_tot = K.sum(K.square(y_true - K.mean(y_true)))
    return 1 - SS_res / (SS_tot + K.epsilon())


model.compile(
    optimizer=tf.keras.optimizers.SGD(1e-2, momentum=0.9, nesterov=True), loss=root_mean_squared_error, metrics=[r2]
)
h = model.fit(x, rng.randn(7, 1).astype("float32"), epochs=3, batch_size=7, verbose=0, shuffle=False)
print(np.round(h.history["loss"], 4), np.round(h.history["r2"], 4))

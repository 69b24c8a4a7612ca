"""TensorFlow's names for densegrad: GradientTape code for dense networks runs after a change of its import lines.

    import densegrad.tf as tf
    from densegrad.tf import keras

Names are aliases; a function stands here where TensorFlow's arguments or defaults are others (`tf.argmax`, `tf.split`,
`tf.nn.leaky_relu`). What is missing raises an AttributeError that lists what exists.
"""

from densegrad.tf._names import TOP as _TOP


def __getattr__(name):
    return getattr(_TOP, name)


def __dir__():
    return dir(_TOP)

"""Layers by Keras' names."""

from densegrad.layers.activations import ELU, Activation, LeakyReLU, ReLU, Softmax
from densegrad.layers.base import Layer
from densegrad.layers.configs import deserialize, serialize
from densegrad.layers.core import Dense, Input, InputLayer

__all__ = [
    "ELU",
    "Activation",
    "Dense",
    "Input",
    "InputLayer",
    "Layer",
    "LeakyReLU",
    "ReLU",
    "Softmax",
    "deserialize",
    "serialize",
]

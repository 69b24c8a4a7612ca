"""Layers by Keras' names."""

from densegrad.layers.activations import Activation, ReLU, Softmax
from densegrad.layers.base import Layer
from densegrad.layers.configs import deserialize, serialize
from densegrad.layers.core import Dense, Input, InputLayer

__all__ = ["Activation", "Dense", "Input", "InputLayer", "Layer", "ReLU", "Softmax", "deserialize", "serialize"]

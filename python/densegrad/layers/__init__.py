"""Layers by Keras' names."""

from densegrad.layers.base import Layer
from densegrad.layers.core import Activation, Dense, Input, InputLayer, ReLU, Softmax

__all__ = ["Activation", "Dense", "Input", "InputLayer", "Layer", "ReLU", "Softmax"]

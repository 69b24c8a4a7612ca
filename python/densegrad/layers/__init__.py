"""Layers by Keras' names."""

from densegrad.layers.activations import ELU, Activation, LeakyReLU, ReLU, Softmax
from densegrad.layers.base import Layer
from densegrad.layers.configs import deserialize, serialize
from densegrad.layers.convolutional import Conv2D
from densegrad.layers.core import Dense, Input, InputLayer
from densegrad.layers.merging import (
    Add,
    Average,
    Concatenate,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    maximum,
    minimum,
    multiply,
    subtract,
)
from densegrad.layers.regularization import Dropout
from densegrad.layers.reshaping import Flatten, Permute, Rescaling, Reshape

__all__ = [
    "Activation",
    "Add",
    "Average",
    "Concatenate",
    "Conv2D",
    "Dense",
    "Dropout",
    "ELU",
    "Flatten",
    "Input",
    "InputLayer",
    "Layer",
    "LeakyReLU",
    "Maximum",
    "Minimum",
    "Multiply",
    "Permute",
    "ReLU",
    "Rescaling",
    "Reshape",
    "Softmax",
    "Subtract",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]

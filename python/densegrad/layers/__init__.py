"""Layers by Keras' names."""

from densegrad.layers.activations import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from densegrad.layers.base import Layer
from densegrad.layers.configs import deserialize, serialize
from densegrad.layers.convolutional import Conv2D
from densegrad.layers.core import Dense, Input, InputLayer
from densegrad.layers.embedding import Embedding
from densegrad.layers.functions import Identity, Lambda
from densegrad.layers.input_spec import InputSpec
from densegrad.layers.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from densegrad.layers.noise import AlphaDropout, GaussianDropout, GaussianNoise
from densegrad.layers.normalization import BatchNormalization, LayerNormalization
from densegrad.layers.padding import RepeatVector, ZeroPadding1D, ZeroPadding2D
from densegrad.layers.pooling import (
    AveragePooling2D,
    AvgPool2D,
    GlobalAveragePooling2D,
    GlobalAvgPool2D,
    GlobalMaxPool2D,
    GlobalMaxPooling2D,
    MaxPool2D,
    MaxPooling2D,
)
from densegrad.layers.regularization import ActivityRegularization, Dropout
from densegrad.layers.reshaping import Flatten, Permute, Rescaling, Reshape
from densegrad.layers.scaling import Normalization, UnitNormalization

__all__ = [
    "Activation",
    "ActivityRegularization",
    "Add",
    "AlphaDropout",
    "Average",
    "AveragePooling2D",
    "AvgPool2D",
    "BatchNormalization",
    "Concatenate",
    "Conv2D",
    "Dense",
    "Dot",
    "Dropout",
    "ELU",
    "Embedding",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling2D",
    "GlobalAvgPool2D",
    "GlobalMaxPool2D",
    "GlobalMaxPooling2D",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "MaxPool2D",
    "MaxPooling2D",
    "Maximum",
    "Minimum",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Softmax",
    "Subtract",
    "UnitNormalization",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]

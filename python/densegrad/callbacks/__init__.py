"""Callbacks: code that `fit`, `evaluate` and `predict` run at fixed moments, by Keras' names."""

from densegrad.callbacks.base import Callback, CallbackList, History
from densegrad.callbacks.checkpoint import ModelCheckpoint
from densegrad.callbacks.monitoring import EarlyStopping, MonitorCallback, ReduceLROnPlateau
from densegrad.callbacks.simple import CSVLogger, LambdaCallback, LearningRateScheduler, TerminateOnNaN

__all__ = [
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "MonitorCallback",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]

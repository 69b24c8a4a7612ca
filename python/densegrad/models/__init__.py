"""Models: layers that can be trained. `Sequential` chains layers; subclass `Model` for anything else."""

from densegrad.models.configs import clone_model, model_from_config, model_from_json
from densegrad.models.functional import Functional
from densegrad.models.model import Model
from densegrad.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential", "clone_model", "model_from_config", "model_from_json"]

"""The seed of all random data, and rows drawn from it."""

import os

import numpy as np

SEED = int(os.environ.get("DENSEGRAD_TEST_SEED", "0"))


def rows(*shape, seed=0, dtype=np.float32):
    """Standard normal numbers; `seed` tells draws of one test apart."""
    return np.random.default_rng([SEED, seed]).standard_normal(shape).astype(dtype)

"""MNIST-1D, made by its own package: S. Greydanus, "Scaling down deep learning" (2020).

The training split is the package's standard one (4,000 samples, its default settings, seed 42).
Its standard test split has only 1,000 samples, too few to tell good activations apart, so
validation and test are 4,000 samples each of the same process with other seeds.
"""

from __future__ import annotations

import random
from importlib import metadata

import numpy as np

from actsearch.tasks.data import Split

SEEDS = {"train": 42, "validation": 43, "test": 44}
N_SAMPLES = 4_000


def source_key() -> str:
    """Return what the arrays depend on."""
    return f"mnist1d {metadata.version('mnist1d')} {SEEDS} {N_SAMPLES}"


def generate() -> dict[str, Split]:
    """Make the three splits, inputs (4000, 1, 40) float32; takes about two seconds."""
    from mnist1d.data import get_dataset_args, make_dataset

    # The package draws from the global generators: give them back as they were.
    numpy_state, python_state = np.random.get_state(), random.getstate()
    try:
        splits = {}
        for name, seed in SEEDS.items():
            arguments = get_dataset_args()
            arguments.seed = seed
            if name != "train":
                arguments.num_samples, arguments.train_split = N_SAMPLES, 1.0
            made = make_dataset(arguments)
            inputs = made["x"].astype(np.float32)[:N_SAMPLES, None, :]
            splits[name] = Split(inputs, made["y"][:N_SAMPLES].astype(np.uint8))
        return splits
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)

"""The inverse sine problem of C. M. Bishop, "Mixture Density Networks" (1994, NCRG/94/004).

x = t + 0.3 sin(2 pi t) + noise is a function of t; t of x is none, as up to three branches give
the same x. So t has a density with several modes, whose number depends on x. The training split has
as many points as Bishop's; validation and test have more, of the same process with other seeds, for
a mean log-likelihood of few points would be too noisy to tell good activations apart.
"""

from __future__ import annotations

import numpy as np

from actsearch.tasks.data import Split

SEEDS = {"train": 1994, "validation": 1995, "test": 1996}
N_SAMPLES = {"train": 1_000, "validation": 4_000, "test": 4_000}
AMPLITUDE = 0.3
NOISE = 0.1  # half of the width of its uniform distribution


def source_key() -> str:
    """Return what the arrays depend on."""
    return f"inverse sine 1 {SEEDS} {N_SAMPLES} {AMPLITUDE} {NOISE}"


def generate() -> dict[str, Split]:
    """Make the three splits: inputs x (n, 1) and targets t (n, 1), float32, t in (0, 1)."""
    splits = {}
    for name, seed in SEEDS.items():
        # ``RandomState``: its stream is frozen for good.
        rng = np.random.RandomState(seed)
        t = rng.uniform(0.0, 1.0, (N_SAMPLES[name], 1))
        noise = rng.uniform(-NOISE, NOISE, t.shape)
        x = t + AMPLITUDE * np.sin(2 * np.pi * t) + noise
        splits[name] = Split(x.astype(np.float32), t.astype(np.float32))
    return splits

"""What the training loop sees of a data set: a training and a validation split, and no other.

The test split is not here on purpose. Nothing that trains can reach it through these objects; the
confirm stage opens it by ``heldout.open_test_split``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actsearch.errors import BadInput

Array = NDArray[Any]


@dataclass(frozen=True)
class Split:
    """Inputs (n, channels or features, ...) of uint8 or float32, and labels (n,) of an integer."""

    inputs: Array
    labels: Array

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class TrainingData:
    """The two splits, and the mean and standard deviation of the training inputs.

    ``mean`` and ``std`` have one entry a channel (axis 1); ``digest`` is a hash of both splits, by
    which two runs know that they were scored on the same data. Of data that are trained on as they
    are, mean is 0, std 1, and ``rms`` the root mean square of the training inputs; of standardised
    ones it is 1.
    """

    train: Split
    validation: Split
    mean: tuple[float, ...]
    std: tuple[float, ...]
    n_classes: int
    digest: str
    rms: float = 1.0


def training_data(
    train: tuple[Array, Array],
    validation: tuple[Array, Array],
    n_classes: int | None = None,
    *,
    standardise: bool = True,
) -> TrainingData:
    """Build the data of a task from arrays.

    Args:
        train: inputs (n, channels or features, ...) as uint8 or float, and labels (n,) 0, 1, 2 ...
        validation: the same for the samples that give the score.
        n_classes: number of classes; by default the largest label of ``train`` plus one.
        standardise: train on inputs of mean 0 and deviation 1 a channel; False: on what they are,
            as sparse or non-negative features want it.

    Returns:
        The data, with mean and standard deviation measured on the training inputs.

    Raises:
        BadInput: shapes or labels don't fit together, or an input is not finite.
    """
    splits = [checked_split(*train, name="train"), checked_split(*validation, name="validation")]
    classes = int(splits[0].labels.max()) + 1 if n_classes is None else n_classes
    for name, split in zip(("train", "validation"), splits, strict=True):
        if split.inputs.shape[1:] != splits[0].inputs.shape[1:]:
            raise BadInput(
                f"validation inputs have shape {split.inputs.shape[1:]} a sample, train inputs "
                f"{splits[0].inputs.shape[1:]}; they must be the same"
            )
        if int(split.labels.max()) >= classes:
            raise BadInput(f"{name} labels go up to {split.labels.max()}, but n_classes={classes}")
    digest = content_digest(*splits)
    if not standardise:
        mean, std = as_they_are(splits[0].inputs)
        rms = root_mean_square(splits[0].inputs)
        return TrainingData(splits[0], splits[1], mean, std, classes, digest, rms)
    mean, std = channel_moments(splits[0].inputs)
    return TrainingData(splits[0], splits[1], mean, std, classes, digest)


def as_they_are(inputs: Array) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return a mean of 0 and a deviation of 1 for each channel (axis 1)."""
    n_channels = inputs.shape[1]
    return (0.0,) * n_channels, (1.0,) * n_channels


def root_mean_square(inputs: Array) -> float:
    """Return the root mean square of all inputs, 1 where all are 0."""
    total = sum(float(np.square(part, dtype=np.float64).sum()) for part in inputs)
    return float(np.sqrt(total / inputs.size)) or 1.0


def checked_split(inputs: Array, labels: Array, *, name: str) -> Split:
    """Return arrays as a split, inputs as uint8 or float32.

    Raises:
        BadInput: the arrays are no inputs and labels of a classification.
    """
    inputs, labels = np.asarray(inputs), np.asarray(labels)
    if inputs.ndim < 2 or labels.ndim != 1 or len(inputs) != len(labels) or not len(labels):
        raise BadInput(
            f"{name} split: inputs must have shape (n, features ...) and labels (n,) with n >= 1, "
            f"got {inputs.shape} and {labels.shape}"
        )
    if not np.issubdtype(labels.dtype, np.integer) or int(labels.min()) < 0:
        raise BadInput(
            f"{name} split: labels must be integers 0, 1, 2 ..., got {labels.dtype} "
            f"from {labels.min()}"
        )
    if inputs.dtype != np.uint8:
        if inputs.dtype.kind not in "fiub":
            raise BadInput(f"{name} split: inputs must be numbers, got {inputs.dtype}")
        inputs = inputs.astype(np.float32)
        if not np.isfinite(inputs).all():
            raise BadInput(f"{name} split: an input is infinite or NaN in float32")
    # torch maps arrays that it may write to, without a copy
    return Split(np.require(inputs, requirements=["C", "W"]), labels.astype(np.int64))


def channel_moments(inputs: Array) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation a channel (axis 1); a constant channel has deviation 1."""
    axes = (0, *range(2, inputs.ndim))
    mean = inputs.mean(axis=axes, dtype=np.float64)
    std = inputs.std(axis=axes, dtype=np.float64)
    std = np.where(std > 1e-12 * (1 + np.abs(mean)), std, 1.0)
    return tuple(map(float, mean)), tuple(map(float, std))


def content_digest(*splits: Split) -> str:
    """Return a hash of the values of ``splits``, the same wherever and however they are stored."""
    digest = hashlib.sha256()
    for split in splits:
        for array in (split.inputs, split.labels.astype(np.int64)):
            digest.update(f"{array.dtype.newbyteorder('<')}{array.shape}".encode())
            little = array.astype(array.dtype.newbyteorder("<"), copy=False)
            digest.update(np.ascontiguousarray(little).data)
    return digest.hexdigest()[:32]

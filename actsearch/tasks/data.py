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
    """Inputs (n, channels or features, ...) of uint8 or float32, and targets.

    Targets are labels (n,) of an integer, or numbers (n, d) of float32.
    """

    inputs: Array
    targets: Array

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True)
class TrainingData:
    """The two splits, and the mean and standard deviation of the training inputs.

    ``mean`` and ``std`` have one entry a channel (axis 1); ``digest`` is a hash of both splits, by
    which two runs know that they were scored on the same data. ``n_classes`` is None where targets
    are numbers, which stay as they are. Of inputs that are trained on as they are, mean is 0, std
    1, and ``rms`` the root mean square of the training inputs; of standardised ones it is 1.
    """

    train: Split
    validation: Split
    mean: tuple[float, ...]
    std: tuple[float, ...]
    n_classes: int | None
    digest: str
    rms: float = 1.0

    @property
    def standardised(self) -> bool:
        """Whether inputs are trained on as mean 0 and deviation 1, not as they are."""
        return any(self.mean) or any(one != 1 for one in self.std)

    @property
    def targets_settings(self) -> dict[str, int]:
        """What the targets are, as the settings of a task say it."""
        if self.n_classes is not None:
            return {"n_classes": self.n_classes}
        return {"n_targets": self.train.targets.shape[1]}


def training_data(
    train: tuple[Array, Array],
    validation: tuple[Array, Array],
    n_classes: int | None = None,
    *,
    standardise: bool = True,
) -> TrainingData:
    """Build the data of a task from arrays.

    Args:
        train: inputs (n, channels or features, ...) as uint8 or float, and targets: labels (n,)
            0, 1, 2 ... or numbers (n, d) of float.
        validation: the same for the samples that give the score.
        n_classes: number of classes; by default the largest label of ``train`` plus one.
            Not for numbers.
        standardise: train on inputs of mean 0 and deviation 1 a channel; False: on what they are,
            as sparse or non-negative features want it.

    Returns:
        The data, with mean and standard deviation measured on the training inputs.

    Raises:
        BadInput: shapes or targets don't fit together, or a number is not finite.
    """
    splits = [checked_split(*train, name="train"), checked_split(*validation, name="validation")]
    if is_labels(splits[0].targets):
        n_classes = int(splits[0].targets.max()) + 1 if n_classes is None else n_classes
    elif n_classes is not None:
        raise BadInput(f"n_classes={n_classes} is for labels, and these targets are numbers")
    for name, split in zip(("train", "validation"), splits, strict=True):
        if split.inputs.shape[1:] != splits[0].inputs.shape[1:]:
            raise BadInput(
                f"validation inputs have shape {split.inputs.shape[1:]} a sample, train inputs "
                f"{splits[0].inputs.shape[1:]}; they must be the same"
            )
        problem = _problem(split.targets, splits[0].targets, n_classes)
        if problem:
            raise BadInput(f"{name} {problem}")
    digest = content_digest(*splits)
    if not standardise:
        mean, std = as_they_are(splits[0].inputs)
        rms = root_mean_square(splits[0].inputs)
        return TrainingData(splits[0], splits[1], mean, std, n_classes, digest, rms)
    mean, std = channel_moments(splits[0].inputs)
    return TrainingData(splits[0], splits[1], mean, std, n_classes, digest)


def as_they_are(inputs: Array) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return a mean of 0 and a deviation of 1 for each channel (axis 1)."""
    n_channels = inputs.shape[1]
    return (0.0,) * n_channels, (1.0,) * n_channels


def root_mean_square(inputs: Array) -> float:
    """Return the root mean square of all inputs, 1 where all are 0."""
    total = sum(float(np.square(part, dtype=np.float64).sum()) for part in inputs)
    return float(np.sqrt(total / inputs.size)) or 1.0


def is_labels(targets: Array) -> bool:
    """Tell whether targets are labels, not numbers."""
    return targets.ndim == 1


def check_held_out(split: Split, data: TrainingData, task: str) -> None:
    """Refuse a test split that does not go with the data of a task.

    Raises:
        BadInput: inputs or targets have another shape, or a label is none of training.
    """
    if split.inputs.shape[1:] != data.train.inputs.shape[1:]:
        raise BadInput(
            f"test inputs of task '{task}' have shape {split.inputs.shape[1:]} a sample, "
            f"training inputs {data.train.inputs.shape[1:]}"
        )
    if data.n_classes is not None and is_labels(split.targets):
        highest = int(split.targets.max())
        if highest >= data.n_classes:
            raise BadInput(
                f"test labels of task '{task}' go up to {highest}, and those of the training data "
                f"to {data.n_classes - 1}"
            )
    elif split.targets.shape[1:] != data.train.targets.shape[1:]:
        raise BadInput(
            f"test targets of task '{task}' have shape {split.targets.shape[1:]} a sample, "
            f"training targets {data.train.targets.shape[1:]}"
        )


def _problem(targets: Array, like: Array, n_classes: int | None) -> str:
    """Return in words why targets don't go with those of the training split, "" if they do."""
    if targets.shape[1:] != like.shape[1:]:
        return f"targets have shape {targets.shape[1:]} a sample, train targets {like.shape[1:]}"
    if n_classes is not None and int(targets.max()) >= n_classes:
        return f"labels go up to {targets.max()}, but n_classes={n_classes}"
    return ""


def checked_split(inputs: Array, targets: Array, *, name: str) -> Split:
    """Return arrays as a split, inputs as uint8 or float32.

    Raises:
        BadInput: the arrays are no inputs and targets.
    """
    inputs, targets = np.asarray(inputs), np.asarray(targets)
    fit = inputs.ndim >= 2 and targets.ndim in (1, 2) and len(inputs) == len(targets)
    if not fit or not targets.size:
        raise BadInput(
            f"{name} split: inputs must have shape (n, features ...) and labels (n,) or numbers "
            f"(n, d), with n >= 1, got {inputs.shape} and {targets.shape}"
        )
    targets = _checked_labels(targets, name) if is_labels(targets) else _checked(targets, name)
    if inputs.dtype != np.uint8:
        if inputs.dtype.kind not in "fiub":
            raise BadInput(f"{name} split: inputs must be numbers, got {inputs.dtype}")
        inputs = inputs.astype(np.float32)
        if not np.isfinite(inputs).all():
            raise BadInput(f"{name} split: an input is infinite or NaN in float32")
    # torch maps arrays that it may write to, without a copy
    return Split(np.require(inputs, requirements=["C", "W"]), targets)


def _checked_labels(labels: Array, name: str) -> Array:
    if not np.issubdtype(labels.dtype, np.integer) or int(labels.min()) < 0:
        raise BadInput(
            f"{name} split: labels must be integers 0, 1, 2 ..., got {labels.dtype} "
            f"from {labels.min()} (targets that are numbers have shape (n, d))"
        )
    return labels.astype(np.int64)


def _checked(targets: Array, name: str) -> Array:
    if targets.dtype.kind != "f":
        raise BadInput(
            f"{name} split: targets of shape (n, d) must be floats, got {targets.dtype} (labels "
            "have shape (n,))"
        )
    targets = targets.astype(np.float32)
    if not np.isfinite(targets).all():
        raise BadInput(f"{name} split: a target is infinite or NaN in float32")
    return np.require(targets, requirements=["C", "W"])


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
        targets = split.targets.astype(np.int64) if is_labels(split.targets) else split.targets
        for array in (split.inputs, targets):
            digest.update(f"{array.dtype.newbyteorder('<')}{array.shape}".encode())
            little = array.astype(array.dtype.newbyteorder("<"), copy=False)
            digest.update(np.ascontiguousarray(little).data)
    return digest.hexdigest()[:32]

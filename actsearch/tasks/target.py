"""A level that a training has to reach, for comparing how long candidates need to get there."""

from __future__ import annotations

import math
from dataclasses import dataclass

from actsearch.errors import BadInput, unknown

#: What can be waited for -> what it is. All are lower for better.
TARGETS: dict[str, str] = {
    "train-error": "share of training samples put wrong, over the last 100 batches",
    "train-loss": "training loss, over the last 100 batches",
    "validation-error": "share of validation samples put wrong, at the points of the curve",
    "validation-loss": "validation loss, at the points of the curve",
}

WINDOW = 100  # batches


@dataclass(frozen=True)
class Target:
    """End a training when ``metric`` is ``value`` or less.

    Raises:
        BadInput: an unknown metric, or a value that it can't reach.
    """

    metric: str
    value: float

    def __post_init__(self) -> None:
        if self.metric not in TARGETS:
            raise unknown("target", self.metric, TARGETS)
        if self.metric.endswith("-error"):
            if not 0 <= self.value < 1:
                raise BadInput(
                    f"target {self.metric} must be a number from 0 on and below 1, got "
                    f"{self.value:g}"
                )
        elif not math.isfinite(self.value):  # how low a loss can be is the task's affair
            raise BadInput(f"target {self.metric} must be a finite number, got {self.value:g}")

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read ``METRIC=VALUE``, as in ``train-error=0.25``.

        Raises:
            BadInput: it has another form, an unknown metric, or a value out of reach.
        """
        metric, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise BadInput(
                f"a target is given as METRIC=VALUE, for instance train-error=0.25, got '{text}' "
                f"(metrics: {', '.join(TARGETS)})"
            )
        try:
            number = float(value)
        except ValueError:
            raise BadInput(f"target {metric} needs a number after '=', got '{value}'") from None
        return cls(metric, number)

    @property
    def of_training(self) -> bool:
        """Whether it is measured on the training batches."""
        return self.metric.startswith("train-")

    def __str__(self) -> str:
        return f"{self.metric}={self.value:g}"

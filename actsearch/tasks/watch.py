"""What a training is watched for while it runs: a pace, a target, and how long it has taken."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from actsearch.tasks.goals import CLASSIFICATION, Goal, Measured, share_wrong
from actsearch.tasks.protocol import Pace
from actsearch.tasks.target import WINDOW, Target


class Watch:
    """The state of one training's watching; its clock starts when it is made.

    Args:
        until: the target, None for none.
        pace: points (step, least validation score).
        place: where the training's tensors are.
        goal: what the outputs are for, which says how many are wrong.
    """

    def __init__(
        self,
        until: Target | None,
        pace: Pace,
        place: torch.device,
        goal: Goal = CLASSIFICATION,
    ) -> None:
        self._goal = goal
        self.reached: dict[str, float] = {}  # metrics; empty until the target is reached
        self._until = until
        self._pace = dict(pace)
        self._window = torch.zeros(WINDOW, device=place)
        self._begin = time.perf_counter()
        self._away_s = 0.0

    def note(self, step: int, loss: Tensor, outputs: Tensor, targets: Tensor) -> None:
        """Take in a batch, where the target is one of training."""
        if self._until is None or not self._until.of_training:
            return
        with torch.no_grad():
            wrong = self._until.metric == "train-error"
            value = share_wrong(self._goal, outputs, targets) if wrong else loss.detach()
            self._window[(step - 1) % WINDOW] = value

    def training_reached(self, step: int) -> bool:
        """Return whether a target of training is reached, by the last ``WINDOW`` batches."""
        if self._until is None or not self._until.of_training or step < WINDOW:
            return False
        return self._compare(step, float(self._window.mean()), time.perf_counter())

    def validation_reached(self, step: int, measured: Measured, at: float) -> bool:
        """Return whether a target of validation is reached.

        Args:
            step: how many steps were made.
            measured: on validation samples.
            at: what ``away`` gave.
        """
        if self._until is None or self._until.of_training:
            return False
        value = measured.loss
        if self._until.metric == "validation-error":
            assert measured.accuracy is not None  # the goal would have refused the target
            value = 1 - measured.accuracy
        return self._compare(step, value, at)

    @contextmanager
    def away(self) -> Iterator[float]:
        """Stop the clock inside; gives the moment at which it stopped."""
        stopped = time.perf_counter()
        yield stopped
        self._away_s += time.perf_counter() - stopped

    def behind(self, step: int, score: float) -> str:
        """Return in words how a score is behind the pace at ``step``, "" if it is not."""
        least = self._pace.get(step)
        if least is None or score >= least:
            return ""
        return f"{score:.4g} after {step} steps is behind the pace, {least:.4g}"

    def _compare(self, step: int, value: float, at: float) -> bool:
        assert self._until is not None
        if not value <= self._until.value:
            return False
        seconds = at - self._begin - self._away_s
        self.reached = {"reached_step": float(step), "reached_s": seconds}
        return True

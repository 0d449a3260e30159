"""What is recorded of a training that is not made, since another of its candidate never ended."""

from __future__ import annotations

from actsearch.runs import TrainingRow
from actsearch.tasks.protocol import TIMEOUT, Training


def not_made(training: Training, culprit: TrainingRow) -> TrainingRow:
    """Return the row of a training that is left out.

    Args:
        training: what was to be trained.
        culprit: the training of the same candidate that crashed or hung whenever it was tried.
    """
    what = "timed out" if culprit.status == TIMEOUT else "crashed"
    return TrainingRow(
        birth_id=culprit.birth_id,
        rung=training.rung,
        seed=training.seed,
        status=culprit.status,
        score=None,
        metrics={},
        curve=(),
        time_s=0.0,
        device=culprit.device,
        message=f"not run: quarantined, as rung {culprit.rung}, seed {culprit.seed} {what}",
    )

"""Several tasks as one: a formula is scored by its mean standardised gain over ReLU on all of them.

The driver trains ReLU once (``reference.py``); a training of the joint task is one training on each
of its parts. What the parts score in their own units is kept in the metrics.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import Any

from actsearch.errors import BadInput, shorten, unknown
from actsearch.tasks.known import known_of
from actsearch.tasks.protocol import (
    FAILED,
    OK,
    STOPPED,
    CompilesAhead,
    Record,
    Rung,
    Task,
    Training,
    inputs_of,
    names_channels,
)
from actsearch.tasks.reference import REFERENCE, NoReference, Reference, Stopped

SCORE_NAME = "mean standardised gain over ReLU"


class JointTask:
    """Tasks that a formula has to do well on together. Implements ``Task`` and ``CompilesAhead``.

    The score at a rung and seed is the mean over the tasks of (score - ReLU's score at that rung
    and seed) / deviation of ReLU's scores over the seeds of the task's last rung. A rung is the
    tasks' rungs at the same place of their ladders; it has the name of the first task's. A curve
    has the steps summed, the mean training loss, and validation scores standardised as the score
    is (the reference being ReLU's final score): averages of bare scores would mean nothing. The
    pace of a training is ignored.

    Args:
        tasks: Two or more, with different names.

    Raises:
        BadInput: Too few tasks, two of one name, one that ReLU is no activation for, ladders of
            different lengths, or no common seeds.
    """

    score_name = SCORE_NAME

    def __init__(self, tasks: Sequence[Task]) -> None:
        names = [task.name for task in tasks]
        if len(tasks) < 2:
            raise BadInput(
                f"several tasks at once are two or more, got {', '.join(names) or 'none'}"
            )
        doubled = next((name for name in names if names.count(name) > 1), None)
        if doubled is not None:
            raise BadInput(f"task '{shorten(doubled)}' is given twice; name each task once")
        for task in tasks:
            known = known_of(task)
            if REFERENCE not in known.values():
                raise BadInput(
                    f"task '{shorten(task.name)}' can't be one of several at once: scores are "
                    f"joined as gains over ReLU, which is none of its known activations "
                    f"({', '.join(known)}); give it alone"
                )
        self.tasks = tuple(tasks)
        self.name = "+".join(names)
        given = [inputs_of(task) for task in self.tasks]
        self.inputs = tuple(name for name in given[0] if all(name in one for one in given))
        self.rungs = _joint_rungs(self.tasks)
        self._references = tuple(Reference(task) for task in self.tasks)

    @property
    def n_places(self) -> int | None:
        """Fewest activation layers of the tasks that say how many they have; None if none does."""
        places = [getattr(task, "n_places", None) for task in self.tasks]
        return min((n for n in places if n is not None), default=None)

    @property
    def names_channels(self) -> bool:
        """Whether the networks of all tasks say at each activation how many channels there are."""
        return all(names_channels(task) for task in self.tasks)

    def prepare(self) -> None:
        """Prepare the tasks, and train ReLU on each unless that was done before on this machine.

        It is trained on the CPU; a worker that has a GPU does so there, with its first training.

        Raises:
            BadInput: a task can't be prepared, or ReLU gets no score on it.
            ActsearchError: the cache can't be written.
        """
        for task in self.tasks:
            task.prepare()
        for reference in self._references:
            reference.prepare()

    def settings(self) -> dict[str, Any]:
        """Return what decides a score: the settings of the tasks, and how they are joined."""
        return {
            "task": self.name,
            "score": self.score_name,
            "reference": REFERENCE,
            "rungs": [rung.settings() for rung in self.rungs],
            "tasks": [task.settings() for task in self.tasks],
        }

    def compile(self, formulas: Sequence[str], device: str = "cpu") -> None:
        """Let the tasks that can do so get formulas ready."""
        for task in self.tasks:
            if isinstance(task, CompilesAhead):
                task.compile(formulas, device=device)

    def train(
        self, trainings: Sequence[Training], *, device: str = "cpu", deadline: float | None = None
    ) -> list[Record]:
        """Train each of ``trainings`` on the tasks in turn; a failure on one ends that training.

        Raises:
            BadInput: the rung is not one of the task, or the data can't be had.
            ActsearchError: the cache can't be written.
        """
        places = {rung.name: place for place, rung in enumerate(self.rungs)}
        for training in trainings:
            if training.rung not in places:
                raise unknown("rung", training.rung, places)
        parts: list[list[_Part]] = [[] for _ in trainings]
        for task, reference in zip(self.tasks, self._references, strict=True):
            open_ = [k for k, done in enumerate(parts) if all(part.ok for part in done)]
            wanted = [
                dataclasses.replace(
                    trainings[k], rung=task.rungs[places[trainings[k].rung]].name, pace=()
                )
                for k in open_
            ]
            records = task.train(wanted, device=device, deadline=deadline) if wanted else []
            for k, record in zip(open_, records, strict=True):
                parts[k].append(_part(task, reference, record, device, deadline))
        return [_joined(*pair, device) for pair in zip(trainings, parts, strict=True)]


@dataclasses.dataclass(frozen=True)
class _Part:
    """What came of a training on one of the tasks, with what its score is measured by."""

    task: str
    record: Record
    control: float = 0.0
    deviation: float = 1.0

    @property
    def ok(self) -> bool:
        return self.record.status == OK

    def gain(self, score: float) -> float:
        """Return a score of this task as a gain over ReLU, in deviations."""
        return (score - self.control) / self.deviation


def _part(
    task: Task, reference: Reference, record: Record, device: str, deadline: float | None
) -> _Part:
    if record.status != OK:
        return _Part(task.name, record)
    if record.score is None or not math.isfinite(record.score):
        message = f"a record of status 'ok' has the score {record.score!r:.40}"
        return _Part(task.name, dataclasses.replace(record, status=FAILED, message=message))
    try:
        control, deviation = reference.control(record, device, deadline)
    except Stopped:
        return _Part(task.name, dataclasses.replace(record, status=STOPPED))
    except NoReference as error:
        return _Part(task.name, dataclasses.replace(record, status=FAILED, message=str(error)))
    return _Part(task.name, record, control, deviation)


def _joined(training: Training, parts: Sequence[_Part], device: str) -> Record:
    """Return the joint record: the score of all, or the failure of the last that was trained."""
    last = parts[-1]
    score = None
    metrics: dict[str, float] = {}
    for part in parts:
        metrics |= {f"{part.task}: {key}": value for key, value in part.record.metrics.items()}
        if part.ok and part.record.score is not None:
            metrics[f"{part.task}: score"] = part.record.score
            metrics[f"{part.task}: gain"] = part.gain(part.record.score)
    if last.ok:
        score = statistics.fmean(metrics[f"{part.task}: gain"] for part in parts)
    messages = [f"on {part.task}: {part.record.message}" for part in parts if part.record.message]
    if not last.ok and not last.record.message:
        messages.append(f"on {last.task}: {last.record.status}")
    return Record(
        formula=training.formula,
        rung=training.rung,
        seed=training.seed,
        status=last.record.status,
        score=score,
        metrics=metrics,
        curve=_joint_curve(parts) if last.ok else (),
        time_s=math.fsum(part.record.time_s for part in parts),
        device=device,
        message=shorten("; ".join(messages), 300),
    )


def _joint_curve(parts: Sequence[_Part]) -> tuple[tuple[int, float, float], ...]:
    """Join the curves point by point; of a longer one the last points count, for the common end."""
    n_points = min(len(part.record.curve) for part in parts)
    if n_points == 0:
        return ()
    points = zip(*(part.record.curve[-n_points:] for part in parts), strict=True)
    return tuple(
        (
            sum(step for step, _, _ in together),
            statistics.fmean(loss for _, loss, _ in together),
            statistics.fmean(
                part.gain(score) for part, (_, _, score) in zip(parts, together, strict=True)
            ),
        )
        for together in points
    )


def _joint_rungs(tasks: Sequence[Task]) -> tuple[Rung, ...]:
    ladders = [tuple(task.rungs) for task in tasks]
    if len({len(ladder) for ladder in ladders}) > 1:
        counts = ", ".join(
            f"{t.name} {len(rungs)}" for t, rungs in zip(tasks, ladders, strict=True)
        )
        raise BadInput(
            f"tasks that are trained together need equally many rungs, got {counts}; run them one "
            "by one, or give your own task as many"
        )
    rungs = []
    for level in zip(*ladders, strict=True):
        seeds = tuple(s for s in level[0].seeds if all(s in rung.seeds for rung in level[1:]))
        if not seeds:
            listed = "; ".join(
                f"{task.name} {', '.join(map(str, rung.seeds))}"
                for task, rung in zip(tasks, level, strict=True)
            )
            raise BadInput(
                f"tasks that are trained together need a common seed at each rung, got for "
                f"'{level[0].name}' {shorten(listed, 200)}"
            )
        rungs.append(Rung(level[0].name, sum(rung.steps for rung in level), seeds))
    return tuple(rungs)

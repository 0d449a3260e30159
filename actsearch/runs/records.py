"""The records a run is made of: births, heats, trainings, and the trials that confirm.

Plain frozen values without behaviour, so that the search, the tables and the report can share them
and two stores can be compared with ``==``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

ACCEPTED = "accepted"  # to be trained
REJECTED = "rejected"  # failed a static check; the reason says which
SCREENED = "screened"  # a sibling promised more, or it trains as another did; the reason says
DUPLICATE = "duplicate"  # the same function as an earlier birth, whose scores count for it

BIRTH_STATUSES = (ACCEPTED, REJECTED, SCREENED, DUPLICATE)

OK = "ok"
STOPPED = "stopped"  # ended with the search's budget: no result, so never kept
TIMEOUT = "timeout"  # ended by a limit of its own: a result, as a crash is

#: What a kept training may have come to; only the first carries a score.
TRAINING_STATUSES = (OK, "diverged", "failed", "crashed", TIMEOUT, "no signal", "pruned")

#: What a training came to that never ended by itself, however often it was tried. The others of its
#: candidate, of those that were to come after it, are then not made.
NO_END = ("crashed", TIMEOUT)


@dataclass(frozen=True)
class Birth:
    """One formula that the search made, whether or not it was worth training.

    ``parents`` are ids of earlier births, ``operator`` is what made this one of them. ``reason``
    is given for the rejected and the screened, ``same_as`` (an earlier id) for the duplicates.
    ``created_s`` is Unix time. ``penalty`` is what the space's soft conditions take off its score
    wherever candidates are ranked.
    """

    id: int
    operator: str
    parents: tuple[int, ...]
    formula: str
    fingerprint: str | None
    status: str
    reason: str = ""
    same_as: int | None = None
    size: int = 0
    created_s: float = 0.0
    penalty: float = 0.0


@dataclass(frozen=True)
class Heat:
    """What one candidate is asked to run next: trainings at one rung, decided at one moment.

    ``id`` counts the decisions of a run, so heats are its log; ``seen`` says of how many heats the
    results were known to this one. ``pace`` holds points (step, least
    validation score); a training that falls below one of them is ended.
    """

    id: int
    birth_id: int
    rung: str
    seeds: tuple[int, ...]
    pace: tuple[tuple[int, float], ...] = ()
    seen: int = 0


@dataclass(frozen=True)
class TrainingRow:
    """One training of a birth at one rung and seed, and what came of it.

    ``score`` is higher for better and None unless ``status`` is "ok"; ``curve`` holds a few
    points (step, training loss, validation score).
    """

    birth_id: int
    rung: str
    seed: int
    status: str
    score: float | None
    metrics: dict[str, float]
    curve: tuple[tuple[int, float, float], ...]
    time_s: float
    device: str
    message: str = ""

    @classmethod
    def of(cls, birth_id: int, record: object) -> TrainingRow:
        """Make the row that keeps ``record`` as a training of the birth ``birth_id``.

        Args:
            birth_id: the birth that was trained.
            record: what a task answers; it has every field of a row but the first. This room does
                not know the one that it comes from.
        """
        values = {field.name: getattr(record, field.name) for field in fields(cls)[1:]}
        return cls(birth_id=birth_id, **values)


@dataclass(frozen=True)
class TrialRow:
    """One training that confirms: a formula on a task with a fresh seed, scored on ``split``.

    ``split`` is "test", or "validation" for a task without held-out data. The other fields are
    those of ``TrainingRow``.
    """

    task: str
    split: str
    formula: str
    seed: int
    status: str
    score: float | None
    metrics: dict[str, float]
    curve: tuple[tuple[int, float, float], ...]
    time_s: float
    device: str
    message: str = ""

    @classmethod
    def of(cls, task: str, split: str, record: object) -> TrialRow:
        """Make the row that keeps ``record`` (as a task answers it) as a trial on ``task``."""
        names = [field.name for field in fields(cls)[2:]]
        return cls(task=task, split=split, **{name: getattr(record, name) for name in names})


@dataclass(frozen=True)
class Session:
    """One stretch of work on a run, from start or resume to its end.

    ``active_s`` counts the seconds up to the last commit of a session that was killed (then
    ``end_s`` is None), so that a time budget survives any kind of end. ``info`` is what the
    session was asked for (budget, workers, devices, added seeds).
    """

    id: int
    begin_s: float
    end_s: float | None
    active_s: float
    info: dict[str, object]
    outcome: str = ""

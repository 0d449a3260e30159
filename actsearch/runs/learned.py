"""What trainings made of a formula's learnable parameters, layer by layer.

A training that gave a score says what each parameter was at its end, as metrics: ``p0[1]`` is p0 in
the second activation layer, and its mean over the channels where each has its own; ``p0_sd[1]`` is
then the standard deviation over them. A joint task puts its part's name in front. Those of the
longest rung count: a short training moves parameters a part of the way.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from actsearch.runs.records import OK

if TYPE_CHECKING:
    from actsearch.expressions import Candidate

_METRIC = re.compile(r"(?:(.+): )?(p[0-9]{1,2})(_sd)?\[([0-9]{1,4})\]")


class Trained(Protocol):
    """What is asked of a training: a row of the store, or a task's own record."""

    @property
    def rung(self) -> str:
        """The rung's name."""

    @property
    def seed(self) -> int:
        """Its seed."""

    @property
    def status(self) -> str:
        """What came of it."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """Its measures by name."""

    @property
    def curve(self) -> Sequence[tuple[int, float, float]]:
        """Points (step, training loss, score)."""


@dataclass(frozen=True)
class Learned:
    """One parameter in one layer.

    Attributes:
        parameter: As the formula names it.
        layer: Which activation, in the order in which they were built.
        start: Where it started; None where the formula is not known.
        mean: Over the seeds.
        deviation: Sample standard deviation over the seeds, None of a single one.
        channel_deviation: Standard deviation over the channels, mean over the seeds; None where all
            channels share one value.
        n: Number of seeds.
        values: Pairs of seed and value.
        task: Of a joint task the part that it was learned on, else "".
    """

    parameter: str
    layer: int
    start: float | None
    mean: float
    deviation: float | None
    channel_deviation: float | None
    n: int
    values: tuple[tuple[int, float], ...]
    task: str = ""


def learned(
    trainings: Iterable[Trained],
    expression: Candidate | None = None,
    ladder: Sequence[str] | None = None,
) -> tuple[Learned, ...]:
    """Return what the parameters of one formula became.

    Args:
        trainings: Those of the formula, at any rungs; those of the longest with status "ok" count.
        expression: The formula, for where its parameters started.
        ladder: Names of the rungs, the shortest first. None: the rung of the most steps, by the
            ends of the curves, is the longest.

    Returns:
        By task, parameter and layer; () where nothing was learned.
    """
    from actsearch.expressions import Expression

    values: dict[tuple[str, str, int], dict[int, float]] = {}
    spreads: dict[tuple[str, str, int], list[float]] = {}
    for training in _of_longest_rung(trainings, ladder):
        for name, value in training.metrics.items():
            match = _METRIC.fullmatch(name)
            if match is None or not math.isfinite(value):
                continue
            key = (match[1] or "", match[2], int(match[4]))
            if match[3]:
                spreads.setdefault(key, []).append(value)
            else:
                values.setdefault(key, {})[training.seed] = value
    found = []
    for key in sorted(values, key=lambda key: (key[0], int(key[1][1:]), key[2])):
        task, parameter, layer = key
        by_seed = dict(sorted(values[key].items()))
        # Of a formula for each group of layers, parameters of one name start in many places.
        given = isinstance(expression, Expression) and parameter in expression.parameters
        found.append(
            Learned(
                parameter=parameter,
                layer=layer,
                start=expression.start_of(parameter) if given else None,  # type: ignore[union-attr]
                mean=statistics.fmean(by_seed.values()),
                deviation=statistics.stdev(by_seed.values()) if len(by_seed) > 1 else None,
                channel_deviation=statistics.fmean(spreads[key]) if key in spreads else None,
                n=len(by_seed),
                values=tuple(by_seed.items()),
                task=task,
            )
        )
    return tuple(found)


def learned_means(
    trainings: Iterable[Trained], ladder: Sequence[str] | None = None
) -> dict[str, float]:
    """Return each parameter's mean over layers and seeds, by its name.

    The arguments are those of ``learned``.
    """
    by_name: dict[str, list[float]] = {}
    for one in learned(trainings, ladder=ladder):
        by_name.setdefault(one.parameter, []).extend(value for _, value in one.values)
    return {name: statistics.fmean(values) for name, values in by_name.items()}


def _of_longest_rung(
    trainings: Iterable[Trained], ladder: Sequence[str] | None
) -> list[Trained]:
    scored = [one for one in trainings if one.status == OK]
    if not scored:
        return []
    if ladder is None:
        longest = max(scored, key=lambda one: one.curve[-1][0] if one.curve else 0).rung
    else:
        reached = {one.rung for one in scored}
        longest = next((rung for rung in reversed(ladder) if rung in reached), scored[-1].rung)
    return [one for one in scored if one.rung == longest]

"""What the trainings of a comparison say of each activation: means, pairs, speed, signal, curve.

Pure functions of the records; ``compare`` trains them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from actsearch.expressions import parse_candidate
from actsearch.results.statistics import Paired, holm, mean_and_error, paired
from actsearch.runs import Learned, learned
from actsearch.tasks.protocol import Record
from actsearch.trials.saved import Contestant


@dataclass(frozen=True)
class CurvePoint:
    """The mean validation score of ``n`` trainings at a step, and its standard error."""

    step: int
    mean: float
    standard_error: float | None
    n: int


@dataclass(frozen=True)
class Entry:
    """One activation in a comparison.

    ``difference`` is its score minus the reference's at the ``n_pairs`` common seeds, with an
    interval ``low`` to ``high``; ``holm_p`` corrects ``t_p`` for the number of comparisons.
    With a target there is no difference, as trainings that end there are of unequal lengths:
    ``steps_ratio`` is the geometric mean of its steps over the reference's, at the ``n_pairs``
    seeds where both reach it, and the p-values and the effect size are of the steps' logarithms.
    ``reached_step`` and ``reached_s`` are means over the ``n_reached`` trainings that reached the
    target. ``n_parameters`` is how many the network learns with it. Signals are means over layers
    and seeds; None where the task measures none. ``learned`` is what the activation's parameters
    became. ``failure`` says how the first training without a score ended.
    """

    name: str
    formula: str
    mean: float | None
    standard_error: float | None
    n: int
    n_failed: int
    failure: str | None = None
    learning_rate: float | None = None
    n_pairs: int = 0
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    steps_ratio: float | None = None
    steps_ratio_low: float | None = None
    steps_ratio_high: float | None = None
    t_p: float | None = None
    wilcoxon_p: float | None = None
    holm_p: float | None = None
    effect_size: float | None = None
    n_reached: int | None = None
    reached_step: float | None = None
    reached_step_error: float | None = None
    reached_s: float | None = None
    reached_s_error: float | None = None
    dead_units: float | None = None
    saturated: float | None = None
    output_mean: float | None = None
    n_parameters: int | None = None
    curve: tuple[CurvePoint, ...] = ()
    scores: tuple[tuple[int, float], ...] = ()
    learned: tuple[Learned, ...] = ()


def entries_of(
    entrants: Sequence[Contestant],
    records: Mapping[str, Mapping[int, Record]],
    rates: Mapping[str, float | None],
    reference: str | None,
    has_target: bool,
) -> list[Entry]:
    """Return what the trainings say of each activation, the best (or fastest) first.

    Args:
        entrants: the activations.
        records: formula -> seed -> training.
        rates: formula -> the learning rate that it was trained with.
        reference: formula to compare the others with; None: the first.
        has_target: whether a target was to be reached; then the steps to it are compared, and the
            order is that of their means, with those that never reach it at the end.
    """
    scores = {
        formula: {s: r.score for s, r in by_seed.items() if r.score is not None}
        for formula, by_seed in records.items()
    }
    steps = {formula: _steps(by_seed) for formula, by_seed in records.items()}

    def place(one: Contestant) -> tuple[float, float]:
        speed = _mean(steps[one.formula], math.inf) if has_target else 0.0
        return speed, -_mean(scores[one.formula], -math.inf)

    order = sorted(entrants, key=place)
    if reference is None:
        reference = order[0].formula
    logs = {f: {s: math.log(step) for s, step in by.items()} for f, by in steps.items()}
    of_what = logs if has_target else scores
    compared = {
        one.formula: paired(of_what[one.formula], of_what[reference])
        for one in entrants
        if one.formula != reference
    }
    pairs = {formula: pair for formula, pair in compared.items() if pair is not None}
    adjusted = dict(zip(pairs, holm([p.t_p for p in pairs.values()]), strict=True))
    return [
        _entry(
            one,
            records[one.formula],
            scores[one.formula],
            rates.get(one.formula),
            pairs.get(one.formula),
            adjusted.get(one.formula),
            has_target,
        )
        for one in order
    ]


def _entry(
    one: Contestant,
    records: Mapping[int, Record],
    scores: Mapping[int, float],
    rate: float | None,
    pair: Paired | None,
    holm_p: float | None,
    has_target: bool,
) -> Entry:
    mean, error = mean_and_error(list(scores.values())) if scores else (None, None)
    trained = [records[seed] for seed in sorted(scores)]
    steps = list(_steps(records).values())
    times = [r.metrics["reached_s"] for r in trained if "reached_s" in r.metrics]
    step, step_error = mean_and_error(steps) if steps else (None, None)
    time_s, time_error = mean_and_error(times) if times else (None, None)
    return Entry(
        name=one.name,
        formula=one.formula,
        mean=mean,
        standard_error=error,
        n=len(scores),
        n_failed=len(records) - len(scores),
        failure=next(
            (
                ": ".join(filter(None, (record.status, record.message)))
                for _, record in sorted(records.items())
                if record.score is None
            ),
            None,
        ),
        learning_rate=rate,
        n_pairs=pair.n if pair else 0,
        difference=pair.mean if pair and not has_target else None,
        low=pair.low if pair and not has_target else None,
        high=pair.high if pair and not has_target else None,
        steps_ratio=math.exp(pair.mean) if pair and has_target else None,
        steps_ratio_low=math.exp(pair.low) if pair and has_target else None,
        steps_ratio_high=math.exp(pair.high) if pair and has_target else None,
        t_p=pair.t_p if pair else None,
        wilcoxon_p=pair.wilcoxon_p if pair else None,
        holm_p=holm_p,
        effect_size=pair.effect_size if pair else None,
        n_reached=len(steps) if has_target else None,
        reached_step=step,
        reached_step_error=step_error,
        reached_s=time_s,
        reached_s_error=time_error,
        dead_units=_signal(trained, "dead_units"),
        saturated=_signal(trained, "saturated"),
        output_mean=_signal(trained, "output_mean"),
        n_parameters=next(
            (int(r.metrics["n_parameters"]) for r in trained if "n_parameters" in r.metrics), None
        ),
        curve=mean_curve(trained),
        scores=tuple(sorted(scores.items())),
        learned=learned(trained, parse_candidate(one.formula)),
    )


def mean_curve(records: Iterable[Record]) -> tuple[CurvePoint, ...]:
    """Return the mean validation score at each step that a curve has a point at."""
    at_step: dict[int, list[float]] = {}
    for record in records:
        for step, _, score in record.curve:
            if math.isfinite(score):
                at_step.setdefault(step, []).append(score)
    return tuple(
        CurvePoint(step, *mean_and_error(values), len(values))
        for step, values in sorted(at_step.items())
    )


def _steps(records: Mapping[int, Record]) -> dict[int, float]:
    """Return seed -> the step at which a training reached the target, at least 1."""
    return {
        seed: max(1.0, record.metrics["reached_step"])
        for seed, record in sorted(records.items())
        if record.score is not None and "reached_step" in record.metrics
    }


def _mean(values: Mapping[int, float], without: float) -> float:
    return mean_and_error(list(values.values()))[0] if values else without


def _signal(records: Iterable[Record], name: str) -> float | None:
    """Return the mean over seeds and layers of the metrics ``name[0]``, ``name[1]`` ..."""
    values = [
        value
        for record in records
        for key, value in record.metrics.items()
        if key.startswith(f"{name}[")
    ]
    return mean_and_error(values)[0] if values else None

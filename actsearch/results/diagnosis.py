"""What the looks into networks while they train say: means over seeds, and findings in words.

Pure functions of the records' metrics, as ``tasks.diagnosis`` names them; ``trials.diagnose`` has
the networks trained.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from actsearch.results.statistics import mean_and_error

#: The first layer's gradient over the last's: below this gradients vanish, above its inverse they
#: explode. A hundredth is what four layers with slopes of 0.25 (sigmoid at 0) and a little leave.
VANISHED = 1e-2
#: Deviation of the last layer's outputs over the first's: below this the signal fades, above its
#: inverse it swells.
FADED = 1e-1
#: Units without a gradient, in some layer.
DEAD = 0.01
#: Entries with |f'| < 0.01, over all layers.
SATURATED = 0.25
#: |mean| over deviation of the outputs, in some layer.
OFF_ZERO = 0.25
#: Outputs that are exactly 0, over all layers.
SPARSE = 0.2
_MOSTLY = 0.9

_METRIC = re.compile(r"(\w+)\[(\d+)\]@(\d+)")
#: Means of these are geometric: they differ by orders of magnitude between seeds and layers.
_GEOMETRIC = frozenset({"gradient"})


@dataclass(frozen=True)
class LayerFinding:
    """One activation layer after ``step`` steps: means over the ``n`` trainings that got there.

    ``gradient`` is a geometric mean, infinite where one was not finite; ``off_zero`` is |mean| over
    deviation of the outputs. None where another measure was not finite. What is measured:
    ``tasks.diagnosis.LayerLook``.
    """

    step: int
    layer: int
    n: int
    dead_units: float | None
    saturated: float | None
    gradient: float | None
    output_mean: float | None
    output_deviation: float | None
    off_zero: float | None
    zeros: float | None
    near_zero: float | None


#: What is measured of a layer, by the names of the fields.
MEASURES = tuple(
    field.name for field in fields(LayerFinding) if field.name not in ("step", "layer", "n")
)


@dataclass(frozen=True)
class Reach:
    """How much of the last layer's gradient reaches the first after ``step`` steps.

    ``ratio`` is the geometric mean over seeds, ``low`` and ``high`` are the least and the largest.
    """

    step: int
    ratio: float
    low: float
    high: float


@dataclass(frozen=True)
class Finding:
    """One activation, trained in one way.

    ``depth`` and ``learning_rate`` are None where they are the task's own. ``mean`` is the
    validation score of the ``n`` trainings that have one. ``failure`` says how the first of the
    others ended. ``layers`` go by step, then by layer. ``sentences`` are what is to be said of the
    start and of the last look.
    """

    name: str
    formula: str
    depth: int | None
    learning_rate: float | None
    mean: float | None
    standard_error: float | None
    n: int
    n_failed: int
    failure: str | None
    layers: tuple[LayerFinding, ...]
    reach: tuple[Reach, ...]
    sentences: tuple[str, ...]

    def at(self, step: int) -> tuple[LayerFinding, ...]:
        """Return the layers after ``step`` steps."""
        return tuple(one for one in self.layers if one.step == step)

    @property
    def steps(self) -> tuple[int, ...]:
        """After which steps there are looks; none where no training began."""
        return tuple(sorted({one.step for one in self.layers}))


@dataclass(frozen=True)
class Diagnosis:
    """What looks into networks came to; the findings are in the order that was asked for."""

    task: str
    score_name: str
    seeds: tuple[int, ...]
    looks: tuple[int, ...]
    initialisation: str
    findings: tuple[Finding, ...]


#: step -> layer -> measure -> value, of one training.
Looked = dict[int, dict[int, dict[str, float]]]


def looked(metrics: Mapping[str, float]) -> Looked:
    """Return what a record's metrics say of layers at steps; other metrics are passed over."""
    found: Looked = {}
    for key, value in metrics.items():
        match = _METRIC.fullmatch(key)
        if match is not None:
            name, layer, step = match[1], int(match[2]), int(match[3])
            found.setdefault(step, {}).setdefault(layer, {})[name] = value
    for layers in found.values():
        for measures in layers.values():
            mean, deviation = measures.get("output_mean"), measures.get("output_deviation")
            if mean is not None and deviation:
                measures["off_zero"] = abs(mean) / deviation
            # A share is always finite: this layer was looked at, and its gradient was not.
            if "dead_units" in measures:
                measures.setdefault("gradient", math.inf)
    return found


def layer_findings(trainings: Sequence[Looked]) -> tuple[LayerFinding, ...]:
    """Return the means over trainings, by step and layer."""
    places = sorted(
        {(s, layer) for one in trainings for s, layers in one.items() for layer in layers}
    )
    findings = []
    for step, layer in places:
        there = [one[step][layer] for one in trainings if layer in one.get(step, {})]
        means = {
            name: _mean(name, [measures[name] for measures in there if name in measures])
            for name in MEASURES
        }
        findings.append(LayerFinding(step, layer, len(there), **means))
    return tuple(findings)


def reaches(trainings: Sequence[Looked]) -> tuple[Reach, ...]:
    """Return the first layer's gradient over the last's at each step, where the last has one.

    It is infinite where the first layer's is.
    """
    by_step: dict[int, list[float]] = {}
    for one in trainings:
        for step, layers in one.items():
            gradients = [layers[layer].get("gradient", 0.0) for layer in (min(layers), max(layers))]
            if 0 < gradients[1] < math.inf and len(layers) > 1:
                by_step.setdefault(step, []).append(gradients[0] / gradients[1])
    return tuple(
        Reach(step, geometric_mean(ratios), min(ratios), max(ratios))
        for step, ratios in sorted(by_step.items())
    )


def geometric_mean(values: Sequence[float]) -> float:
    """Return the geometric mean of one value or more, none below 0; 0 where one is."""
    if min(values) == 0:
        return 0.0
    return math.exp(math.fsum(map(math.log, values)) / len(values))


def _mean(name: str, values: Sequence[float]) -> float | None:
    if not values:
        return None
    return geometric_mean(values) if name in _GEOMETRIC else mean_and_error(list(values))[0]


def sentences(layers: Sequence[LayerFinding], reach: Sequence[Reach]) -> tuple[str, ...]:
    """Return what stands out, by the thresholds above, at the start and at the last look.

    Args:
        layers: at all looks.
        reach: at all looks.
    """
    if not layers:
        return ()
    first, last = min(one.step for one in layers), max(one.step for one in layers)
    now = [one for one in layers if one.step == last]
    said = [
        *_of_gradients(reach, first, last),
        *_of_signal([one for one in layers if one.step == first], first),
        *_of_dead(now),
        *_of_constants(now),
        *_of_centre(now),
        *_of_zeros(now),
    ]
    return tuple(said) or ("nothing stands out",)


def _of_gradients(reach: Sequence[Reach], first: int, last: int) -> Iterable[str]:
    by_step = {one.step: one.ratio for one in reach}
    told = [(step, by_step[step]) for step in dict.fromkeys((first, last)) if step in by_step]
    n_said = 0
    for verb, unit, is_so in (
        ("vanish", "of", lambda ratio: ratio < VANISHED),
        ("explode", "times", lambda ratio: ratio >= 1 / VANISHED),
    ):
        if any(is_so(ratio) for _, ratio in told):
            (step, ratio), *later = told
            then = "".join(f", {ratio:.2g} {_when(step)}" for step, ratio in later)
            yield (
                f"gradients {verb}: the first layer gets {ratio:.2g} {unit} the last's "
                f"{_when(step)}{then}"
            )
            n_said += 1
    if told and not n_said:
        yield f"gradients reach the first layer: {told[-1][1]:.2g} of the last's"


def _of_signal(start: Sequence[LayerFinding], first: int) -> Iterable[str]:
    deviations = [one.output_deviation for one in start if one.output_deviation is not None]
    if len(deviations) < 2 or not deviations[0]:
        return
    ratio = deviations[-1] / deviations[0]
    verb = "fades" if ratio < FADED else "swells" if ratio > 1 / FADED else None
    if verb is not None:
        yield (
            f"the signal {verb}: outputs deviate by {deviations[0]:.2g} in the first layer, by "
            f"{deviations[-1]:.2g} in the last {_when(first)}"
        )


def _of_dead(now: Sequence[LayerFinding]) -> Iterable[str]:
    dead = [(one.dead_units, one.layer) for one in now if one.dead_units is not None]
    if not dead or max(dead)[0] < DEAD:
        return
    worst, layer = max(dead, key=lambda pair: pair[0])
    overall, _ = mean_and_error([share for share, _ in dead])
    where = "" if percent(worst) == percent(overall) else f" ({percent(worst)} in layer {layer})"
    yield f"{percent(overall)} of the units are dead{where}"


def _of_constants(now: Sequence[LayerFinding]) -> Iterable[str]:
    for one in now:
        if one.output_deviation == 0 and one.output_mean is not None:
            yield f"the outputs of layer {one.layer} don't vary: all are {one.output_mean:.2g}"


def _of_centre(now: Sequence[LayerFinding]) -> Iterable[str]:
    off = [one for one in now if one.off_zero is not None]
    worst = max(off, key=lambda one: one.off_zero or 0.0, default=None)
    if worst is None or worst.off_zero is None or worst.off_zero < OFF_ZERO:
        return
    yield (
        f"not zero-centred: mean {worst.output_mean:.2g} in layer {worst.layer}, "
        f"{worst.off_zero:.2g} deviations off 0"
    )


def _of_zeros(now: Sequence[LayerFinding]) -> Iterable[str]:
    zeros, saturated = (_over_layers(now, name) or 0.0 for name in ("zeros", "saturated"))
    told = [f"{percent(zeros)} zeros"] if zeros >= SPARSE else []
    if saturated >= SATURATED:
        # The zeros of ReLU are saturated, and nothing else of it is.
        alike = bool(told) and zeros >= _MOSTLY * saturated
        told.append("about as many saturated" if alike else f"{percent(saturated)} saturated")
    if told:
        yield " and ".join(told)


def _over_layers(layers: Iterable[LayerFinding], name: str) -> float | None:
    values = [value for one in layers if (value := getattr(one, name)) is not None]
    return mean_and_error(values)[0] if values else None


def _when(step: int) -> str:
    return "at the start" if step == 0 else f"after {step} step{'s' * (step != 1)}"


def percent(share: float | None) -> str:
    """Write a share in per cent: whole ones, but for what lies next to 0 and 100."""
    if share is None:
        return ""
    value = 100 * share
    if 0 < value < 1 or 99 < value < 100:
        return f"{value:.1f} %"
    return f"{value:.0f} %"

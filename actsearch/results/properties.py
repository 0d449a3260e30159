"""The properties of a formula as sections of short lines: what a person reads of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from actsearch.expressions import Expression
from actsearch.expressions.analysis import Analysis
from actsearch.expressions.analysis.words import listed, number, percent, stretch

Rows = tuple[tuple[str, str], ...]

NOTE = (
    "Exact: proved, branches included, and held against numbers far out; by SymPy\n"
    "or by rules for exponentials. High precision: by mpmath, a place to fifty\n"
    "digits. Grid: seen in float64. Kinks, steps and poles are read off the formula;\n"
    "zeros and smooth extrema are looked for on [-10, 10]. Means, variances and\n"
    "shares are those under N(0, 1). Narrow types: each operation rounded, over all\n"
    "their numbers; kernels that compute in float32 and round once do better."
)


@dataclass(frozen=True)
class Section:
    """A title and lines below it, each a name and what there is to say."""

    title: str
    rows: Rows


def sections(
    expression: Expression,
    found: Analysis,
    known: str | None = None,
    measured_ns: float | None = None,
) -> tuple[Section, ...]:
    """Return the sections that describe a formula.

    Args:
        expression: The formula.
        found: Its properties.
        known: The name that it is known by.
        measured_ns: What it was measured to cost an element; None: it was not.
    """
    made = (
        ("identity", _identity(expression, found, known)),
        ("shape", _shape(found)),
        ("ends", _ends(found)),
        ("trainability", _trainability(found)),
        ("cost", _cost(found, measured_ns)),
        ("numerics", _numerics(found)),
    )
    return tuple(
        Section(title, tuple((name, text) for name, text in rows if text)) for title, rows in made
    )


def _identity(expression: Expression, found: Analysis, known: str | None) -> Rows:
    starts = ", ".join(f"{name} = {expression.start_of(name):g}" for name in expression.parameters)
    return (
        ("formula", found.formula),
        ("known as", known or ""),
        ("derivative", found.derivative),
        ("parameters at", starts),
        ("further inputs at", ", ".join(f"{name} = 1" for name in expression.inputs[1:])),
        ("size", f"{found.size} nodes, depth {expression.depth}, complexity {found.complexity:g}"),
        ("fingerprint", expression.fingerprint()),
        (
            "nearest known",
            f"{found.nearest_known}, at a distance of {number(found.nearest_distance)}",
        ),
    )


def _shape(found: Analysis) -> Rows:
    return (
        ("range", _range(found)),
        ("zeros", listed(found.zeros) or "none"),
        ("extrema", listed(found.extrema) or "none"),
        ("kinks", listed(found.kinks) or "none"),
        ("steps and poles", listed(found.steps, number) or "none"),
        ("course", listed(found.pieces)),
        ("curvature", _curvature(found)),
        ("symmetry", _symmetry(found)),
        ("slope at 0", number(found.slope_at_0)),
        ("Lipschitz constant", number(found.lipschitz)),
    )


def _ends(found: Analysis) -> Rows:
    left, right = found.ends
    saturation = found.saturation
    where = listed(saturation.intervals, stretch)
    return (
        ("x to -infinity", str(left)),
        ("x to infinity", str(right)),
        ("saturates", f"left: {saturation.left}, right: {saturation.right}"),
        ("|slope| < 0.01", f"{where}: {percent(saturation.share)}" if where else "nowhere"),
        (
            "dead (slope 0)",
            f"{listed(found.dead, stretch)}: {percent(found.dead_share)}"
            if found.dead
            else "nowhere",
        ),
    )


def _trainability(found: Analysis) -> Rows:
    nearly = "nearly: the mean is below a tenth of the root mean square"
    return (
        ("mean, variance", _pair(found.mean, found.variance)),
        ("those of the slope", _pair(found.mean_slope, found.slope_variance)),
        (
            "zero-centred",
            {"nearly": nearly, "zero-centred": "yes"}.get(found.centred, found.centred),
        ),
        ("exact zeros", percent(found.sparsity)),
        *_mean_field(found),
    )


def _mean_field(found: Analysis) -> Rows:
    field = found.mean_field
    if math.isnan(found.gain):
        return (("gain", "none: E[f^2] is 0, infinite or undefined"),)
    edge = "none without biases"
    if math.isfinite(field.critical_weight_variance):
        at = "small signals" if field.critical_q == 0 else f"q = {number(field.critical_q)}"
        edge = f"sigma_w^2 = {number(field.critical_weight_variance)}, for {at}"
    factor = (
        ""
        if math.isinf(field.depth_scale)
        else f", e-fold in {number(field.depth_scale, 3)} layers"
    )
    return (
        (
            "gain",
            f"{number(found.gain)} keeps the signal: sigma_w^2 = {number(field.weight_variance)}",
        ),
        ("chi_1 at that gain", f"{number(field.chi_1)}: {field.phase}{factor}"),
        ("slope of q's map", f"{number(field.length_slope)} at its fixed point q = 1"),
        ("edge of chaos", edge),
    )


def _cost(found: Analysis, measured_ns: float | None) -> Rows:
    measured = "" if measured_ns is None else f"{measured_ns:.3g} ns an element, here and now"
    return (
        ("operations", f"{found.operations}, value and slopes"),
        ("modelled", f"{found.modelled_ns:.3g} ns an element, forward and backward"),
        ("measured", measured),
    )


def _numerics(found: Analysis) -> Rows:
    said: dict[str, list[str]] = {}
    for one in found.hazards:
        said.setdefault(one.dtype, [])
        if one.lost or one.overflow:
            said[one.dtype].append(str(one).removeprefix(f"{one.dtype} "))
    return tuple((dtype, "; ".join(texts) or "fine") for dtype, texts in said.items())


def _nearest(found: Analysis) -> str:
    if math.isinf(found.nearest_distance):
        return "none"
    return f"{found.nearest_known}, at a distance of {number(found.nearest_distance)}"


def _curvature(found: Analysis) -> str:
    word = {"quasilinear": "monotone, neither"}.get(found.convexity, found.convexity)
    return word if len(found.curvature) < 2 else f"{word}: {listed(found.curvature)}"


def _symmetry(found: Analysis) -> str:
    if math.isnan(found.odd_share):
        return found.symmetry
    return f"{found.symmetry}; of E[f^2] the odd part has {percent(found.odd_share)}"


def _pair(mean: float, variance: float) -> str:
    return "undefined" if math.isnan(mean) else f"{number(mean)}, {number(variance)}"


def _range(found: Analysis) -> str:
    (low, high), (low_in, high_in) = found.range, found.range_attained
    ends = f"{'[' if low_in else '('}{number(low, 9)}, {number(high, 9)}{']' if high_in else ')'}"
    return f"{ends} ({', '.join(dict.fromkeys(found.range_how))})"

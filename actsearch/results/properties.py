"""The properties of a formula as sections of short lines: what a person reads of an ``Analysis``."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from actsearch.expressions import Expression
from actsearch.expressions.analysis import (
    Analysis,
    End,
    Extremum,
    Hazard,
    Kink,
    Piece,
    Zero,
)

Rows = tuple[tuple[str, str], ...]
Interval = tuple[float, float]

#: More places than this are counted, not listed.
_MOST = 6

NOTE = (
    "exact: proved by SymPy and held against numbers. High precision: by mpmath, to fifty digits\n"
    "where a place is found. Grid: in float64. Zeros, extrema, kinks and steps are looked for on\n"
    "[-10, 10]; means, variances and shares are those under N(0, 1). Narrow types: each operation\n"
    "rounded, over all their numbers; kernels that compute in float32 do better."
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
        ("nearest known", f"{found.nearest_known}, at a distance of {_g(found.nearest_distance)}"),
    )


def _shape(found: Analysis) -> Rows:
    return (
        ("range", _range(found)),
        ("zeros", _listed(found.zeros, _zero) or "none"),
        ("extrema", _listed(found.extrema, _extremum) or "none"),
        ("kinks", _listed(found.kinks, _kink) or "none"),
        ("steps and poles", _listed(found.steps, _g) or "none"),
        ("course", _course(found.pieces)),
        ("curvature", f"{found.convexity}: {_course(found.curvature)}"),
        (
            "symmetry",
            f"{found.symmetry}; the odd part has {_share(found.odd_share)} of E[f^2], the even "
            f"part {_share(found.even_share)}",
        ),
        ("slope at 0", _g(found.slope_at_0)),
        ("Lipschitz constant", _g(found.lipschitz)),
    )


def _ends(found: Analysis) -> Rows:
    left, right = found.ends
    saturation = found.saturation
    where = _listed(saturation.intervals, _interval)
    return (
        ("x to -infinity", _end(left)),
        ("x to infinity", _end(right)),
        ("saturates", f"left: {saturation.left}, right: {saturation.right}"),
        ("|slope| < 0.01", f"{where}: {_share(saturation.share)}" if where else "nowhere"),
        (
            "dead (slope 0)",
            f"{_listed(found.dead, _interval)}: {_share(found.dead_share)}"
            if found.dead
            else "nowhere",
        ),
    )


def _trainability(found: Analysis) -> Rows:
    field = found.mean_field
    centred = {"nearly": "nearly: the mean is below a tenth of the root mean square"}
    edge = "none without biases"
    if math.isfinite(field.critical_weight_variance):
        at = "small signals" if field.critical_q == 0 else f"q = {_g(field.critical_q)}"
        edge = f"sigma_w^2 = {_g(field.critical_weight_variance)}, for {at}"
    scale = "" if math.isinf(field.depth_scale) else f", by e in {_g(field.depth_scale, 3)} layers"
    return (
        ("mean, variance", f"{_g(found.mean)}, {_g(found.variance)}"),
        ("those of the slope", f"{_g(found.mean_slope)}, {_g(found.slope_variance)}"),
        ("zero-centred", centred.get(found.centred, found.centred)),
        ("exact zeros", _share(found.sparsity)),
        ("gain", f"{_g(found.gain)} keeps the signal: sigma_w^2 = {_g(field.weight_variance)}"),
        ("chi_1 at that gain", f"{_g(field.chi_1)}: {field.phase}{scale}"),
        ("q map at q = 1", f"slope {_g(field.length_slope)}"),
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
    return tuple((f"{one.dtype} {one.what}", _hazard(one)) for one in found.hazards)


# --- words


def _g(value: float, digits: int = 6) -> str:
    return f"{value:.{digits}g}"


def _share(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{_g(100 * value, 4)} %"


def _listed(items: Sequence[Any], word: Callable[[Any], str]) -> str:
    shown = [word(item) for item in items[:_MOST]]
    more = [f"and {len(items) - _MOST} more"] if len(items) > _MOST else []
    return "; ".join([*shown, *more])


def _range(found: Analysis) -> str:
    (low, high), (low_in, high_in) = found.range, found.range_attained
    hows = dict.fromkeys(found.range_how)
    return (
        f"{'[' if low_in else '('}{_g(low, 9)}, {_g(high, 9)}{']' if high_in else ')'} "
        f"({', '.join(hows)})"
    )


def _zero(zero: Zero) -> str:
    return _named(zero.x, zero.form, zero.how)


def _named(x: float, form: str, how: str) -> str:
    """Return a place with its closed form, if that says more, and how it was had if by the grid."""
    number = _g(x, 9)
    if how == "grid":
        return f"{number} (grid)"
    return number if form in ("", number) else f"{form} = {number}"


def _extremum(one: Extremum) -> str:
    return f"{one.kind} {_g(one.value, 9)} at {_named(one.x, one.form, one.how)}"


def _kink(kink: Kink) -> str:
    return f"{_g(kink.x)} (slope {_g(kink.left_slope)}, then {_g(kink.right_slope)})"


def _interval(interval: Interval) -> str:
    low, high = interval
    if math.isinf(low):
        return "everywhere" if math.isinf(high) else f"x <= {_g(high)}"
    if math.isinf(high):
        return f"x >= {_g(low)}"
    return _g(low) if low == high else f"[{_g(low)}, {_g(high)}]"


def _course(pieces: Sequence[Piece]) -> str:
    return _listed(
        pieces, lambda piece: f"{piece.direction} {_stretch(piece.low, piece.high)}".rstrip()
    )


def _stretch(low: float, high: float) -> str:
    if math.isinf(low):
        return "" if math.isinf(high) else f"to {_g(high)}"
    return f"from {_g(low)}" + ("" if math.isinf(high) else f" to {_g(high)}")


def _end(end: End) -> str:
    line = ""
    if end.asymptote is not None and math.isinf(end.value):
        line = f"; comes near {end.asymptote.form}"
        if end.asymptote.how != end.how:
            line += f" ({end.asymptote.how})"
    number = "" if end.form == end.limit else f" = {end.limit}"
    return f"{end.form}{number} ({end.how}){line}"


def _hazard(one: Hazard) -> str:
    said = []
    if one.lost:
        said.append(
            f"loses more than 1 % on {_listed(one.lost, _interval)}: {_share(one.lost_share)}; "
            f"most at {_g(one.worst_x)}: {_share(one.worst_error)}"
        )
    if one.overflow:
        said.append(f"overflows on {_listed(one.overflow, _interval)}")
    return "; ".join(said) or "fine"

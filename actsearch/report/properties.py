"""What the analysis of a function says, in words that need no explanation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from actsearch.expressions import Expression
from actsearch.expressions.analysis.value import Analysis, End, Piece
from actsearch.expressions.analysis.words import stretch
from actsearch.report.values import Fact, clean
from actsearch.results.properties import sections

_SYMMETRY = {"odd": "odd: f(−x) = −f(x)", "even": "even: f(−x) = f(x)"}
_ENDS = {
    "oscillates": "goes on oscillating",
    "undefined": "is undefined",
    "inf": "rises to +∞",
    "-inf": "falls to −∞",
}
_WAYS = {"increasing": "rises", "decreasing": "falls", "constant": "is constant"}
_CONVEXITY = {
    "affine": "straight",
    "convex": "convex: it bends upwards everywhere",
    "concave": "concave: it bends downwards everywhere",
    "quasilinear": "neither convex nor concave",
    "quasiconvex": "neither convex nor concave; it falls, then rises",
    "quasiconcave": "neither convex nor concave; it rises, then falls",
    "not computed": "not computed: its second derivative is too long",
}
_PHASES = {
    "ordered": "gradients shrink",
    "critical": "gradients keep their size",
    "chaotic": "gradients grow",
}
#: More pieces than this are counted and not told one by one.
_MOST_PIECES = 4
#: Inputs hardly get farther from 0.
_FAR = 1000
_NARROW = ("float16", "bfloat16")


def properties(found: Analysis, *, only_x: bool = True) -> tuple[Fact, ...]:
    """Return the properties of a function that matter most, the plainest first.

    Args:
        found: of the function, its further inputs at 1.
        only_x: it reads nothing but x. Otherwise its mean, the gradients behind it and the known
            function next to it depend on how its inputs go together, and are left out.
    """
    left, right = found.ends
    facts = [
        Fact("far to the left it", _end(left)),
        Fact("far to the right it", _end(right)),
        Fact("its values", f"{_number(found.range[0])} to {_number(found.range[1])}"),
        Fact("from left to right it", _course(found.pieces)),
    ]
    turns = [f"{one.kind} {_number(one.value)} at {_number(one.x)}" for one in found.extrema]
    if turns:
        rest = [f"and {len(turns) - _MOST_PIECES} more"] if len(turns) > _MOST_PIECES else []
        facts.append(Fact("turning points", "; ".join([*turns[:_MOST_PIECES], *rest])))
    facts.append(Fact("shape", _CONVEXITY.get(found.convexity, "neither convex nor concave")))
    if found.symmetry in _SYMMETRY:
        facts.append(Fact("symmetry", _SYMMETRY[found.symmetry]))
    steepest = _number(found.lipschitz)
    facts += [
        Fact("smooth", _smooth(found)),
        Fact("steepest slope", "grows without end" if math.isinf(found.lipschitz) else steepest),
        Fact("no learning", _share(found.dead_share, "slope of exactly 0", found.dead)),
        Fact(
            "slow learning",
            _share(found.saturated_share, "slope below 0.01", found.saturation.intervals),
        ),
        Fact("exact zeros", _percent(found.sparsity, "outputs")),
    ]
    if only_x:
        facts += _of_x_alone(found)
    facts.append(Fact("half precision", _hazards(found)))
    return tuple(facts)


def _of_x_alone(found: Analysis) -> list[Fact]:
    return [
        Fact("mean output", f"{_number(found.mean)} ({_centred(found.centred)})"),
        Fact(
            "in a deep network",
            f"{_PHASES.get(found.mean_field.phase, 'gradients are not known')}: by a factor of "
            f"{_number(math.sqrt(found.mean_field.chi_1))} a layer, at the start"
            if math.isfinite(found.mean_field.chi_1)
            else "not known",
        ),
        Fact(
            "nearest known function",
            f"{clean(found.nearest_known)}, at a distance of {_number(found.nearest_distance)}",
        ),
    ]


def everything(expression: Expression, found: Analysis) -> tuple[tuple[str, tuple[Fact, ...]], ...]:
    """Return all that the analysis says, in titled sections, as ``actsearch analyze`` has it.

    Where the formula reads more than x, what hangs on how its inputs go together is left out.
    """
    only_x = len(expression.inputs) < 2
    return tuple(
        (
            one.title,
            tuple(
                Fact(name, clean(text, 2000))
                for name, text in one.rows
                if only_x or name != "nearest known"
            ),
        )
        for one in sections(expression, found)
        if only_x or one.title != "trainability"
    )


def _end(end: End) -> str:
    said = _ENDS.get(end.limit, f"comes near {_signed(end.form)}")
    line = end.asymptote
    if line is None or not line.slope:
        return said
    return f"{said}, as the line {_signed(line.form)} does"


def _course(pieces: Sequence[Piece]) -> str:
    if not pieces:
        return "is not known"
    if len(pieces) == 1:
        return f"{_WAYS.get(pieces[0].direction, pieces[0].direction)} everywhere"
    if len(pieces) > _MOST_PIECES:
        return f"changes its direction {len(pieces) - 1} times"
    said = [
        _WAYS.get(one.direction, one.direction)
        + ("" if math.isinf(one.high) else f" up to {_number(one.high)}")
        for one in pieces
    ]
    return ", then ".join(said)


def _smooth(found: Analysis) -> str:
    if found.steps:
        return f"no: it jumps at {_listed(found.steps)}"
    if found.kinks:
        return f"no: a kink at {_listed([one.x for one in found.kinks])}"
    return "yes, without kinks"


def _listed(places: Sequence[float]) -> str:
    said = [_number(one) for one in places[:_MOST_PIECES]]
    more = [f"{len(places) - _MOST_PIECES} more"] if len(places) > _MOST_PIECES else []
    return ", ".join([*said, *more])


def _share(share: float, what: str, where: Sequence[tuple[float, float]]) -> str:
    if not where:
        return f"nowhere: no {what}"
    places = "; ".join(_signed(stretch(one)) for one in where[:2])
    more = " and elsewhere" if len(where) > 2 else ""
    return f"{_percent(share, 'usual inputs')} meet a {what} ({places}{more})"


def _percent(share: float, what: str) -> str:
    if not share:
        return f"none of the {what}"
    return f"{100 * share:.0f} % of {what}" if share >= 0.005 else f"below 1 % of {what}"


def _centred(word: str) -> str:
    return {"zero-centred": "centred at 0", "nearly": "nearly centred at 0"}.get(
        word, "not centred at 0"
    )


def _hazards(found: Analysis) -> str:
    """Say what becomes of digits near 0, and where the narrow types end."""
    risky = {one.dtype for one in found.hazards if one.lost_share > 1e-3}
    said = []
    if narrow := [dtype for dtype in _NARROW if dtype in risky]:
        said.append(f"loses digits where each step is rounded to {' or '.join(narrow)}")
    ends = [f"in {dtype} {end}" for dtype in _NARROW if (end := _overflow(found, dtype))]
    if ends:
        said.append(f"overflows {', '.join(ends)}")
    return "; ".join(said) or f"safe in float16 and bfloat16, up to inputs of ±{_FAR:,}"


def _overflow(found: Analysis, dtype: str) -> str:
    """Say where value or slope first overflow on either side, "" if inputs do not get there."""
    there = [one for hazard in found.hazards if hazard.dtype == dtype for one in hazard.overflow]
    if any(low <= 0 <= high for low, high in there):
        return "near 0"
    above = min((low for low, _ in there if low > 0), default=math.inf)
    below = max((high for _, high in there if high < 0), default=-math.inf)
    said = [f"from {_number(above)} on"] if above <= _FAR else []
    said += [f"below {_number(below)}"] if below >= -_FAR else []
    return " and ".join(said)


def _signed(text: str) -> str:
    return clean(text).replace("-", "−")


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "undefined" if math.isnan(value) else "+∞" if value > 0 else "−∞"
    return f"{value:.4g}".replace("-", "−")

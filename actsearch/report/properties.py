"""What the analysis of a function says, in words that need no explanation."""

from __future__ import annotations

import math

from actsearch.expressions import Expression
from actsearch.report.values import Fact

_SYMMETRY = {"odd": "odd: f(−x) = −f(x)", "even": "even: f(−x) = f(x)"}
_ENDS = {"oscillates": "goes on oscillating", "undefined": "is undefined", "inf": "rises to +∞"}
_ENDS["-inf"] = "falls to −∞"


def properties(expression: Expression) -> tuple[Fact, ...]:
    """Return the properties of a function that matter most, the plainest first."""
    found = expression.analyze()
    left, right = (_end(limit) for limit in found.limits)
    facts = [
        Fact("far to the left it", left),
        Fact("far to the right it", right),
        Fact("its values", f"{_number(found.range[0])} to {_number(found.range[1])}"),
        Fact("rising or falling", _monotone(found.monotone)),
        Fact("steepest slope", _number(found.lipschitz)),
    ]
    if found.symmetry in _SYMMETRY:
        facts.append(Fact("symmetry", _SYMMETRY[found.symmetry]))
    facts += [
        Fact("smooth", "yes, no kink" if not found.kinks else f"no: {_places(len(found.kinks))}"),
        Fact(
            "units that do not learn",
            _share(found.dead_share, "of the inputs meet a slope of exactly 0"),
        ),
        Fact(
            "units that hardly learn",
            _share(found.saturated_share, "of the inputs meet a slope below 0.01"),
        ),
        Fact("mean output", f"{_number(found.mean)} (0 is best: it keeps signals centred)"),
        Fact("gain of its weights", f"{_number(found.gain)} keeps the size of signals"),
    ]
    near = f"{found.nearest_known}, at a distance of {_number(found.nearest_distance)}"
    facts.append(Fact("nearest known function", near))
    return tuple(facts)


def _end(limit: str) -> str:
    return _ENDS.get(limit, f"comes to {limit.replace('-', '−')}")


def _monotone(word: str) -> str:
    words = {"increasing": "rises everywhere", "decreasing": "falls everywhere"}
    return words.get(word, word)


def _places(n: int) -> str:
    return "a kink" if n == 1 else f"{n} kinks"


def _share(share: float, what: str) -> str:
    return f"none {what}" if share < 5e-4 else f"{100 * share:.0f} % {what}"


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "undefined" if math.isnan(value) else "+∞" if value > 0 else "−∞"
    return f"{value:.4g}".replace("-", "−")

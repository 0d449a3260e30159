"""How far a stand-in is from the function: on the window, beyond it, in its slope, in float32."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from actsearch.export.approximate.subject import FAR, Array, Subject

_N_ZOOMS, _N_CLOSER = 3, 65
_N_LOOKED_AT = 6
#: What lies between the points that were looked at may be larger by this, relative.
_BETWEEN = 1e-3


@dataclass(frozen=True)
class Errors:
    """The largest absolute errors, each rounded up in its third digit, and where they are.

    Attributes:
        window: On the window, and at which x.
        beyond: From there to a magnitude of 1e6, and at which x; infinite where the function grows
            away from every line.
        slope: Of the derivative on the window, off its bends, and at which x.
        single: On the window with each step computed in float32.
    """

    window: tuple[float, float]
    beyond: tuple[float, float]
    slope: tuple[float, float]
    single: float


def errors(
    subject: Subject,
    value: Callable[[Array], Array],
    slope: Callable[[Array], Array],
    single: Callable[[Array], Array],
    knots: Sequence[float],
) -> Errors:
    """Measure a stand-in.

    Args:
        subject: The function.
        value: The stand-in.
        slope: Its derivative.
        single: It, computed in float32.
        knots: Where it may bend.
    """
    low, high = subject.window
    near = np.array([k for k in knots if low <= k <= high])
    x = np.unique(np.concatenate([subject.inside, near]))

    def off(at: Array) -> Array:
        return np.abs(value(at) - subject.value(at))

    def slope_off(at: Array) -> Array:
        bends = np.array([*subject.bends, *near])
        # What the slope is right on a bend is a matter of taste.
        clear = np.abs(at[:, None] - bends[None, :]).min(axis=1, initial=np.inf) > 1e-9
        return np.where(clear, np.abs(slope(at) - subject.slope(at)), 0.0)

    in_single = float(np.abs(single(x) - subject.value(x)).max())
    return Errors(
        _greatest(off, x),
        _beyond(subject, off, knots),
        _greatest(slope_off, x),
        _up(in_single),
    )


def _beyond(
    subject: Subject, off: Callable[[Array], Array], knots: Sequence[float]
) -> tuple[float, float]:
    low, high = subject.window
    far = np.array([k for k in knots if not low <= k <= high and abs(k) < FAR])
    points = np.unique(np.concatenate([subject.outside, far]))
    if any(end.kind == "grows" for end in subject.ends):
        grows = 0 if subject.ends[0].kind == "grows" else 1
        return math.inf, -math.inf if grows == 0 else math.inf
    left = _greatest(off, points[points < low]) if (points < low).any() else (0.0, low)
    right = _greatest(off, points[points > high]) if (points > high).any() else (0.0, high)
    return max(left, right)


def _greatest(function: Callable[[Array], Array], x: Array) -> tuple[float, float]:
    """Return the greatest value on points, looked for ever closer around the greatest ones."""
    values = function(x)
    best = int(values.argmax())
    found, where = float(values[best]), float(x[best])
    peaks = np.argsort(-values, kind="stable")[:_N_LOOKED_AT]
    for peak in peaks.tolist():
        low, high = float(x[max(peak - 1, 0)]), float(x[min(peak + 1, len(x) - 1)])
        for _ in range(_N_ZOOMS):
            points = np.linspace(low, high, _N_CLOSER)
            closer = function(points)
            at = int(closer.argmax())
            if float(closer[at]) > found:
                found, where = float(closer[at]), float(points[at])
            low, high = float(points[max(at - 1, 0)]), float(points[min(at + 1, _N_CLOSER - 1)])
    return _up(found), where + 0.0


def _up(value: float) -> float:
    """Round up to three digits, with a little for what lies between the points."""
    if value < 1e-15 or not math.isfinite(value):
        return value if not math.isfinite(value) else 0.0 if value == 0 else 1e-15
    value *= 1 + _BETWEEN
    unit = 10.0 ** (math.floor(math.log10(value)) - 2)
    return float(f"{math.ceil(value / unit) * unit:.3g}")

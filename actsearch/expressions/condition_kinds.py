"""The kinds of conditions, one row each: its settings, its name, and what violates it.

Amounts of violation are in the unit that the row states; kinds that are a matter of yes or no have
the amount 1. A violation is one beyond rounding: ``TOLERANCE`` of the size of what is compared,
where a row does not say otherwise.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from actsearch.expressions.analysis.grid import SATURATED
from actsearch.expressions.condition_views import Array, View
from actsearch.expressions.cost import modelled_cost
from actsearch.expressions.expression import parse
from actsearch.expressions.known import formula_of

#: Relative to what is compared: float32 holds seven digits.
TOLERANCE = 1e-6
#: What is less is rounding, even where a sum is 0 but for it.
LEAST = 1e-13
#: A penalty never counts a greater amount: x**3 is not a million times worse than x**2.
MOST_AMOUNT = 10.0
#: How far a measured limit may be from the one that is asked for, relative to max(1, it).
LIMIT_TOLERANCE = 1e-3

#: A value of a setting as a space file gives it; all settings of a condition by name.
Setting = float | str | None
Settings = Mapping[str, Any]

#: What a row finds: an amount above 0 and where, or None.
Found = tuple[float, str] | None


@dataclass(frozen=True)
class Kind:
    """A kind of condition.

    Attributes:
        name: Settings -> how it is called, as in "bounded to [-1, 1]".
        unit: Of the amount.
        find: What violates it in a view.
        cheap: What the cheap view tells: "proof" (a violation seen there is one), "hint" (it is
            to be seen in the fine view, too), or "nothing".
        defaults: Settings and what they are where nothing is said.
    """

    name: Callable[[Settings], str]
    unit: str
    find: Callable[[Settings, View], Found]
    cheap: str = "proof"
    defaults: tuple[tuple[str, Setting], ...] = ()


def _at(value: float, x: float, name: str = "x") -> str:
    return f"{value:.4g} at {name} = {x:.4g}"


def _signed(view: View, sign: int, points: Array) -> Array:
    return sign * view.value(points)


def _bounded(settings: Settings, view: View) -> Found:
    worst: Found = None
    for sign, bound, where in ((1, settings["high"], "above"), (-1, settings["low"], "below")):
        if bound is None:
            continue
        slack = TOLERANCE * max(1.0, abs(bound))
        value, x = view.greatest(functools.partial(_signed, view, sign), sign * view.f)
        excess = value - sign * bound
        name = "x"
        for axis, side, far in _far_out(view):
            out = np.nan_to_num(sign * far, nan=-np.inf, posinf=np.inf, neginf=-np.inf).max(axis=0)
            if out.max() - sign * bound > max(excess, slack):
                excess, name = float(out.max()) - sign * bound, axis
                value, x = float(out.max()), side * float(view.far[out.argmax()])
        if excess > slack and (worst is None or excess > worst[0]):
            worst = excess, _at(sign * value, x, name)
        elif excess <= slack and worst is None and view.fine:
            endless = "inf" if sign > 0 else "-inf"
            for side, end in ((0, "-inf"), (1, "inf")):
                if endless in view.limits[side] and view.diverges(side):
                    worst = MOST_AMOUNT, f"no end {where} as x goes to {end}"
    return worst


def _far_out(view: View) -> list[tuple[str, int, Array]]:
    """Return the values far out: of which input, on which side, shape (slices, far)."""
    sides = [("x", -1, view.f_left), ("x", 1, view.f_right)]
    if "u" in view.expression.inputs:
        sides += [("u", side, view.far_in_u[int(side > 0)]) for side in (-1, 1)]
    return sides


def _bounded_name(settings: Settings) -> str:
    low, high = settings["low"], settings["high"]
    if low is None:
        return f"bounded above by {high:g}"
    return f"bounded below by {low:g}" if high is None else f"bounded to [{low:g}, {high:g}]"


def _positive(_settings: Settings, view: View) -> Found:
    """Ask for more than 0 as float32 on [-10, 10]; farther out exp(-x**2) may be 0."""
    values = view.single(view.x)
    if np.isnan(values).any():
        place = np.flatnonzero(np.isnan(values).any(axis=0))[0]
        return 1.0, f"undefined at x = {view.x[place]:.4g} in float32"
    highest, x = view.greatest(lambda points: -view.single(points), -values)
    if not highest < 0:
        return 1.0, f"{_at(-highest + 0.0, x)} in float32"
    for sign, values in ((-1, view.f_left), (1, view.f_right)):
        if (values < 0).any():
            place = np.flatnonzero((values < 0).any(axis=0))[0]
            return 1.0, _at(float(np.nanmin(values[:, place])), sign * float(view.far[place]))
    return None


def _symmetry(sign: int) -> Callable[[Settings, View], Found]:
    """Ask for f(-x) = sign*f(x), to ``TOLERANCE`` of both and what rounding moves them by."""

    def find(_settings: Settings, view: View) -> Found:
        f = view.f
        mirrored = sign * f[:, ::-1]
        gaps = np.where(f == mirrored, 0.0, np.abs(f - mirrored))  # infinite values have no gap
        slack = _slack(f, mirrored)
        broken = ~(gaps <= slack) | np.isinf(gaps)
        if broken.any():
            noise = view.rounding[:, len(view.far) : -len(view.far)]
            broken &= ~(gaps <= slack + noise + noise[:, ::-1]) | np.isinf(gaps)
        if not broken.any():
            return None
        row, place = np.unravel_index(np.where(broken, gaps, -1.0).argmax(), gaps.shape)
        gap, x = gaps[row, place], abs(view.x[place])
        left, right = f[row, len(view.x) - 1 - place], f[row, place]
        if view.x[place] < 0:
            left, right = right, left
        return float(gap), f"{_at(left, 0.0 - x)} and {_at(right, x)}, off by {gap:.3g}"

    return find


def _slack(one: Array, other: Array) -> Array:
    """Return what two values may differ by where both have few roundings of their own."""
    return LEAST + TOLERANCE * np.fmax(np.abs(one), np.abs(other))


def _monotone(settings: Settings, view: View) -> Found:
    """Measure the deepest fall from any height before, as a share of the range on the window.

    Whether it is one is judged by the height and the point alone: what is large elsewhere hides
    nothing.
    """
    x, f = view.everywhere
    span = max(np.ptp(np.where(np.isfinite(view.f), view.f, 0.0)), 1e-300)
    rows = np.arange(len(f))[:, None]

    def deepest(sign: int) -> tuple[float, float]:
        peaks = np.fmax.accumulate(sign * f, axis=1)
        falls = peaks - sign * f
        broken = (falls > _slack(peaks, f)) | np.isposinf(falls)
        if broken.any():
            new = np.concatenate([np.ones_like(broken[:, :1]), np.diff(peaks) > 0], axis=1)
            at = np.maximum.accumulate(np.where(new, np.arange(len(x)), 0), axis=1)
            noise = view.rounding + view.rounding[rows, at]
            broken &= (falls > _slack(peaks, f) + noise) | np.isposinf(falls)
        shares = np.where(broken, falls / span, 0.0).max(axis=0)
        return float(shares.max()), float(x[shares.argmax()])

    signs = {"increasing": (1,), "decreasing": (-1,), None: (1, -1)}[settings["direction"]]
    (fall, place), sign = min((deepest(sign), -sign) for sign in signs)
    if not fall > 0:
        return None
    verb = "falls" if sign < 0 else "rises"
    return fall, f"it {verb} by {fall:.2g} of its range before x = {place:.4g}"


def _zero_at_zero(_settings: Settings, view: View) -> Found:
    values = np.abs(view.value(np.zeros(1)))
    value = float(values.max())
    return (value, f"{value:.4g} in magnitude") if value > TOLERANCE else None


def _density(x: Array) -> Array:
    density = np.exp(-x * x / 2)
    return np.asarray(density / density.sum())


def _zero_centred(settings: Settings, view: View) -> Found:
    """Take the mean over x from N(0, 1), and over slices; to ``TOLERANCE`` of the mean magnitude.

    A step between two points makes the sum inexact: by about as much as half of the points do.
    """
    f, density = view.on_grid, _density(view.grid)
    mean = abs(float(np.mean(f @ density)))
    coarse = abs(float(np.mean(f[:, ::2] @ _density(view.grid[::2]))))
    slack = (TOLERANCE if view.fine else 2e-2) * float(np.mean(np.abs(f) @ density))
    excess = mean - settings["at_most"]
    slack += abs(mean - coarse)
    return (excess, f"{mean:.4g}") if excess > slack or math.isnan(excess) else None


def _sparse(settings: Settings, view: View) -> Found:
    """Count zeros as float32 has them, of which a neighbour on the grid is one, too; to 0.001."""
    zero = view.single(view.grid) == 0
    beside = np.zeros_like(zero)
    beside[:, 1:] |= zero[:, :-1]
    beside[:, :-1] |= zero[:, 1:]
    share = float(np.mean((zero & beside) @ _density(view.grid)))
    lack = settings["at_least"] - share
    return (lack, f"{share:.3g}") if lack > (1e-3 if view.fine else 2e-2) else None


def _lipschitz(settings: Settings, view: View) -> Found:
    """Take the steepest chord of the grid, and in a fine view the steepest slope."""
    most, worst = settings["at_most"], None
    chords = [(view.grid, view.on_grid), (view.far, view.f_right), (-view.far, view.f_left)]
    for x, f in chords:
        # Rounding alone makes differences of large values, which is no slope.
        noise = 1e-12 * (np.abs(f[:, 1:]) + np.abs(f[:, :-1]))
        rise = np.maximum(np.abs(np.diff(f, axis=1)) - noise, 0.0) / np.abs(np.diff(x))
        rise = np.nan_to_num(rise, nan=0.0, posinf=np.inf).max(axis=0)
        if worst is None or rise.max() > worst[0]:
            worst = float(rise.max()), float(x[rise.argmax()])
    assert worst is not None
    if view.fine:
        steepest = view.greatest(lambda points: np.abs(view.slope(points)), np.abs(view.d))
        worst = max(worst, steepest, key=lambda found: found[0])
        for x in (view.far, -view.far):
            slope = np.nan_to_num(np.abs(view.slope(x)), nan=0.0, posinf=np.inf).max(axis=0)
            worst = max(worst, (float(slope.max()), float(x[slope.argmax()])), key=lambda w: w[0])
    excess = worst[0] - most
    if excess <= TOLERANCE * max(most, 1e-9):
        return None
    return excess, f"slope {worst[0]:.4g} at x = {worst[1]:.4g}"


def _smooth(_settings: Settings, view: View) -> Found:
    kinks, steps = view.kinks()
    if steps:
        return 1.0, f"a step at x = {steps[0]:.4g}"
    return (1.0, f"a kink at x = {kinks[0]:.4g}") if kinks else None


def _slope(settings: Settings, view: View) -> Found:
    """Take the mean of |f'| over [-far, -near] and over [near, far]; the flatter side counts."""
    near, far, least = settings["near"], settings["far"], settings["at_least"]
    found: Found = None
    for sign, side in ((-1, "left"), (1, "right")):
        points = sign * np.linspace(near, far, 2001)
        mean = float(np.mean(np.abs(view.slope(points))))
        lack = least - mean
        if lack > TOLERANCE * least and (found is None or lack > found[0]):
            found = lack, f"{mean:.3g} on the {side}"
    return found


def _cost(settings: Settings, view: View) -> Found:
    most = settings["factor"] * modelled_cost(parse(formula_of(settings["at_most_of"])))
    cost = modelled_cost(view.expression)
    if cost <= most * (1 + TOLERANCE):
        return None
    return cost / most - 1, f"{cost:.3g} ns an element by the model, at most {most:.3g}"


def _cost_name(settings: Settings) -> str:
    times = "" if settings["factor"] == 1 else f"{settings['factor']:g} times "
    return f"as cheap as {times}{settings['at_most_of']}"


def _limits(settings: Settings, view: View) -> Found:
    for side, end in enumerate(("left", "right")):
        wanted = settings[end]
        if wanted is None:
            continue
        for got in view.limits[side]:
            miss = _miss(wanted, got, view, side)
            if miss:
                return miss, f"{got} on the {end}"
    return None


def _miss(wanted: Setting, got: str, view: View, side: int) -> float:
    """Return by how much the limit that was found is not the one that is wanted."""
    number = math.nan
    if got not in ("inf", "-inf", "undefined", "oscillates"):
        number = float(got)
    if isinstance(wanted, str):
        if wanted != "finite":
            return 0.0 if got == wanted else 1.0
        # What grows ever less may have a limit that is not reached at 1e8.
        return 0.0 if math.isfinite(number) or not _is_endless(got, view, side) else 1.0
    if wanted is None:
        return 0.0
    if not math.isfinite(number):
        return 1.0 if _is_endless(got, view, side) else 0.0
    gap = abs(number - wanted)
    return gap if gap > LIMIT_TOLERANCE * max(1.0, abs(wanted)) else 0.0


def _is_endless(got: str, view: View, side: int) -> bool:
    return got in ("undefined", "oscillates") or view.diverges(side)


def _limits_name(settings: Settings) -> str:
    parts = [
        f"{end} {_told(settings[end])}" for end in ("left", "right") if settings[end] is not None
    ]
    return f"of the limits {' and '.join(parts)}"


def _told(value: Setting) -> str:
    return value if isinstance(value, str) else f"{value:g}"


#: Name in a space file -> what it is.
KINDS: dict[str, Kind] = {
    "bounded": Kind(
        _bounded_name,
        "units of the function beyond the bound",
        _bounded,
        defaults=(("low", None), ("high", None)),
    ),
    "positive": Kind(lambda _: "positive", "1 where it is not", _positive),
    "odd": Kind(lambda _: "odd", "greatest |f(x) + f(-x)| on [-10, 10]", _symmetry(-1)),
    "even": Kind(lambda _: "even", "greatest |f(x) - f(-x)| on [-10, 10]", _symmetry(1)),
    "monotone": Kind(
        lambda c: c["direction"] or "monotone",
        "deepest fall (or rise) in units of the range on [-10, 10]",
        _monotone,
        defaults=(("direction", None),),
    ),
    "zero-at-zero": Kind(lambda _: "zero at zero", "|f(0)|", _zero_at_zero),
    "zero-centred": Kind(
        lambda c: f"zero-centred to {c['at_most']:g}",
        "|mean| under N(0, 1) above what is allowed",
        _zero_centred,
        cheap="hint",
        defaults=(("at_most", 0.1),),
    ),
    "sparse": Kind(
        lambda c: f"zero on a share of {c['at_least']:g}",
        "share of exact zeros under N(0, 1) that is lacking",
        _sparse,
        cheap="hint",
        defaults=(("at_least", 0.25),),
    ),
    "lipschitz": Kind(
        lambda c: f"of slopes within {c['at_most']:g}",
        "slope above what is allowed",
        _lipschitz,
        defaults=(("at_most", 1.0),),
    ),
    "smooth": Kind(lambda _: "smooth", "1 where it has a kink or a step", _smooth, cheap="nothing"),
    "slope": Kind(
        lambda c: (
            f"of a mean slope of {c['at_least']:g} on both sides of {c['near']:g} to {c['far']:g}"
        ),
        "mean |slope| that is lacking on the flatter side",
        _slope,
        cheap="nothing",
        defaults=(("at_least", SATURATED), ("near", 2.0), ("far", 8.0)),
    ),
    "cost": Kind(
        _cost_name,
        "share of the allowed cost above it",
        _cost,
        cheap="nothing",
        defaults=(("at_most_of", "ReLU"), ("factor", 1.0)),
    ),
    "limits": Kind(
        _limits_name,
        "distance to the limit, 1 for another kind of limit",
        _limits,
        cheap="hint",
        defaults=(("left", None), ("right", None)),
    ),
}

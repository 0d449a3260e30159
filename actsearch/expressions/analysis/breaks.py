"""Where a function breaks: kinks, steps and poles, read off its formula.

A formula is smooth but where an operation in it changes over or becomes infinite: where the
argument of ``abs`` is 0, where those of ``max`` are equal, where a denominator vanishes. Such
places are found between -1e8 and 1e8 to the last digit, and the true function decides on both sides
of each whether anything breaks there. No size of a function, and nothing steep beside a break,
hides one so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from actsearch.expressions.analysis.grid import BEYOND, GRID
from actsearch.expressions.analysis.root import root
from actsearch.expressions.analysis.subject import Subject
from actsearch.expressions.analysis.value import Kink
from actsearch.expressions.base_ops import NUMPY_OPS
from actsearch.expressions.dialects import run
from actsearch.expressions.lowering import Instruction, Program
from actsearch.expressions.reference import evaluate

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

#: Operations that break where one argument is 0, which ...
_AT_ZERO = {"abs": 0, "sign": 0, "sqrt": 0, "log": 0, "i0e": 0, "i1e": 0, "div": 1, "pow": 0}
#: ... and where two are equal.
_AT_EQUAL = frozenset(("maximum", "minimum", "lt", "gt", "eq"))
#: More suspects than this are judged by float64.
MOST_EXACT = 24
#: More of one argument's on one side beyond the window belong to waves, which have no last one.
_MOST_BEYOND = 8
_MOST = 20_000
_N_HALVINGS, _N_ZOOMS, _N_PARTS = 64, 18, 16
#: A dip as deep as this, beside its rise to the next points, is looked into; and what is left of
#: one that touches 0.
_DEEP, _LEFT = 4.0, 1e-6
_DIGITS = 60
#: Distances from a suspect at which the true function is looked at, from one whose place is but a
#: double, and those for float64.
_DISTANCES, _ROUGH_DISTANCES = ("1e-9", "1e-14", "1e-20"), ("1e-4", "1e-7", "1e-11")
_FLOAT_DISTANCES = (1e-7, 1e-9)
#: A jump stays as it is from one distance to the next, and is no less than rounded constants make.
_STAYS, _LEAST = mp.mpf("0.99"), mp.mpf("1e-14")
#: What has no limit changes by more from the second distance to the third than from the first to
#: the second: a logarithm 1.2 times as much.
_DIVERGES = mp.mpf("1.1")


class Breaks(NamedTuple):
    """Places in the order of x: where the slope jumps or is infinite; where the value does."""

    kinks: tuple[Kink, ...]
    steps: tuple[float, ...]


class _Suspects(NamedTuple):
    """Numbers of arguments, the places where they vanish, and whether they do but touch 0."""

    which: Indices
    x: Array
    touches: NDArray[np.bool_]


def breaks(subject: Subject) -> Breaks:
    """Return all breaks between -1e8 and 1e8, in waves those on the window alone."""
    targets = _targets(subject.program)
    if not targets:
        return Breaks((), ())
    suspects = _distinct(_suspects(_rounded(subject.program, targets)))
    if len(suspects.x) > MOST_EXACT:
        return _by_floats(subject, np.unique(suspects.x))
    kinks: list[Kink] = []
    steps: list[float] = []
    for which, x, touches in zip(*(part.tolist() for part in suspects), strict=True):
        target = _exact(subject.program, targets[which])
        place, distances = _place(target, x, touches)
        at = float(place) if abs(place) > mp.mpf("1e-40") else 0.0
        sides = _beside(subject.exact, place, distances)
        if _value_breaks(sides):
            steps.append(at)
            continue
        slopes = _slopes(_beside(subject.exact_slope, place, distances))
        if slopes is not None:
            kinks.append(Kink(at, *slopes))
    known = {kink.x: kink for kink in kinks if kink.x not in steps}
    return Breaks(tuple(known[x] for x in sorted(known)), tuple(sorted(set(steps))))


# --- suspects


def _targets(program: Program) -> list[tuple[Any, ...]]:
    """Return the arguments that a break may come from: one that vanishes, or two that are equal."""
    found: dict[tuple[Any, ...], None] = {}
    for op, args, _ in ((step.op, step.args, step.name) for step in program.instructions):
        if op in _AT_EQUAL:
            found[args] = None
        elif op in _AT_ZERO and not _is_smooth_power(op, args):
            found[(args[_AT_ZERO[op]],)] = None
    return [target for target in found if any(isinstance(arg, int) for arg in target)]


def _is_smooth_power(op: str, args: tuple[Any, ...]) -> bool:
    exponent = args[-1]
    return op == "pow" and not isinstance(exponent, int) and exponent >= 0 and mp.isint(exponent)


def _rounded(program: Program, targets: list[tuple[Any, ...]]) -> Program:
    """Return a program of float64 that computes all targets."""
    instructions = list(program.instructions)
    outputs = []
    for first, *second in targets:
        instructions.append(Instruction("sub", (first, *(second or [0.0]))))
        outputs.append(len(instructions) - 1)
    floats = tuple(
        step._replace(args=tuple(a if isinstance(a, int) else float(a) for a in step.args))
        for step in instructions
    )
    return Program(program.inputs, floats, tuple(outputs))


def _exact(program: Program, target: tuple[Any, ...]) -> Callable[[Any], Any]:
    """Return a target as a function in high precision."""
    first, *second = target
    last = Instruction("sub", (first, *(second or [mp.mpf(0)])))
    least = max(arg for arg in target if isinstance(arg, int))
    steps = (*program.instructions[: least + 1], last)
    whole = Program(program.inputs, steps, (len(steps) - 1,))
    return lambda x: evaluate(whole, [mp.mpf(x)])


def _values(program: Program, x: Array) -> Array:
    """Return the values of all targets, the first axis."""
    with np.errstate(all="ignore"):
        found = run(program, NUMPY_OPS, [x])
    return np.array([np.broadcast_to(one, x.shape) for one in found], dtype=np.float64)


def _suspects(program: Program) -> _Suspects:
    """Return where targets change their sign, are 0 on a point, or touch 0."""
    x = np.concatenate([-BEYOND[::-1], GRID, BEYOND])
    values = _values(program, x)
    signs = np.sign(values)
    which, at = np.nonzero(signs[:, 1:] * signs[:, :-1] < 0)
    which, at = _without_waves(which, at, x)
    crossing = _crossings(program, which, x[at], x[at + 1])
    zero = signs[:, 1:-1] == 0
    of, on = np.nonzero(zero & (np.abs(signs[:, 2:]) + np.abs(signs[:, :-2]) == 2))
    of, on = _without_waves(of, on, x)
    dips, dip_x = _dips(program, x, values)
    return _Suspects(
        np.concatenate([which, of, dips]),
        np.concatenate([crossing, x[on + 1], dip_x]),
        np.concatenate(
            [np.zeros(len(which) + len(of), dtype=bool), np.ones(len(dips), dtype=bool)]
        ),
    )


def _without_waves(which: Indices, at: Indices, x: Array) -> tuple[Indices, Indices]:
    """Leave out what lies beyond the window where one target has many such places."""
    kept = np.ones(len(which), dtype=bool)
    for side in (-1, 1):
        beyond = side * x[at] >= GRID[-1]
        counts = np.bincount(which[beyond], minlength=1) if beyond.any() else np.zeros(1, dtype=int)
        kept &= ~(beyond & (counts[np.minimum(which, len(counts) - 1)] > _MOST_BEYOND))
    return which[kept][:_MOST], at[kept][:_MOST]


def _crossings(program: Program, which: Indices, left: Array, right: Array) -> Array:
    """Return the first double behind each change of sign, all found at once."""
    if not len(which):
        return left
    own = np.arange(len(which))
    first = np.sign(_values(program, left)[which, own])
    for _ in range(_N_HALVINGS):
        middle = (left + right) / 2
        same = np.sign(_values(program, middle)[which, own]) == first
        left, right = np.where(same, middle, left), np.where(same, right, middle)
    return right


def _dips(program: Program, x: Array, values: Array) -> tuple[Indices, Array]:
    """Return where targets touch 0 between points of the window."""
    size, sign = np.abs(values), np.sign(values)
    with np.errstate(all="ignore"):
        left, here, right = size[:, :-2], size[:, 1:-1], size[:, 2:]
        rise = np.maximum(left, right) - here
        deep = (sign[:, :-2] == sign[:, 1:-1]) & (sign[:, 2:] == sign[:, 1:-1]) & (here > 0)
        deep &= (here <= left) & (here <= right) & (here <= _DEEP * rise)
    which, at = np.nonzero(deep & (np.abs(x[1:-1]) < GRID[-1]))
    if not len(which) or len(which) > MOST_EXACT:
        return which[:0], x[:0]
    own, step = np.arange(len(which)), GRID[1] - GRID[0]
    low, high = x[at], x[at + 2]
    for _ in range(_N_ZOOMS):
        points = np.linspace(low, high, _N_PARTS + 1)
        mine = np.abs(_values(program, points)[which, :, own])
        best = np.where(np.isnan(mine), np.inf, mine).argmin(axis=1)
        low = points[np.maximum(best - 1, 0), own]
        high = points[np.minimum(best + 1, _N_PARTS), own]
    found = (low + high) / 2
    left, here, right = (
        np.abs(_values(program, found + shift)[which, own]) for shift in (-step, 0.0, step)
    )
    touches = here <= _LEFT * np.fmax(left, right)
    return which[touches], found[touches]


def _distinct(suspects: _Suspects) -> _Suspects:
    """Leave one of suspects at one place: crossings come before those that touch."""
    order = np.lexsort((suspects.touches, suspects.x))
    x = suspects.x[order]
    near = np.diff(x) <= 8 * np.finfo(np.float64).eps * np.abs(x[1:])
    kept = order[np.concatenate([np.ones(min(1, len(x)), dtype=bool), ~near])]
    return _Suspects(suspects.which[kept], suspects.x[kept], suspects.touches[kept])


# --- the true function beside a suspect


def _place(target: Callable[[Any], Any], x: float, touches: bool) -> tuple[Any, tuple[str, ...]]:
    """Return where a target vanishes, and how near to it the function may be looked at."""
    with mp.workdps(_DIGITS):
        at = mp.mpf(x)
        if target(at) == 0:
            return at, _DISTANCES
        size = max(abs(at), mp.mpf("1e-3"))
        if touches:
            step, width = mp.mpf("1e-20") * size, mp.mpf("1e-4") * size
            found = root(lambda y: target(y + step) - target(y - step), at - width, at + width)
        else:
            width = size * mp.mpf("1e-9")
            found = root(target, at - width, at + width)
        return (at, _ROUGH_DISTANCES) if found is None else (found, _DISTANCES)


def _beside(
    function: Callable[[Any], Any], place: Any, distances: tuple[str, ...]
) -> list[list[Any]]:
    """Return true values on the left and on the right, ever closer ones."""
    with mp.workdps(_DIGITS):
        size = max(abs(place), mp.mpf(1))
        return [
            [function(place + side * size * mp.mpf(distance)) for distance in distances]
            for side in (-1, 1)
        ]


def _value_breaks(sides: list[list[Any]]) -> bool:
    """Tell whether the value jumps, or goes to infinity on a side."""
    if any(mp.isnan(value) for values in sides for value in values):
        return any(not mp.isnan(values[-1]) and _diverges(values) for values in sides)
    return any(map(_diverges, sides)) or _jumps(*sides)


def _slopes(sides: list[list[Any]]) -> tuple[float, float] | None:
    """Return the slopes on both sides where they differ or are infinite, else None."""
    if any(mp.isnan(slope) for slopes in sides for slope in slopes):
        return None
    upright = [_diverges(slopes) for slopes in sides]
    if not any(upright) and not _jumps(*sides):
        return None
    scale = max(abs(slopes[-1]) for slopes in sides)
    found = [
        float(mp.sign(slopes[-1]) * mp.inf) if is_upright else _settled(slopes, scale)
        for slopes, is_upright in zip(sides, upright, strict=True)
    ]
    return found[0], found[1]


def _settled(slopes: list[Any], scale: Any) -> float:
    """Return what slopes come to, 0 where that is all but nothing beside the other side's."""
    return 0.0 if abs(slopes[-1]) < _LEAST * scale else float(slopes[-1])


def _diverges(values: list[Any]) -> bool:
    """Tell whether values at the three distances go to infinity."""
    if mp.isinf(values[-1]):
        return True
    before, last = abs(values[1] - values[0]), abs(values[2] - values[1])
    return bool(abs(values[2]) > abs(values[1]) and last > max(_DIVERGES * before, _LEAST))


def _jumps(left: list[Any], right: list[Any]) -> bool:
    """Tell whether what is on both sides stays apart."""
    before, last = abs(right[1] - left[1]), abs(right[2] - left[2])
    return bool(last > _STAYS * before and last > _LEAST * max(abs(left[2]), abs(right[2])))


def _by_floats(subject: Subject, x: Array) -> Breaks:
    """Judge many suspects at once, by float64."""
    size = np.maximum(1.0, np.abs(x))
    f, d = (
        [[np.asarray(function(x + side * h * size)) for h in _FLOAT_DISTANCES] for side in (-1, 1)]
        for function in (subject.value, subject.slope)
    )
    steps = _leap(*f)
    kinks = _leap(*d) & ~steps
    return Breaks(
        tuple(
            Kink(*three)
            for three in zip(
                x[kinks].tolist(), d[0][1][kinks].tolist(), d[1][1][kinks].tolist(), strict=True
            )
        ),
        tuple(x[steps].tolist()),
    )


def _leap(left: list[Array], right: list[Array]) -> NDArray[np.bool_]:
    before, last = np.abs(right[0] - left[0]), np.abs(right[1] - left[1])
    scale = np.fmax(np.abs(left[1]), np.abs(right[1]))
    return np.asarray((last > 0.5 * before) & (last > _LEFT * scale))

"""What narrow floating-point types make of a function that is computed as its formula is written.

Each base operation is rounded to the type, at every number that float16 and bfloat16 have: no grid,
no gaps. Constants are not rounded, as in torch. Kernels that compute in float32 and round once, as
those of this program and of torch do, are far better than this: here it is what a plain
composition of operations in the type would do, as under autocast.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actsearch.expressions.analysis.stretches import share
from actsearch.expressions.analysis.subject import Subject
from actsearch.expressions.analysis.value import Hazard, Interval
from actsearch.expressions.base_ops import NUMPY_OPS
from actsearch.expressions.dialects import run
from actsearch.expressions.expression import Expression

Array = NDArray[np.float64]
Round = Callable[[Any], Array]

#: A number is lost where it is off by more than this share of itself,
LOST = 0.01
#: and by more than it changes over so many neighbouring inputs: beside a zero nothing else can be.
_NEIGHBOURS = 4.0
#: Lost numbers with no more than so many others between them are one stretch.
_GAP = 16
_N_FLOAT32 = 4000


def hazards(subject: Subject) -> tuple[Hazard, ...]:
    """Return what becomes of value and slope in float16, bfloat16 and float32."""
    return tuple(
        _hazard(dtype, what, function)
        for dtype in _TYPES
        for what, function in (("value", subject.function), ("slope", subject.derivative))
    )


def _hazard(dtype: str, what: str, function: Expression) -> Hazard:
    rounded, unit, least, points = _TYPES[dtype]
    x = points()
    with np.errstate(all="ignore"):
        (got,) = run(function.program, _rounded_ops(rounded), [x])
        got = np.broadcast_to(rounded(got), x.shape)
        true = function.evaluate(x)
        beside = np.abs(function.evaluate(x * (1 + unit)) - true)
        off = np.abs(got - true)
        lost = off > np.fmax(LOST * np.abs(true), _NEIGHBOURS * np.fmax(beside, least))
        error = np.where(lost, off / np.abs(true), 0.0)
    overflow = ~np.isfinite(got) & ~np.isnan(true)
    lost &= np.isfinite(true) & np.isfinite(got)
    worst = int(np.argmax(np.where(lost, error, -1.0)))
    any_lost = bool(lost.any())
    return Hazard(
        dtype,
        what,
        _together(x, lost),
        share(_cells(x, lost)),
        float(x[worst]) if any_lost else float("nan"),
        float(error[worst]) if any_lost else float("nan"),
        _together(x, overflow),
    )


def _rounded_ops(rounded: Round) -> dict[str, Callable[..., Any]]:
    def each(op: Callable[..., Any]) -> Callable[..., Any]:
        def then_rounded(*args: Any) -> Any:
            result = np.asarray(op(*args))
            return result if result.dtype == np.bool_ else rounded(result)

        return then_rounded

    return {name: each(op) for name, op in NUMPY_OPS.items()}


def _together(x: Array, mask: NDArray[np.bool_]) -> tuple[Interval, ...]:
    """Return the stretches from the first to the last of masked points that lie close."""
    at = np.flatnonzero(mask)
    if not at.size:
        return ()
    groups = np.split(at, np.flatnonzero(np.diff(at) > _GAP) + 1)
    return tuple((float(x[group[0]]), float(x[group[-1]])) for group in groups)


def _cells(x: Array, mask: NDArray[np.bool_]) -> list[Interval]:
    """Return what numbers of the mask stand for: the stretch of x that is rounded to them."""
    edges = np.concatenate([[-np.inf], (x[1:] + x[:-1]) / 2, [np.inf]])
    first = np.flatnonzero(mask & ~np.concatenate([[False], mask[:-1]]))
    last = np.flatnonzero(mask & ~np.concatenate([mask[1:], [False]]))
    return list(zip(edges[first].tolist(), edges[last + 1].tolist(), strict=True))


# --- the types


def _to_float16(values: Any) -> Array:
    return np.asarray(values, np.float64).astype(np.float16).astype(np.float64)


def _to_bfloat16(values: Any) -> Array:
    """Round to the upper half of a float32, ties to even."""
    single = np.atleast_1d(np.asarray(values, np.float64).astype(np.float32))
    bits = single.view(np.uint32)
    half = (bits >> 16) & 1
    half += 0x7FFF
    half += bits  # of what is NaN alone it may overflow
    half &= 0xFFFF0000
    rounded = np.where(np.isnan(single), single, half.view(np.float32))
    return rounded.astype(np.float64).reshape(np.shape(values))


def _to_float32(values: Any) -> Array:
    return np.asarray(values, np.float64).astype(np.float32).astype(np.float64)


def _all_float16() -> Array:
    return _finite(np.arange(1 << 16, dtype=np.uint16).view(np.float16))


def _all_bfloat16() -> Array:
    return _finite((np.arange(1 << 16, dtype=np.uint32) << 16).view(np.float32))


def _some_float32() -> Array:
    magnitudes = np.concatenate(
        [np.geomspace(1e-30, 3e38, _N_FLOAT32), np.linspace(0, 20, _N_FLOAT32)]
    )
    return _finite(np.concatenate([-magnitudes, magnitudes]).astype(np.float32))


def _finite(values: Any) -> Array:
    return np.unique(values[np.isfinite(values)].astype(np.float64))


#: How to round to a type, its unit in the last place, how small a number still counts (of float16
#: the least there is: its subnormal ones are met in practice), and its numbers.
_TYPES: dict[str, tuple[Round, float, float, Callable[[], Array]]] = {
    "float16": (_to_float16, 2.0**-10, 2.0**-24, _all_float16),
    "bfloat16": (_to_bfloat16, 2.0**-7, 2.0**-126, _all_bfloat16),
    "float32": (_to_float32, 2.0**-23, 2.0**-126, _some_float32),
}

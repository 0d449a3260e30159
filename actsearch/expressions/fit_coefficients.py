"""Compute the Chebyshev series of ``coefficients.py``; ``python -m`` this module rewrites the file.

Each function is sampled at the Chebyshev nodes in 50 digits; the series is cut where what is left
is below 1e-17 of the largest coefficient, so nothing of double precision is lost.
"""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Callable

import mpmath as mp

_NODES = 60
_CUT = mp.mpf(10) ** -17


def _i0e(x: mp.mpf) -> mp.mpf:
    return mp.besseli(0, x) * mp.exp(-x)


def _i1e(x: mp.mpf) -> mp.mpf:
    return mp.besseli(1, x) * mp.exp(-x)


def _i1e_d1(x: mp.mpf) -> mp.mpf:
    return _i0e(x) - _i1e(x) / x - _i1e(x)


@functools.cache
def _i1e_root() -> mp.mpf:
    """Return where i1e is largest."""
    return mp.findroot(_i1e_d1, mp.mpf("1.545"))


def _erfcx(z: mp.mpf) -> mp.mpf:
    return mp.exp(z * z) * mp.erfc(z)


def _normal_tail(m: mp.mpf) -> mp.mpf:
    return mp.exp(m * m / 2) * mp.erfc(m / mp.sqrt(2)) / 2


def _inverse(start: int) -> Callable[[mp.mpf], mp.mpf]:
    """Map t in (-1, 1] to [start, inf)."""
    return lambda t: 2 * start / (t + 1)


#: Name -> (function of t, what the series stands for).
FUNCTIONS: dict[str, tuple[Callable[[mp.mpf], mp.mpf], str]] = {
    "i0e_d1": (
        lambda t: (lambda x: (_i1e(x) - _i0e(x)) * x**1.5)(_inverse(6)(t)),
        "i0e'(x) x^1.5 on [6, inf), t = 12/x - 1",
    ),
    "i1e_d1": (
        lambda t: (lambda x: _i1e_d1(x) * x**1.5)(_inverse(6)(t)),
        "i1e'(x) x^1.5 on [6, inf), t = 12/x - 1",
    ),
    "i1e_d1_near": (
        lambda t: (lambda x: _i1e_d1(x) / (_i1e_root() - x))(3 * (t + 1)),
        "i1e'(x)/(r - x) on [0, 6], i1e'(r) = 0, t = x/3 - 1",
    ),
    "i0e_near": (lambda t: _i0e(4 * (t + 1)), "i0e(x) on [0, 8], t = x/4 - 1"),
    "i0e_far": (
        lambda t: (lambda x: _i0e(x) * mp.sqrt(x))(_inverse(8)(t)),
        "i0e(x) sqrt(x) on [8, inf), t = 16/x - 1",
    ),
    "i1e_near": (
        lambda t: _i1e(4 * (t + 1)) / (4 * (t + 1)),
        "i1e(x)/x on [0, 8], t = x/4 - 1",
    ),
    "i1e_far": (
        lambda t: (lambda x: _i1e(x) * mp.sqrt(x))(_inverse(8)(t)),
        "i1e(x) sqrt(x) on [8, inf), t = 16/x - 1",
    ),
    "erfcx": (
        lambda t: (lambda z: _erfcx(z) * (1 + 2 * z))(3.75 * (1 + t) / (1 - t)),
        "erfcx(z) (1 + 2 z) on [0, inf), t = (z - 3.75)/(z + 3.75)",
    ),
    "normal_tail": (
        lambda t: (lambda m: _normal_tail(m) * (1 + m * 8 / 25))((1 - t) / (1 + t) * 25 / 8),
        "Phi(-m) exp(m^2/2) (1 + 0.32 m) on [0, inf), t = 2/(1 + 0.32 m) - 1",
    ),
}


def series(function: Callable[[mp.mpf], mp.mpf]) -> list[float]:
    """Return the Chebyshev coefficients of ``function`` on [-1, 1], lowest order first."""
    with mp.workdps(50):
        angles = [mp.pi * (2 * k + 1) / (2 * _NODES) for k in range(_NODES)]
        samples = [function(mp.cos(angle)) for angle in angles]
        coefficients = [
            mp.fsum(f * mp.cos(j * a) for f, a in zip(samples, angles, strict=True))
            * (1 if j == 0 else 2)
            / _NODES
            for j in range(_NODES)
        ]
        floor = _CUT * max(abs(c) for c in coefficients)
        while len(coefficients) > 1 and abs(coefficients[-1]) < floor:
            coefficients.pop()
        return [float(c) for c in coefficients]


def source() -> str:
    """Return the text of ``coefficients.py``."""
    lines = [
        '"""Chebyshev series of functions that no plain formula gives to full precision.',
        "",
        "Written by ``python -m actsearch.expressions.fit_coefficients``; do not edit.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "SERIES: dict[str, tuple[float, ...]] = {",
    ]
    for name, (function, meaning) in FUNCTIONS.items():
        lines += [f"    # {meaning}", f'    "{name}": (']
        lines += [f"        {coefficient!r}," for coefficient in series(function)]
        lines += ["    ),"]
    return "\n".join([*lines, "}", ""])


if __name__ == "__main__":
    target = pathlib.Path(__file__).with_name("coefficients.py")
    target.write_text(source(), encoding="utf-8")

"""The C functions that generated C relies on and no C library has, from the stored series.

Each is written without branches that depend on data, one statement a step, so that a compiler can
vectorise a loop that calls it. NaN goes through all of them, unlike through ``fmax``.
"""

from __future__ import annotations

import functools

from actsearch.expressions.coefficients import SERIES

_FUNCTIONS = """
/* Largest and smallest of two; NaN where either is NaN. */
static inline REAL ACT_MAX(REAL a, REAL b) { return a > b || a != a ? a : b; }
static inline REAL ACT_MIN(REAL a, REAL b) { return a < b || a != a ? a : b; }

/* exp(x*x)*erfc(x) */
static inline REAL act_erfcx(REAL x)
{
    const REAL z = fabs(x);
    const REAL t = (REAL)1 - (REAL)7.5 / (z + (REAL)3.75);
    const REAL y = act_series_erfcx(t) / ((REAL)1 + (REAL)2 * z);
    return x < 0 ? (REAL)2 * exp(x * x) - y : y;
}

/* exp(-|x|)*I0(x) and exp(-|x|)*I1(x), the modified Bessel functions */
static inline REAL act_i0e(REAL x)
{
    const REAL m = fabs(x), low = ACT_MIN(m, (REAL)8), high = ACT_MAX(m, (REAL)8);
    const REAL near = act_series_i0e_near(low / (REAL)4 - (REAL)1);
    const REAL far = act_series_i0e_far((REAL)16 / high - (REAL)1) / sqrt(high);
    return m < 8 ? near : far;
}

static inline REAL act_i1e(REAL x)
{
    const REAL m = fabs(x), low = ACT_MIN(m, (REAL)8), high = ACT_MAX(m, (REAL)8);
    const REAL near = act_series_i1e_near(low / (REAL)4 - (REAL)1) * m;
    const REAL far = act_series_i1e_far((REAL)16 / high - (REAL)1) / sqrt(high);
    const REAL y = m < 8 ? near : far;
    return x < 0 ? -y : y;
}
"""
_USED = ("erfcx", "i0e_near", "i0e_far", "i1e_near", "i1e_far")


@functools.lru_cache(maxsize=2)
def prelude(real: str) -> str:
    """Return the C text that goes before code made from ``Primitive.c_text``.

    Args:
        real: The type to compute in, ``float`` or ``double``.

    Returns:
        The includes, ``REAL``, ``ACT_MAX``, ``ACT_MIN``, ``act_erfcx``, ``act_i0e``, ``act_i1e``.
    """
    head = f"#include <math.h>\n#include <tgmath.h>\n\n#define REAL {real}\n"
    return "\n".join([head, *(_series(name) for name in _USED)]) + _FUNCTIONS


def _series(name: str) -> str:
    """Write Clenshaw's recurrence for a Chebyshev series on [-1, 1]."""
    first, *rest = SERIES[name]
    steps, b1, b2 = [], "(REAL)0", "(REAL)0"
    for index, coefficient in reversed(list(enumerate(rest, start=1))):
        steps.append(f"    const REAL b{index} = s * {b1} - {b2} + (REAL){coefficient!r};")
        b1, b2 = f"b{index}", b1
    return "\n".join(
        [
            f"static inline REAL act_series_{name}(REAL t)",
            "{",
            "    const REAL s = (REAL)2 * t;",
            *steps,
            f"    return t * {b1} - {b2} + (REAL){first!r};",
            "}",
            "",
        ]
    )

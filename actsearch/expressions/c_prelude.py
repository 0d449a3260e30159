"""The C functions that generated C relies on and no C library has, from the stored series.

Each is written without branches that depend on data, one statement a step, so that a compiler can
vectorise a loop that calls it. NaN goes through all of them, unlike through ``fmax``.
"""

from __future__ import annotations

import functools

from numpy.polynomial import chebyshev

from actsearch.expressions.coefficients import SERIES

_HEAD = """\
#define REAL {real}
#define ACT_FLOAT {float}
#define MASK {mask}

#if defined(__CUDACC__) || defined(__HIPCC__)
/* C++, with overloads for float and no files to include. */
#define ACT_INLINE __device__ __forceinline__
#else
#include <math.h>
#include <string.h>
#include <tgmath.h>
#if defined(__GNUC__)
#define ACT_INLINE static inline __attribute__((always_inline, unused))
#else
#define ACT_INLINE static inline
#endif
#endif

/* The first value where all bits of the mask are set, the second where none is. */
ACT_INLINE REAL ACT_CHOOSE(MASK mask, REAL yes, REAL no)
{{
    MASK a, b;
    REAL chosen;
    memcpy(&a, &yes, sizeof a);
    memcpy(&b, &no, sizeof b);
    a = (a & mask) | (b & ~mask);
    memcpy(&chosen, &a, sizeof chosen);
    return chosen;
}}
"""
_FUNCTIONS = """
/* Largest and smallest of two; NaN where either is NaN. */
ACT_INLINE REAL ACT_MAX(REAL a, REAL b)
{
    return ACT_CHOOSE(-(MASK)((a > b) | (a != a)), a, b);
}
ACT_INLINE REAL ACT_MIN(REAL a, REAL b)
{
    return ACT_CHOOSE(-(MASK)((a < b) | (a != a)), a, b);
}

/* The same beside a number, which is not NaN; of equal zeros the first, with its sign. */
ACT_INLINE REAL ACT_AT_LEAST(REAL a, REAL number)
{
    return ACT_CHOOSE(-(MASK)!(a < number), a, number);
}
ACT_INLINE REAL ACT_AT_MOST(REAL a, REAL number)
{
    return ACT_CHOOSE(-(MASK)!(a > number), a, number);
}

/* exp(x*x)*erfc(x) */
ACT_INLINE REAL act_erfcx(REAL x)
{
    const REAL z = fabs(x);
    const REAL t = (REAL)1 - (REAL)7.5 / (z + (REAL)3.75);
    const REAL y = act_series_erfcx(t) / ((REAL)1 + (REAL)2 * z);
    return ACT_CHOOSE(-(MASK)(x < 0), (REAL)2 * exp(x * x) - y, y);
}

/* exp(-|x|)*I0(x) and exp(-|x|)*I1(x), the modified Bessel functions */
ACT_INLINE REAL act_i0e(REAL x)
{
    const REAL m = fabs(x), low = ACT_AT_MOST(m, (REAL)8), high = ACT_AT_LEAST(m, (REAL)8);
    const REAL near = act_series_i0e_near(low / (REAL)4 - (REAL)1);
    const REAL far = act_series_i0e_far((REAL)16 / high - (REAL)1) / sqrt(high);
    return ACT_CHOOSE(-(MASK)(m < 8), near, far);
}

ACT_INLINE REAL act_i1e(REAL x)
{
    const REAL m = fabs(x), low = ACT_AT_MOST(m, (REAL)8), high = ACT_AT_LEAST(m, (REAL)8);
    const REAL near = act_series_i1e_near(low / (REAL)4 - (REAL)1) * m;
    const REAL far = act_series_i1e_far((REAL)16 / high - (REAL)1) / sqrt(high);
    const REAL y = ACT_CHOOSE(-(MASK)(m < 8), near, far);
    return ACT_CHOOSE(-(MASK)(x < 0), -y, y);
}

/* exp(-x*x/2) with what rounding took from x*x put back. In float written out: that costs half of a
   call of exp, as arguments that can't come need no care. The power of 2 is put on in two steps,
   the second of which rounds to denormal numbers. */
ACT_INLINE REAL act_half_gauss(REAL x)
{
#if ACT_FLOAT
    const REAL m = ACT_AT_MOST(fabs(x), (REAL)14.4), square = m * m, rest = fma(m, m, -square);
    const REAL shifted = fma(square, (REAL)-0.7213475204444817, (REAL)12582912);
    const REAL n = shifted - (REAL)12582912; /* the nearest whole power of 2 */
    REAL r = fma(n, (REAL)-0.693145751953125, (REAL)-0.5 * square);
    r = fma(n, (REAL)-1.428606820309417e-06, r) - (REAL)0.5 * rest;
    REAL y = (REAL)(1.0 / 720);
    y = fma(y, r, (REAL)(1.0 / 120));
    y = fma(y, r, (REAL)(1.0 / 24));
    y = fma(y, r, (REAL)(1.0 / 6));
    y = fma(y, r, (REAL)0.5);
    y = fma(y, r, (REAL)1);
    y = fma(y, r, (REAL)1);
    MASK bits, power;
    memcpy(&bits, &y, sizeof bits);
    memcpy(&power, &shifted, sizeof power);
    bits += (MASK)(((unsigned)power + 24) << 23);
    memcpy(&y, &bits, sizeof y);
    /* The difference is 0, and NaN for NaN. */
    return ACT_CHOOSE(-(MASK)(m < (REAL)14.4), y * (REAL)(1.0 / 16777216), m - (REAL)14.4);
#else
    const REAL m = ACT_AT_MOST(fabs(x), (REAL)40), square = m * m;
    const REAL e = exp((REAL)-0.5 * square);
    return e - e * ((REAL)0.5 * fma(m, m, -square));
#endif
}

/* The normal distribution's tail P(Z > |x|). In float a rational form beside the exponential is
   twice as fast as erfc. In double, what rounding took from x/sqrt(2) is put back. */
ACT_INLINE REAL act_normal_tail(REAL x)
{
#if ACT_FLOAT
    const REAL m = ACT_AT_MOST(fabs(x), (REAL)14.4);
    const REAL s = (REAL)1 / ((REAL)1 + (REAL)0.32 * m);
    return act_half_gauss(x) * s * act_series_normal_tail((REAL)2 * s - (REAL)1);
#else
    const REAL m = ACT_AT_MOST(fabs(x), (REAL)40);
    const REAL c = 0.7071067811865476, z = c * m;
    const REAL d = fma(c, m, -z) - (REAL)4.8336466567264565e-17 * m;
    return (REAL)0.5 * erfc(z) * ((REAL)1 - (REAL)2 * z * d);
#endif
}
"""
_USED = ("erfcx", "i0e_near", "i0e_far", "i1e_near", "i1e_far", "normal_tail")

#: What is below this share of the largest coefficient can't be seen in float.
_FLOAT_CUT = 3e-8


@functools.lru_cache(maxsize=2)
def prelude(real: str) -> str:
    """Return the text that goes before generated code, in C and in the C++ of GPUs.

    Args:
        real: The type to compute in, ``float`` or ``double``.

    Returns:
        The includes, ``REAL``, ``MASK`` (an integer of its width), ``ACT_CHOOSE``, ``ACT_MAX``,
        ``ACT_MIN``, ``act_erfcx``, ``act_i0e``, ``act_i1e``,
        ``act_half_gauss``, ``act_normal_tail``.
    """
    mask = {"float": "int", "double": "long long"}[real]
    head = _HEAD.format(real=real, float=int(real == "float"), mask=mask)
    write = _polynomial if real == "float" else _recurrence
    return "\n".join([head, *(write(name) for name in _USED)]) + _FUNCTIONS


def _polynomial(name: str) -> str:
    """Write a Chebyshev series on [-1, 1], as far as float can see it, as a polynomial (Horner)."""
    series = SERIES[name]
    floor = _FLOAT_CUT * max(map(abs, series))
    n_seen = max(k for k, coefficient in enumerate(series, start=1) if abs(coefficient) >= floor)
    *lower, last = chebyshev.cheb2poly(series[:n_seen]).tolist()
    steps = [f"    REAL y = (REAL){last!r};"]
    steps += [f"    y = y * t + (REAL){coefficient!r};" for coefficient in reversed(lower)]
    return "\n".join(
        [f"ACT_INLINE REAL act_series_{name}(REAL t)", "{", *steps, "    return y;", "}", ""]
    )


def _recurrence(name: str) -> str:
    """Write Clenshaw's recurrence for a Chebyshev series on [-1, 1]."""
    first, *rest = SERIES[name]
    steps, b1, b2 = [], "(REAL)0", "(REAL)0"
    for index, coefficient in reversed(list(enumerate(rest, start=1))):
        steps.append(f"    const REAL b{index} = s * {b1} - {b2} + (REAL){coefficient!r};")
        b1, b2 = f"b{index}", b1
    return "\n".join(
        [
            f"ACT_INLINE REAL act_series_{name}(REAL t)",
            "{",
            "    const REAL s = (REAL)2 * t;",
            *steps,
            f"    return t * {b1} - {b2} + (REAL){first!r};",
            "}",
            "",
        ]
    )

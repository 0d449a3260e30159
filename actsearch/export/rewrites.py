"""Functions in the language of rows, for libraries that lack them or compute them to few digits.

Each may be given to a ``Dialect`` under the name of its operation or row. They hold for float32 to
its last digits, in the tails too, and for float64. NaN goes through.
"""

from __future__ import annotations

# exp(c*m*m) in two factors, as what rounding takes from a large square is missing from the result:
# float32 holds the square of h, which is m to 12 binary digits. It can't be split by subtractions
# (Dekker 1971) everywhere, as compilers may fuse them with products; and XLA would make one
# exponential of two that are multiplied.
_SPLIT = "h = coarse(m); e = exp({c}*(h*h)); g = e*(1 + expm1({c}*((m - h)*(m + h)))); "

#: What a dialect has to have among its ``whole`` rows for those below: a number from 0 to 40 with
#: its first 12 binary digits alone, exactly.
COARSE = "coarse"

#: From exp(z*z)*erfc(z), whose relative digits survive far out.
ERFC = (
    "m = minimum(abs(a), 28); "
    + _SPLIT.format(c="-1")
    + "y = g*(cheb('erfcx', 1 - 7.5/(m + 3.75))/(1 + 2*m)); where(a < 0, 2 - y, y)"
)

HALF_GAUSS = "m = minimum(abs(a), 40); " + _SPLIT.format(c="-0.5") + "g"

#: The tail of the normal distribution, by a series of its own: erfc of a rounded m/sqrt(2) would
#: lose digits.
NORMAL_TAIL = (
    "m = minimum(abs(a), 40); "
    + _SPLIT.format(c="-0.5")
    + "r = 1/(1 + 0.32*m); (g*r)*cheb('normal_tail', 2*r - 1)"
)

_BESSEL = (
    "m = abs(a); l = minimum(m, 8); h = maximum(m, 8); "
    "y = where(m < 8, {near}, cheb('{name}_far', 16/h - 1)/sqrt(h)); {end}"
)
I0E = _BESSEL.format(name="i0e", near="cheb('i0e_near', l/4 - 1)", end="y")
I1E = _BESSEL.format(name="i1e", near="l*cheb('i1e_near', l/4 - 1)", end="where(a < 0, -y, y)")

#: Without a difference of exponentials, and without exp(a), which overflows before its half does.
SINH = (
    "m = abs(a); h = exp(m/2); e = expm1(minimum(m, 80)); "
    "where(m > 80, (0.5*sign(a)*h)*h, (0.5*sign(a))*(e + e/(e + 1)))"
)

#: Without exp(-a), which overflows.
SIGMOID = "t = exp(-abs(a)); where(a < 0, t, 1.0)/(1 + t)"

#: Where 1 + a rounds, the error of the logarithm's argument is divided out (Kahan).
LOG1P = (
    "u = 1 + a; d = u - 1; k = d == 0; w = where(k, 1.0, d); "
    "where(u > 2, log(u), where(k, a, log(u)*(a/w)))"
)

BESSEL = {"i0e": I0E, "i1e": I1E}
#: What hangs on the exponential of a square, for a dialect that has ``coarse`` among its rows.
GAUSSIAN = {"erfc": ERFC, "half_gauss": HALF_GAUSS, "normal_tail": NORMAL_TAIL}

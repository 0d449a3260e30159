"""Derivatives that need a form of their own: chained from other rows they would lose digits.

They are primitives like any other - they parse, print, compile and differentiate - but no search
space offers them. Second derivatives are exact, in terms less careful about extreme magnitudes.
"""

from __future__ import annotations

import struct
from fractions import Fraction

from actsearch.expressions.primitive import Primitive

_H = "h = exp(-abs(a)/2); t = h*h; "
_S, _A = "1.0507009873554805", "1.6732632423543772"


def _row(
    name: str, code: str, derivative: str, definition: str, latex: str, cost: float, note: str = ""
) -> Primitive:
    return Primitive(
        name, 1, code, (derivative,), definition, latex, cost, internal=True, note=note
    )


def _from_root(argument: str, root: str) -> str:
    """Write ``argument - root`` so that it keeps its digits right beside the root.

    The root comes in three parts: the first is a float32, the first two are a double together, so
    that both formats subtract them exactly where the argument is close.
    """
    exact = Fraction(root)
    double = float(exact)
    (single,) = struct.unpack("f", struct.pack("f", double))
    parts = (single, double - single, float(exact - Fraction(double)))
    return f"((({argument}) - {parts[0]!r}) - {parts[1]!r}) - {parts[2]!r}"


# Where a slope is 0: minima of silu, gelu, mish, the maximum of i1e, the bends of guarded 1/a.
_SILU_ROOT = "-1.278464542761073795109358739022980155439"
_MISH_ROOT = "-1.192431214515495212137588340420739405601"
_GELU_ROOT = "-0.7517915246935644574579049467795240396645"
_I1E_ROOT = "1.545127257992542686163940336098214610034"
_INV_ROOT = "0.1000000000000000010408340855860842512305"

INTERNAL = (
    _row(
        "step",
        "where(a > 0, 1.0, 0.0)",
        "0",
        "where(a > 0, 1.0, 0.0)",
        r"\left[{0} > 0\right]",
        1,
        "0 at 0",
    ),
    _row(
        "sqrt_abs_d1",
        "z = a == 0; 0.5*sign(a)/sqrt(where(z, 1.0, abs(a)))",
        "-0.5*sqrt_abs_d1(a)/a",
        "where(a == 0, 0.0, sign(a)/(2*sqrt(abs(a))))",
        r"\frac{{\operatorname{{sgn}}({0})}}{{2\sqrt{{\left|{0}\right|}}}}",
        5,
    ),
    _row(
        "inv_d1",
        # One form for each side of the root: the squares of the other overflow or vanish.
        f"m = abs(a); t = 1/(a + 0.01/a); r = 1/(a*a + 0.01); s = {_from_root('m', _INV_ROOT)}; "
        "p = m + 0.1; -where(m > 0.1, (t*t)*((s/m)*(p/m)), ((s*p)*r)*r)",
        "2*a*(a**2 - 0.03)/(a**2 + 0.01)**3",
        "(0.01 - a*a)/((a*a + 0.01)*(a*a + 0.01))",
        r"\frac{{0.01 - \left({0}\right)^{{2}}}}"
        r"{{\left(\left({0}\right)^{{2}} + 0.01\right)^{{2}}}}",
        8,
    ),
    _row(
        "sech2",
        "e = exp(-2*abs(a)); d = 1 + e; 4*e/(d*d)",
        "-2*tanh(a)*sech2(a)",
        "1/(cosh(a)*cosh(a))",
        r"\operatorname{{sech}}^{{2}}\left({0}\right)",
        9,
    ),
    _row(
        "rsqrt1p",
        "m = abs(a); l = maximum(m, 1); q = minimum(m, 1)/l; 1/(l*sqrt(1 + q*q))",
        "-a*rsqrt1p(a)**3",
        "1/sqrt(1 + a*a)",
        r"\frac{{1}}{{\sqrt{{1 + \left({0}\right)^{{2}}}}}}",
        5,
    ),
    _row(
        "sinc_d1",
        # (cos a - sinc a)/a cancels near 0: the Taylor series to double precision below 1.
        "q = a*a; s = -a/3*(1 - q/10*(1 - q/28*(1 - q/54*(1 - q/88*(1 - q/130*(1 - q/180*"
        "(1 - q/238))))))); k = abs(a) < 1; w = where(k, 1.0, a); "
        "where(k, s, (cos(w) - sin(w)/w)/w)",
        "sinc_d2(a)",
        "where(a == 0, 0.0, (cos(a) - sin(a)/a)/a)",
        r"\operatorname{{sinc}}'\left({0}\right)",
        20,
    ),
    _row(
        "sinc_d2",
        "k = abs(a) < 0.05; q = a*a; w = where(k, 1.0, a); "
        "where(k, -1/3 + q/10 - q*q/168 + q*q*q/6480, -sinc(w) - 2*sinc_d1(w)/w)",
        "-(cos(a) + 3*sinc_d2(a))/a",
        "where(a == 0, -1/3, -sin(a)/a - 2*(cos(a) - sin(a)/a)/(a*a))",
        r"\operatorname{{sinc}}''\left({0}\right)",
        30,
    ),
    _row(
        "leaky_relu_d1",
        "where(a > 0, 1.0, 0.01)",
        "0",
        "where(a > 0, 1.0, 0.01)",
        r"\operatorname{{LeakyReLU}}'\left({0}\right)",
        2,
    ),
    _row(
        "selu_d1",
        f"where(a > 0, {_S}, {_S}*{_A}*exp(minimum(a, 0)))",
        f"{float(_S) * float(_A)!r}*exp(min(a, 0))*step(-a)",
        f"where(a > 0, {_S}, {_S}*{_A}*exp(minimum(a, 0)))",
        r"\operatorname{{SELU}}'\left({0}\right)",
        9,
    ),
    _row(
        "silu_d1",
        # d + a cancels at the root r, where 1 + r + exp(r) = 0: with s = a - r it is
        # s + exp(r)*expm1(s), two terms of one sign.
        _H + f"d = 1 + t; s = {_from_root('a', _SILU_ROOT)}; n = s + 0.2784645427610738*expm1(s); "
        "where(a < 0, (h*n)*h, d + a*t)/(d*d)",
        "sigmoid(a)*sigmoid(-a)*(2 - a*tanh(a/2))",
        "1/(1 + exp(-a)) + a*exp(-a)/((1 + exp(-a))*(1 + exp(-a)))",
        r"\operatorname{{SiLU}}'\left({0}\right)",
        11,
    ),
    _row(
        "normal_tail",
        # erfc of a rounded argument z loses 2 z^2 ulps. What rounding took from z is found by
        # splitting a into halves whose products are exact (Dekker 1971), and put back.
        "m = minimum(abs(a), 40); s = 257*m; h = s - (s - m); z = 0.7071067811865476*m; "
        "d = ((h*0.70703125 - z) + (m - h)*0.70703125) + m*7.55311865475244e-05; "
        "0.5*erfc(z)*(1 - 2*z*d)",
        "-0.3989422804014327*sign(a)*half_gauss(a)",
        "erfc(abs(a)/sqrt(2.0))/2",
        r"\Phi\left(-\left|{0}\right|\right)",
        16,
    ),
    _row(
        "half_gauss",
        "m = minimum(abs(a), 40); exp(-0.5*(m*m))",
        "-a*half_gauss(a)",
        "exp(-0.5*(a*a))",
        r"e^{{-\left({0}\right)^{{2}}/2}}",
        7,
    ),
    _row(
        "gelu_d1",
        # The two terms cancel at the root of the left side: its Taylor series around it.
        "e = half_gauss(a); t = normal_tail(a); l = 0.3989422804014327*a*e; "
        f"s = {_from_root('a', _GELU_ROOT)}; "
        "g = s*(0.5724061752276146 + s*(0.0847563696385306 + s*(0.03658159148937988 + "
        "s*(0.014313659799253144 + s*(0.005164140672990876 + s*(0.0017385504348288805 + "
        "s*0.0005510161701691732)))))); "
        "where(a < 0, where(abs(s) < 0.03, e*g, t + l), 1 - t + l)",
        "0.3989422804014327*(2 - a**2)*half_gauss(a)",
        "erfc(-a/sqrt(2.0))/2 + a*exp(-(a*a)/2)/sqrt(8*atan(1.0))",
        r"\operatorname{{GELU}}'\left({0}\right)",
        18,
    ),
    _row(
        "mish_d1",
        # With w = tanh(softplus(a)) = n/d: 1 - w^2 = (d - n)(d + n)/d^2, free of cancellation.
        # On the left the slope is exp(a)*(4(1 + a) + ...)/d^2, which vanishes at a root r: the
        # factor, less its value 0 at r, in s = a - r and expm1(s).
        _H + "p = a > 0; d = where(p, 1 + 2*t + 2*t*t, t*(t + 2) + 2); v = 1 + 2*t; "
        f"s = {_from_root('a', _MISH_ROOT)}; e = expm1(s); "
        "n = 5.213930141126116*s + e*(0.3684065968836178*(e + 2) + "
        "0.027951242009170136*(e*(e + 3) + 3) + 0.3034825352815289*(4*a + 6)); "
        "g = v/d + (a*t)*(2*t*(v + d))/(d*d*(1 + t)); where(p, g, h*(h*(n/(d*d))))",
        "sech2(softplus(a))*sigmoid(a)*(2 + a*(sigmoid(-a) - 2*tanh(softplus(a))*sigmoid(a)))",
        "w = tanh(log(1 + exp(a))); w + a*(1 - w*w)/(1 + exp(-a))",
        r"\operatorname{{Mish}}'\left({0}\right)",
        18,
    ),
    _row(
        "hardsigmoid_d1",
        "where(abs(a) < 3, 1/6, 0.0)",
        "0",
        "where(abs(a) < 3, 1/6, 0.0)",
        r"\operatorname{{hardsigmoid}}'\left({0}\right)",
        2,
    ),
    _row(
        "hardswish_d1",
        "where(abs(a) < 3, (a + 1.5)/3, where(a > 0, 1.0, 0.0))",
        "2*hardsigmoid_d1(a)",
        "where(abs(a) < 3, (2*a + 3)/6, where(a > 0, 1.0, 0.0))",
        r"\operatorname{{hardswish}}'\left({0}\right)",
        4,
    ),
    _row(
        "i0e_d1",
        # I1 - I0 cancels for large arguments: a Chebyshev series in 1/|a| from 6 on.
        "m = abs(a); k = m < 6; w = where(k, 6.0, m); g = cheb('i0e_d1', 12/w - 1)/(w*sqrt(w)); "
        "sign(a)*where(k, i1e(m) - i0e(m), g)",
        "2*i0e(a) - 2*sign(a)*i1e(a) - i1e_ratio(a)",
        "i1e(a) - sign(a)*i0e(a)",
        r"\left(e^{{-\left|{0}\right|}}I_0({0})\right)'",
        60,
    ),
    _row(
        "i1e_d1",
        # The terms cancel at the maximum of i1e and far out: a series on either side of 6.
        "m = abs(a); k = m < 6; w = where(k, 6.0, m); g = cheb('i1e_d1', 12/w - 1)/(w*sqrt(w)); "
        f"n = -cheb('i1e_d1_near', minimum(m, 6)/3 - 1)*({_from_root('m', _I1E_ROOT)}); "
        "where(k, n, g)",
        "i0e_d1(a) - i1e_ratio_d1(a) - sign(a)*i1e_d1(a)",
        "i0e(a) - where(a == 0, 0.5, i1e(a)/a) - sign(a)*i1e(a)",
        r"\left(e^{{-\left|{0}\right|}}I_1({0})\right)'",
        60,
    ),
    _row(
        "i1e_ratio",
        "k = a == 0; w = where(k, 1.0, a); where(k, 0.5, i1e(w)/w)",
        "i1e_ratio_d1(a)",
        "where(a == 0, 0.5, i1e(a)/a)",
        r"\frac{{e^{{-\left|{0}\right|}}I_1({0})}}{{{0}}}",
        32,
    ),
    _row(
        "i1e_ratio_d1",
        # The difference cancels near 0: the power series of I1(a)/a there.
        "q = a*a/4; k = abs(a) < 0.5; w = where(k, 1.0, a); "
        "s = a/4*(0.5 + q*(1/6 + q*(1/48 + q*(1/720 + q/17280)))); "
        "where(k, exp(-abs(a))*s - sign(a)*i1e_ratio(a), (i1e_d1(w) - i1e_ratio(w))/w)",
        "(i0e_d1(a) - 2*i1e_ratio_d1(a) - sign(a)*i1e_d1(a))/a - sign(a)*i1e_ratio_d1(a)",
        "where(a == 0, 0.0, (i0e(a) - 2*i1e(a)/a - sign(a)*i1e(a))/a)",
        r"\left(\frac{{e^{{-\left|{0}\right|}}I_1({0})}}{{{0}}}\right)'",
        90,
    ),
    Primitive(
        "aq_db",
        2,
        "m = abs(b); l = maximum(m, 1); q = minimum(m, 1)/l; r = 1/(l*sqrt(1 + q*q)); "
        "-(a*r)*((b*r)*r)",
        ("-b*rsqrt1p(b)**3", "a*(2*b**2 - 1)*rsqrt1p(b)**5"),
        "-a*b/((1 + b*b)*sqrt(1 + b*b))",
        r"\frac{{-\left({0}\right) \left({1}\right)}}"
        r"{{\left(1 + \left({1}\right)^{{2}}\right)^{{3/2}}}}",
        8,
        internal=True,
    ),
    Primitive(
        "gate_da",
        2,
        _H + "((b*h)*h)/((1 + t)*(1 + t))",
        ("-gate_da(a, b)*tanh(a/2)", "sigmoid(a)*sigmoid(-a)"),
        "b*exp(-a)/((1 + exp(-a))*(1 + exp(-a)))",
        r"\sigma'\left({0}\right) \left({1}\right)",
        9,
        internal=True,
    ),
    Primitive(
        "gpow_da",
        2,
        "m = maximum(abs(a), 1e-6); where(abs(a) > 1e-6, b*pow(m, b - 1)*sign(a), 0.0)",
        (
            "b*(b - 1)*gpow(a, b - 2)*step(abs(a) - 1e-06)",
            "sign(a)*step(abs(a) - 1e-06)*gpow(a, b - 1)*(1 + b*log(max(abs(a), 1e-06)))",
        ),
        "where(abs(a) > 1e-6, b*pow(maximum(abs(a), 1e-6), b - 1)*sign(a), 0.0)",
        r"\partial_a\max\left(\left|{0}\right|, 10^{{-6}}\right)^{{{1}}}",
        20,
        internal=True,
    ),
    Primitive(
        "inside",
        3,
        "where(a < b, 0.0, where(a > c, 0.0, 1.0))",
        ("0", "0", "0"),
        "where(a < b, 0.0, where(a > c, 0.0, 1.0))",
        r"\left[{1} \leq {0} \leq {2}\right]",
        3,
        internal=True,
    ),
)

"""The rational function of given degrees whose largest weighted error is least, on dense points.

``w*P/Q`` approximates ``g``. The best one is known by its error: it reaches its largest size, with
signs that alternate, at n + m + 2 points or more. The exchange (Remez 1934; for rationals Maehly
1963, with each step's eigenvalue problem as in Pachon and Trefethen 2009) looks for these points.
Where it does not converge from where it starts, differential correction (Barrodale, Powell and
Roberts 1972), a row of linear programs that always converges, gives it a better start.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.polynomial import Polynomial, chebyshev
from numpy.typing import NDArray
from scipy.optimize import linprog

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

#: An error below this, beside the largest value, is rounding.
_NOTHING = 1e-13
#: How much larger than the levelled error the largest may be at the end, relative.
_LEVEL = 1e-6
_N_EXCHANGES, _N_CORRECTIONS = 60, 6
#: So many points the linear programs see.
_N_COARSE = 150


@dataclass(frozen=True)
class Fit:
    """A rational function ``P/Q``; both are polynomials in ``t``, and Q is 1 at ``t = origin``.

    Attributes:
        numerator: Coefficients of 1, t, t^2 ..., shape (n + 1,).
        denominator: The same, shape (m + 1,), positive on all points.
        error: The largest weighted error on the points.
        extremes: Numbers of the points where the error is as large as that, signs alternating.
        levelled: The exchange converged: no function of these degrees is better.
    """

    numerator: Array
    denominator: Array
    error: float
    extremes: Indices
    levelled: bool


@dataclass(frozen=True)
class Problem:
    """What is to be approximated on points.

    Attributes:
        t: The variable, ascending or descending, all different, shape (points,).
        g: The values wanted, shape (points,).
        w: The weights, not negative; where one is 0 the fit changes nothing. Shape (points,).
    """

    t: Array
    g: Array
    w: Array

    @property
    def z(self) -> Array:
        """The variable, mapped to [-1, 1]."""
        low, high = self.t.min(), self.t.max()
        return np.asarray((2 * self.t - low - high) / (high - low))


def minimax(problem: Problem, n: int, m: int, *, thorough: bool = True) -> Fit | None:
    """Fit numerator and denominator of degrees ``n`` and ``m``.

    Args:
        problem: What is approximated.
        n: Degree of the numerator.
        m: Degree of the denominator.
        thorough: Use the linear programs where the exchange alone does not converge.

    Returns:
        The best fit; None where none without a pole was found.
    """
    start = _first_reference(problem, n + m + 2)
    found = None if start is None else _exchange(problem, n, m, start)
    if thorough and (found is None or not found[4]):
        corrected = _corrected(problem, n, m)
        if corrected is not None:
            p, q = corrected
            extremes = _extremes(_error(problem, p, q), n + m + 2)
            again = None if extremes is None else _exchange(problem, n, m, extremes)
            rough = (p, q, *_judged(problem, p, q), False)
            options = [fit for fit in (found, again, rough) if fit is not None]
            found = min(options, key=lambda fit: (not fit[4], fit[2]))
    if found is None:
        return None
    p, q, error, extremes, levelled = found
    numerator, denominator = (_powers(problem, c) for c in (p, q))
    scale = denominator[0]
    if not np.isfinite(scale) or scale == 0:
        return None
    numerator, denominator = numerator / scale, denominator / scale
    values = Polynomial(denominator)(problem.t)
    if not (values > 0).all() or _has_root(denominator, problem.t):
        return None
    return Fit(numerator, denominator, error, extremes, levelled)


_Found = tuple[Array, Array, float, Indices, bool]


def _has_root(denominator: Array, t: Array) -> bool:
    """Tell whether a polynomial has a root between the points as well."""
    if len(denominator) < 2:
        return False
    roots = Polynomial(denominator).roots()
    slack = 1e-9 * float(np.ptp(t))
    real = np.abs(roots.imag) <= slack
    return bool((real & (roots.real >= t.min() - slack) & (roots.real <= t.max() + slack)).any())


def _powers(problem: Problem, coefficients: Array) -> Array:
    """Rewrite a Chebyshev series in z as powers of t."""
    low, high = problem.t.min(), problem.t.max()
    inner = Polynomial([-(low + high) / (high - low), 2 / (high - low)])
    outer = Polynomial(chebyshev.cheb2poly(coefficients))
    powers = outer(inner)
    result = np.zeros(len(coefficients))
    result[: len(powers.coef)] = powers.coef
    return result


def _error(problem: Problem, p: Array, q: Array) -> Array:
    with np.errstate(all="ignore"):
        ratio = chebyshev.chebval(problem.z, p) / chebyshev.chebval(problem.z, q)
        return np.asarray(problem.g - problem.w * ratio)


def _judged(problem: Problem, p: Array, q: Array) -> tuple[float, Indices]:
    error = _error(problem, p, q)
    return float(np.abs(error).max()), _alternating(error)


def _first_reference(problem: Problem, n_points: int) -> Indices | None:
    """Return points spread as the extremes of a Chebyshev polynomial are, weight 0 left out."""
    usable = np.flatnonzero(problem.w > 1e-9 * problem.w.max())
    if len(usable) < 4 * n_points:
        return None
    z = problem.z[usable]
    low, high = z.min(), z.max()
    wanted = (low + high) / 2 - (high - low) / 2 * np.cos(np.linspace(0, np.pi, n_points))
    places = np.unique(np.abs(z[:, None] - wanted[None, :]).argmin(axis=0))
    return usable[places] if len(places) == n_points else None


def _exchange(problem: Problem, n: int, m: int, reference: Indices) -> _Found | None:
    best: _Found | None = None
    z, floor = problem.z, _NOTHING * max(1.0, float(np.abs(problem.g).max()))
    for _ in range(_N_EXCHANGES):
        solved = _levelled(problem, n, m, reference)
        if solved is None:
            return best
        p, q, level = solved
        if (chebyshev.chebval(z, q) * np.sign(q[0] or 1.0) <= 0).any():
            return best
        error = _error(problem, p, q)
        largest = float(np.abs(error).max())
        done = largest <= floor or largest - level <= _LEVEL * largest
        if best is None or largest < best[2]:
            best = (p, q, largest, reference, done)
        if done:
            return (p, q, largest, reference, True)
        new = _extremes(error, n + m + 2)
        if new is None or np.array_equal(new, reference):
            return best
        reference = new
    return best


def _levelled(
    problem: Problem, n: int, m: int, reference: Indices
) -> tuple[Array, Array, float] | None:
    """Return the fit whose error at the points of reference is of one size, in turns of sign."""
    z, g, w = problem.z[reference], problem.g[reference], problem.w[reference]
    signs = np.where(np.arange(len(reference)) % 2, -1.0, 1.0)
    top = w[:, None] * chebyshev.chebvander(z, n)
    bottom = chebyshev.chebvander(z, m)
    # What P can't reach: there g*Q = E*sign*Q must hold, an eigenvalue problem for Q.
    full, _ = np.linalg.qr(top, mode="complete")
    rest = full[:, n + 1 :].T
    a, b = rest @ (g[:, None] * bottom), rest @ (signs[:, None] * bottom)
    with np.errstate(all="ignore"):
        try:
            values, vectors = scipy.linalg.eig(a, b)
        except (ValueError, np.linalg.LinAlgError):
            return None
    best: tuple[Array, Array, float] | None = None
    for value, vector in zip(values, vectors.T, strict=True):
        if not np.isfinite(value) or abs(value.imag) > 1e-9 * (1e-12 + abs(value)):
            continue
        q = np.real(vector)
        q_at = bottom @ q
        if not ((q_at > 0).all() or (q_at < 0).all()):
            continue
        level = float(value.real)
        p, *_ = np.linalg.lstsq(top, (g - level * signs) * q_at, rcond=None)
        if best is None or abs(level) < best[2]:
            best = (p, q, abs(level))
    return best


def _alternating(error: Array) -> Indices:
    """Return the largest error of each stretch of one sign."""
    sign = np.sign(error)
    known = np.flatnonzero(sign)
    if not known.size:
        return known
    cuts = np.flatnonzero(np.diff(sign[known])) + 1
    return np.array([part[np.abs(error[part]).argmax()] for part in np.split(known, cuts)])


def _extremes(error: Array, n_points: int) -> Indices | None:
    """Return alternating extremes, the largest among them, exactly so many; None if too few."""
    found = list(_alternating(error))
    while len(found) > n_points:
        sizes = np.abs(error[found])
        if len(found) == n_points + 1:
            del found[0 if sizes[0] < sizes[-1] else -1]
            continue
        least = int(sizes.argmin())
        if least in (0, len(found) - 1):
            del found[least]
        else:  # with a neighbour, so that the signs go on alternating
            other = least + (1 if sizes[least + 1] < sizes[least - 1] else -1)
            for place in sorted((least, other), reverse=True):
                del found[place]
    return np.array(found) if len(found) == n_points else None


def _corrected(problem: Problem, n: int, m: int) -> tuple[Array, Array] | None:
    """Return a nearly best fit on a part of the points, by differential correction."""
    some = np.unique(np.linspace(0, len(problem.t) - 1, _N_COARSE).astype(int))
    z, g, w = problem.z[some], problem.g[some], problem.w[some]
    top, bottom = w[:, None] * chebyshev.chebvander(z, n), chebyshev.chebvander(z, m)
    q = np.zeros(m + 1)
    q[0] = 1.0
    p, *_ = np.linalg.lstsq(top, g, rcond=None)
    level = float(np.abs(g - top @ p).max())
    cost = np.zeros(n + m + 3)
    cost[-1] = 1.0
    bounds = [(None, None)] * (n + 1) + [(-1.0, 1.0)] * (m + 1) + [(None, None)]
    for _ in range(_N_CORRECTIONS if m else 0):
        old = (bottom @ q)[:, None]
        rows = [
            np.hstack([-sign * top, (sign * g - level)[:, None] * bottom, -old])
            for sign in (1.0, -1.0)
        ]
        solved = linprog(cost, A_ub=np.vstack(rows), b_ub=np.zeros(2 * len(z)), bounds=bounds)
        if not solved.success or solved.x[-1] >= -1e-14:
            break
        new_p, new_q = solved.x[: n + 1], solved.x[n + 1 : -1]
        q_at = bottom @ new_q
        if (q_at <= 0).any():
            break
        new_level = float(np.abs(g - top @ new_p / q_at).max())
        if new_level >= level * (1 - 1e-9):
            break
        p, q, level = new_p, new_q, new_level
    return (p, q) if (chebyshev.chebval(problem.z, q) > 0).all() else None

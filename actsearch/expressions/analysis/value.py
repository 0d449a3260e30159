"""What there is to say of a function: plain frozen values, each with the way that it was had.

As texts they are what a person reads; JSON and CSV have their fields.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from actsearch.expressions.analysis import words

Interval = tuple[float, float]

#: How something was had: proved, by SymPy or rules of ours, and held against numbers; computed by
#: mpmath; or seen in float64 on points.
EXACT, DIGITS, GRID = "exact", "high precision", "grid"

#: The shape where it would take too long.
NOT_COMPUTED = "not computed"


@dataclass(frozen=True)
class Asymptote:
    """A line ``slope*x + offset`` that a function comes near.

    Attributes:
        slope: Its slope.
        offset: Its value at 0.
        form: The line as a formula, in closed form where it was proved.
        how: ``exact`` or ``high precision``.
    """

    slope: float
    offset: float
    form: str
    how: str


@dataclass(frozen=True)
class End:
    """What happens as x goes to -infinity or to infinity.

    Attributes:
        limit: A number of at most six digits, ``inf``, ``-inf``, ``oscillates`` or ``undefined``.
        form: The limit in closed form, as ``pi/2``, where it was proved, else as ``limit``.
        value: The limit to all digits; infinite or NaN where it is none.
        how: ``exact``, ``high precision``, or ``grid``: from values between 1e4 and 1e8.
        asymptote: The line that it comes near, None where there is none.
        reached: The function is its limit from somewhere on, which was proved.
    """

    limit: str
    form: str
    value: float
    how: str
    asymptote: Asymptote | None
    reached: bool

    def __str__(self) -> str:
        number = "" if self.form == self.limit else f" = {self.limit}"
        line = ""
        if self.asymptote is not None and math.isinf(self.value):
            how = "" if self.asymptote.how == self.how else f" ({self.asymptote.how})"
            line = f"; comes near {self.asymptote.form}{how}"
        return f"{self.form}{number} ({self.how}){line}"


@dataclass(frozen=True)
class Zero:
    """An isolated zero: ``form`` is x in closed form, as ``log(2)``, where there is one."""

    x: float
    form: str
    how: str

    def __str__(self) -> str:
        return words.place(self.x, self.form, self.how)


@dataclass(frozen=True)
class Extremum:
    """A local minimum or maximum, as ``kind`` says; ``form`` is x in closed form, if any."""

    kind: str
    x: float
    value: float
    form: str
    how: str

    def __str__(self) -> str:
        at = words.place(self.x, self.form, self.how)
        return f"{self.kind} {words.number(self.value, 9)} at {at}"


@dataclass(frozen=True)
class Kink:
    """Where the slope jumps, and what it is on both sides; infinite where a tangent is upright."""

    x: float
    left_slope: float
    right_slope: float

    def __str__(self) -> str:
        slopes = words.number(self.left_slope), words.number(self.right_slope)
        return f"{words.number(self.x)} (slope {slopes[0]}, then {slopes[1]})"


@dataclass(frozen=True)
class Piece:
    """A stretch that a function runs in one way.

    ``direction`` is ``increasing``, ``decreasing`` or ``constant``; of curvature ``convex``,
    ``concave`` or ``straight``. An end that is infinite says that it goes on so as far as 1e8.
    """

    low: float
    high: float
    direction: str

    def __str__(self) -> str:
        return f"{self.direction} {words.way(self.low, self.high)}".rstrip()


@dataclass(frozen=True)
class Saturation:
    """Where a function hardly answers: a slope below 0.01 in magnitude.

    Attributes:
        left, right: ``hard`` where the slope is 0 from somewhere on, ``soft`` where it goes to 0
            and the value to a limit, else ``no`` (Gulcehre, Moczulski, Denil and Bengio 2016,
            Noisy Activation Functions).
        intervals: All such stretches.
        share: How much of N(0, 1) falls there.
    """

    left: str
    right: str
    intervals: tuple[Interval, ...]
    share: float

    def __str__(self) -> str:
        return f"left: {self.left}, right: {self.right}"


@dataclass(frozen=True)
class MeanField:
    """Signals in a wide random network without biases (Poole et al. 2016; Schoenholz et al. 2017).

    With weights of variance ``weight_variance / fan_in``, the square of the gain, the mean square
    of pre-activations has its fixed point at ``q`` = 1.

    Attributes:
        weight_variance: sigma_w^2 = 1 / E[f(z)^2].
        q: The fixed point.
        length_slope: Slope of the map of q there: below 1 it draws lengths near, at 1 (ReLU) it
            keeps whatever comes.
        chi_1: sigma_w^2 E[f'(sqrt(q) z)^2]: by what a layer multiplies the mean square of a
            gradient, and, beside each other, the distance of two inputs.
        phase: ``ordered`` (chi_1 < 1), ``critical``, ``chaotic``.
        depth_scale: Layers over which gradients change by a factor e: 1/|log chi_1|.
        critical_weight_variance: sigma_w^2 with chi_1 = 1 at a fixed point, biases of variance 0;
            NaN where there is none for q up to 10,000.
        critical_q: That fixed point, 0 for the limit of small signals, which is taken where
            f(0) = 0.
    """

    weight_variance: float
    q: float
    length_slope: float
    chi_1: float
    phase: str
    depth_scale: float
    critical_weight_variance: float
    critical_q: float

    def __str__(self) -> str:
        return f"chi_1 {words.number(self.chi_1)} ({self.phase})"


@dataclass(frozen=True)
class Hazard:
    """What becomes of a value or a slope where each step is rounded to a narrow type.

    A number counts as lost where it is off by more than 1 %, and by more than it changes over four
    neighbouring inputs.

    Attributes:
        dtype: ``float16``, ``bfloat16`` or ``float32``.
        what: ``value`` or ``slope``.
        lost: Where numbers are lost.
        lost_share: How much of N(0, 1) falls there.
        worst_x, worst_error: Where the relative error of those is largest, and how large; NaN where
            none is lost.
        overflow: Where it becomes infinite or NaN though float64 has a value, be it infinite too.
    """

    dtype: str
    what: str
    lost: tuple[Interval, ...]
    lost_share: float
    worst_x: float
    worst_error: float
    overflow: tuple[Interval, ...]

    def __str__(self) -> str:
        said = []
        if self.lost:
            said.append(
                f"loses more than 1 % on {words.listed(self.lost, words.stretch)}: "
                f"{words.percent(self.lost_share)}; most at {words.number(self.worst_x)}: "
                f"{words.percent(self.worst_error)}"
            )
        if self.overflow:
            said.append(f"overflows on {words.listed(self.overflow, words.stretch)}")
        return f"{self.dtype} {self.what}: {'; '.join(said) or 'fine'}"


@dataclass(frozen=True)
class Analysis:
    """Properties of a function of x; parameters are where they start, inputs at 1.

    ``undefined_share`` (of infinite or NaN values), ``zeros``, smooth ``extrema`` and
    ``window_range`` are looked for on [-10, 10] at 20,001 points; what says ``high precision`` was
    then refined by mpmath, of the formula with its constants as decimals. ``kinks`` and ``steps``
    (where the value jumps, or has a pole) are read off the formula. Means, variances and shares are
    under N(0, 1).

    Attributes:
        range: Infimum and supremum over all x; ``range_attained`` and ``range_how`` for each.
        limits: As texts, those of ``ends``.
        pieces: Where it rises and falls; ``curvature`` where it is convex and concave.
        convexity: ``affine``, ``convex``, ``concave``, ``quasilinear`` (monotone), ``quasiconvex``
            (falls, then rises), ``quasiconcave``, ``neither`` or ``undefined``; ``not computed``,
            and no ``curvature``, where the second derivative is too long to write down.
        lipschitz: Supremum of the slope's magnitude, what happens far out included.
        dead: Where the slope is 0, mathematically: what is but too small for a number is not.
        sparsity: Share of exact zeros.
        centred: ``zero-centred``, ``nearly`` (a mean below a tenth of the root mean square),
            ``no``, or ``undefined``.
        odd_share, even_share: Of E[f^2], which is that of the odd and of the even part.
        gain: 1/sqrt(E[f^2]), which keeps the mean square of pre-activations: sqrt(2) for ReLU (He
            et al. 2015, equation 10).
        operations: Base operations of value and slopes as compiled; ``modelled_ns`` what they cost
            an element, forward and backward.
    """

    formula: str
    derivative: str
    latex: str
    size: int
    complexity: float
    undefined_share: float
    range: Interval
    range_attained: tuple[bool, bool]
    range_how: tuple[str, str]
    window_range: Interval
    limits: tuple[str, str]
    ends: tuple[End, End]
    zeros: tuple[Zero, ...]
    extrema: tuple[Extremum, ...]
    kinks: tuple[Kink, ...]
    steps: tuple[float, ...]
    symmetry: str
    odd_share: float
    even_share: float
    monotone: str
    pieces: tuple[Piece, ...]
    convexity: str
    curvature: tuple[Piece, ...]
    slope_at_0: float
    lipschitz: float
    saturation: Saturation
    saturated_share: float
    dead: tuple[Interval, ...]
    dead_share: float
    sparsity: float
    mean: float
    variance: float
    mean_slope: float
    slope_variance: float
    mean_squared_slope: float
    centred: str
    gain: float
    mean_field: MeanField
    nearest_known: str
    nearest_distance: float
    operations: int
    modelled_ns: float
    hazards: tuple[Hazard, ...]

"""How long the analysis of a formula takes: of the zoo, and of formulas that are hard on it.

The first formula pays for imports and is not counted. Seconds are those of this process's
processor time.

    python -m benchmarks.analysis
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable

from actsearch.expressions import KNOWN, parse
from benchmarks._timing import machine

#: Waves with thousands of turns, kinks and poles, what overflows, what is steep, and large ones.
HARD = (
    "sin(3000*x)",
    "abs(sin(3000*x))",
    "1/sin(300*x)",
    "sin(cosh(cosh(x)))",
    "relu(x)*sin(x*1000)",
    "exp(exp(x))*sin(x)",
    "tanh(1e6*x) + erf(1e5*(x - 1))",
    "relu(x - 1e7) - sin(1/x)",
    (
        "(rbf(mish(abs(x)), sqrt_abs(elu(x**2)), p0) + gelu(log_abs(hardswish(max(aq(selu(mish(x))"
        ", x), p0)))))*hardswish(i0e(sinc(max(x - i0e(asinh(x)), softsign(-0.0045)))))"
    ),
    (
        "max((log_abs(clip(x, p0, -2.5)) + min(abs(cos(x)), sqrt(p0)))*sinh(gauss(leaky_relu("
        "hardswish(mish(x))))**2) - sqrt_abs(aq(inv(x), aq(exp(x), x))), softsign(gpow(gelu(tanh("
        "sinc(i1e(exp(x))))), x)))"
    ),
)


def seconds(formulas: Iterable[str]) -> list[tuple[float, str]]:
    """Return what each analysis took, the longest first."""
    found = []
    for formula in formulas:
        expression = parse(formula)
        start = time.process_time()
        expression.analyze()
        found.append((time.process_time() - start, formula))
    return sorted(found, reverse=True)


def main() -> None:
    """Print the median and the longest of both kinds."""
    parse("x*relu(x) + 0.123").analyze()
    print(machine())
    for name, formulas in (("the zoo", [*KNOWN.values()]), ("hard ones", [*HARD])):
        found = seconds(formulas)
        middle = statistics.median(time_s for time_s, _ in found)
        print(f"{name}: {len(found)} formulas, median {middle:.2f} s, longest:")
        for time_s, formula in found[:3]:
            print(f"  {time_s:.2f} s  {formula[:70]}")


if __name__ == "__main__":
    main()

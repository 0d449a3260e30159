"""The published space of 5,103 functions, all of it: what is flagged, and how many are different.

The figures are those of its data base (Bingham and Miikkulainen 2023): 2,913 functions that differ,
where functions are told apart on 1,000 standard normal numbers clipped to [-5, 5].
"""

from __future__ import annotations

import numpy as np
import pytest

from actsearch.expressions import Expression
from actsearch.expressions.checks import check
from benchmarks.actbench import expressions, flagged, n_distinct, sample

#: How many differ where values agree to six decimals, at least, and in all bits, at most.
LEAST, MOST = 2791, 2913


@pytest.fixture(scope="module")
def functions() -> list[Expression]:
    return expressions()


@pytest.mark.parametrize("seed", [0, 1])
def test_what_is_not_finite_or_constant_is_flagged_and_nothing_else(
    functions: list[Expression], seed: int
) -> None:
    points = sample(seed)
    counts = flagged(functions, points)
    assert len(functions) == 5103
    assert (counts["non-finite"], counts["constant"]) == (488, 258)
    for one in functions:
        reason = check(one, points=points, largest=np.finfo(np.float64).max, slopes=False) or ""
        values = one.evaluate(points)
        if not np.isfinite(values).all():
            expected = "non-finite"
        else:
            expected = "constant" if np.ptp(values) <= 1e-6 * max(abs(values).max(), 1e-6) else ""
        found = reason.partition(":")[0]
        assert found == expected or (found, expected) == ("affine", ""), (str(one), reason)


@pytest.mark.parametrize("seed", [0, 1])
def test_as_many_differ_as_were_published(functions: list[Expression], seed: int) -> None:
    assert LEAST <= n_distinct(functions, sample(seed), 6) <= MOST


def test_as_many_fingerprints_differ(functions: list[Expression]) -> None:
    assert LEAST <= len({one.fingerprint() for one in functions}) <= MOST


def test_functions_of_one_fingerprint_are_one_function(functions: list[Expression]) -> None:
    points = sample(2)
    values: dict[str, np.ndarray] = {}
    for one in functions:
        found = one.evaluate(points)
        first = values.setdefault(one.fingerprint(), found)
        finite = np.isfinite(found) & np.isfinite(first)
        scale = max(np.abs(first[finite]).max(initial=0.0), 1e-30)
        assert np.allclose(found[finite], first[finite], rtol=1e-3, atol=1e-4 * scale), str(one)

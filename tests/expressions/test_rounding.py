"""How far values may be off: as far as they are at least, and not by what is computed exactly."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

from actsearch.expressions import parse
from actsearch.expressions.reference import value
from actsearch.expressions.rounding import rounding

X = np.array([-7.3, -1.7, -0.31, 0.012, 0.9, 2.6, 8.1])


@pytest.mark.parametrize(
    "text",
    ["1e6*sigmoid(x) - 5e5", "tanh(1e9*(exp(x) - exp(x)*0.999999))", "sin(1e5*x)", "cosh(x)**5"],
)
def test_it_covers_the_true_error(text: str) -> None:
    expression = parse(text)
    found = expression.evaluate(X)
    off = [
        float(abs(mp.mpf(f) - value(expression.root, {"x": x}, digits=60)))
        for f, x in zip(found.tolist(), X.tolist(), strict=True)
    ]
    bound = rounding(expression, X, {}, found)
    assert (off <= bound).all()
    assert (bound <= 1e-6 * np.abs(found).max()).all()


def test_what_is_exact_has_none() -> None:
    for text in ("sign(0.5 + 0.5*sign(x))", "heaviside(x)", "abs(x)", "relu(-x)", "max(x, 0.5)"):
        expression = parse(text)
        assert (rounding(expression, X, {}, expression.evaluate(X)) == 0).all()

"""How much the analysis of a formula evaluates: bounded, whatever the formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from actsearch.expressions import parse
from actsearch.expressions.analysis.measure import _analyze
from actsearch.expressions.analysis.subject import Subject
from actsearch.expressions.expression import Expression

#: What tanh takes is 512 calls, 1.6 million points and 3; a wave must not take more by its turns.
MOST_CALLS, MOST_POINTS, MOST_EXACT = 800, 3_000_000, 1500


@pytest.mark.parametrize(
    "formula",
    ["tanh(x)", "sin(3000*x)", "abs(sin(3000*x))", "1/sin(300*x)", "relu(x)*sin(x*1000)",
     "sin(cosh(cosh(x)))", "exp(exp(x))*sin(x)", "relu(x - 1e7) - sin(1/x)"],
)  # fmt: skip
def test_evaluations_are_bounded(formula: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {"float64": 0, "points": 0, "exact": 0}
    evaluate, exact = Expression.evaluate, Subject.exact

    def counted(self: Expression, x: Any, *args: Any) -> Any:
        counts["float64"] += 1
        counts["points"] += np.size(x)
        return evaluate(self, x, *args)

    def counted_exactly(self: Subject, *args: Any) -> Any:
        counts["exact"] += 1
        return exact(self, *args)

    monkeypatch.setattr(Expression, "evaluate", counted)
    monkeypatch.setattr(Subject, "exact", counted_exactly)
    with np.errstate(all="ignore"):
        _analyze(parse(formula))
    assert counts["float64"] <= MOST_CALLS
    assert counts["points"] <= MOST_POINTS
    assert counts["exact"] <= MOST_EXACT

"""What a run knows of known activations, and in what two configurations differ."""

from __future__ import annotations

import pytest

from actsearch.expressions import parse
from actsearch.expressions.expression import Expression
from actsearch.expressions.known import NAMED
from actsearch.results.two_runs import differences
from actsearch.results.units import are_shares
from actsearch.results.view import known_births, known_fingerprints
from actsearch.runs import Birth


def birth(id_: int, formula: str, status: str = "accepted") -> Birth:
    fingerprint = parse(formula).fingerprint()
    same_as = 0 if status == "duplicate" else None
    return Birth(id_, "seed", (), formula, fingerprint, status, same_as=same_as)


def test_known_activations_are_found_under_any_formula() -> None:
    births = [
        birth(0, "silu(x)"),
        birth(1, "x*sigmoid(x)", "duplicate"),
        birth(2, "max(x, 0)"),
        birth(3, "x*sin(x)"),
        birth(4, "x*sigmoid(u)"),
        birth(5, "gelu(x)", "rejected"),
    ]
    assert known_births(births, NAMED) == {0: "SiLU", 2: "ReLU", 4: "GLU"}


def test_fingerprints_that_the_run_has_are_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor are those of activations that read what no formula of the run reads."""
    births = [birth(k, formula) for k, formula in enumerate(NAMED.values()) if "u" not in formula]
    asked: list[str] = []
    compute = Expression.fingerprint

    def noted(expression: Expression) -> str:
        asked.append(str(expression))
        return compute(expression)

    monkeypatch.setattr(Expression, "fingerprint", noted)
    known = {"sine": "sin(x)", "GLU": "x*sigmoid(u)", "mine": "x*tanh(sin(x))"}
    assert [*known_births(births, known).values()] == ["sine"]
    assert asked == ["x*tanh(sin(x))"]


def test_of_two_names_for_one_function_the_first_counts() -> None:
    found = known_fingerprints({"a": "relu(x)", "b": "max(x, 0)"})
    assert [*found.values()] == ["a"]


def test_configurations_differ_in_what_differs() -> None:
    a = {"seed": 0, "space": {"lag": 16, "unary": ["sin"]}, "budget": "5m"}
    b = {"seed": 0, "space": {"lag": 8, "unary": ["sin"]}, "births": 10}
    assert differences(a, b) == [
        {"key": "space.lag", "a": 16, "b": 8},
        {"key": "budget", "a": "5m", "b": None},
        {"key": "births", "a": None, "b": 10},
    ]
    assert differences(a, a) == []


def test_shares_lie_between_0_and_1() -> None:
    assert are_shares([0.0, 1, None, 0.5])
    assert are_shares([])
    assert not are_shares([0.5, 61.0])
    assert not are_shares([-0.1])

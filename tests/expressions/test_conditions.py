"""Conditions: known truths, adversaries that hide from grids, and what holds for any formula."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actsearch.expressions import Expression, Node, parse
from actsearch.expressions.condition_kinds import KINDS, MOST_AMOUNT
from actsearch.expressions.condition_views import View
from actsearch.expressions.conditions import Condition, first_broken, penalty_of, violations
from tests.expressions.strategies import trees


def condition(kind: str, penalty: float | None = None, **given: Any) -> Condition:
    return Condition(kind, tuple(given.items()), penalty)


def sentence(text: str, kind: str, **given: Any) -> str | None:
    """Return what a fine look says; a cheap look never turns away what a fine one lets through."""
    asked = condition(kind, **given)
    fine = first_broken(parse(text), [asked])
    cheap = first_broken(parse(text), [asked], fine=False)
    assert cheap is None or fine is not None
    return None if fine is None else fine.sentence


UNIT = {"low": -1.0, "high": 1.0}

HOLDS: list[tuple[str, str, dict[str, Any]]] = [
    ("sigmoid(x)", "bounded", {"low": 0.0, "high": 1.0}),
    ("sigmoid(x)", "positive", {}),
    ("sigmoid(x)", "monotone", {}),
    ("sigmoid(x)", "slope", {"at_least": 0.01}),
    ("sigmoid(x)", "limits", {"left": 0.0, "right": 1.0}),
    ("tanh(x)", "bounded", UNIT),
    ("erf(x)", "bounded", UNIT),
    ("1.0000005*erf(x)", "bounded", UNIT),  # float32 does not tell
    ("softsign(x)", "bounded", UNIT),
    ("sinc(x)", "bounded", UNIT),
    ("x**2", "bounded", {"low": 0.0}),
    ("-softplus(x)", "bounded", {"high": 0.0}),
    ("tanh(x)", "odd", {}),
    ("x**3", "odd", {}),
    ("x*u", "odd", {}),
    ("x*tanh(x)", "even", {}),
    ("tanh(x)", "zero-centred", {"at_most": 0.0}),
    ("tanh(x)", "zero-at-zero", {}),
    ("tanh(x)", "lipschitz", {"at_most": 1.0}),
    ("x + sin(x)", "monotone", {"direction": "increasing"}),
    ("-softplus(x)", "monotone", {"direction": "decreasing"}),
    ("exp(-x**2)", "positive", {}),  # it is 0 from about 27 on, as doubles have it
    ("x**2 + 1e-6", "positive", {}),
    ("erf(laplace(x, 0, 1e-9))", "bounded", UNIT),  # falls steadily up to 1e8
    ("relu(x)", "sparse", {"at_least": 0.5}),
    ("relu(x)", "lipschitz", {"at_most": 1.0}),
    ("relu(x)", "cost", {"at_most_of": "ReLU"}),
    ("gelu(x)", "cost", {"at_most_of": "hardswish", "factor": 3.0}),
    ("max(x, p0*x)", "lipschitz", {"at_most": 1.0}),  # p0 starts at 1
    ("elu(x)", "smooth", {}),
    ("softsign(x)", "smooth", {}),
    ("mish(x)", "smooth", {}),
    ("max(x, sin(x))", "smooth", {}),  # they touch with one slope
    ("sigmoid(1000*x)", "smooth", {}),
    ("relu(x)**2", "smooth", {}),
    ("silu(x)", "limits", {"left": 0.0, "right": "inf"}),
    ("asinh(x)", "limits", {"left": "-inf", "right": "inf"}),
    ("x*i0e(x**2)", "limits", {"left": "finite", "right": "finite"}),
    ("i0e(x)", "limits", {"left": 0.0, "right": 0.0}),
    ("x*exp(-x)", "limits", {"left": "-inf", "right": "finite"}),
    ("softsign(x)", "limits", {"left": "finite", "right": 1.0}),
    ("asinh(x) + 3*sin(x)", "limits", {"left": "-inf", "right": "inf"}),
    ("log_abs(x) + 2*cos(x)", "limits", {"left": "inf", "right": "inf"}),
    ("x*(1.1 + sin(x))", "limits", {"right": "inf"}),
    ("erf(x/1000000)", "limits", {"left": "finite", "right": "finite"}),
    ("tanh(x)*tanh(u)", "bounded", UNIT),  # as u goes out, too
    ("relu(x)", "zero-centred", {"at_most": 0.3989423}),
    ("step(x - 0.0005)", "zero-centred", {"at_most": 0.4998005}),  # a step between two points
]

#: What rounding alone makes uneven, by up to the value itself.
ROUNDED: list[tuple[str, str]] = [
    ("sinh(x) - sinh(-x)", "odd"),
    ("1000000*sigmoid(x) - 500000", "odd"),
    ("tanh(10000000000*sigmoid(x) - 5000000000)", "odd"),
    ("exp(x) - 1000000 + 1000000 - exp(-x)", "odd"),
    ("silu(x) - x/2", "even"),
    ("exp(3*x) - x + exp(-3*x) + x", "even"),
    ("(x + 100000000 - 100000000)**2", "even"),
    ("1000000*erfc(x) + 1000000*erfc(-x)", "monotone"),  # a constant
    ("sqrt(x*x + 1) + x", "monotone"),
    ("10000000000*tanh(x) - 10000000000", "monotone"),
    ("tanh(10000000000*sigmoid(x) - 5000000000)", "monotone"),
]


@pytest.mark.parametrize(("text", "kind", "given"), HOLDS)
def test_what_holds(text: str, kind: str, given: dict[str, Any]) -> None:
    assert sentence(text, kind, **given) is None


@pytest.mark.parametrize(("text", "kind"), ROUNDED)
def test_rounding_is_no_violation(text: str, kind: str) -> None:
    assert sentence(text, kind) is None


BROKEN: list[tuple[str, str, dict[str, Any], str]] = [
    ("relu(x)", "bounded", {"high": 6.0}, "not bounded above by 6: 1e+08 at x = 1e+08"),
    ("tanh(x)", "bounded", {"low": 0.0}, "not bounded below by 0: -1 at x = "),
    ("1.001*erf(x)", "bounded", UNIT, "not bounded to [-1, 1]: 1.001 at x = "),
    ("relu(x)", "positive", {}, "not positive: 0 at x = -10"),
    ("0.5 - 1e-5*x**2", "positive", {}, "not positive: "),  # below 0 from 224 on
    ("silu(x)", "odd", {}, "not odd: "),
    ("x", "even", {}, "not even: -10 at x = -10 and 10 at x = 10, off by 20"),
    ("x**2 + 0.0001*x", "even", {}, "not even: 100 at x = -10 and 100 at x = 10, off by 0.002"),
    ("3/x", "odd", {}, "not odd: inf at x = 0"),
    ("sign(heaviside(x))", "even", {}, "not even: 0 at x = "),
    ("1 + tanh(x)", "positive", {}, "not positive: 0 at x = -10 in float32"),
    ("cosh(x)**11/cosh(x)**10", "positive", {}, "not positive: undefined at x = -10 in float32"),
    ("0.5*tanh(x) + 0.1*u", "bounded", UNIT, "not bounded to [-1, 1]: -1e+07 at u = -1e+08"),
    ("0.1*abs(u) + 0*x", "bounded", {"high": 5.0}, "not bounded above by 5: 1e+07 at u = -1e+08"),
    ("x*(1 + sin(x))", "limits", {"right": "inf"}, "not of the limits right inf: oscillates"),
    ("sin(3.141592653589793*x)", "limits", {"right": 0.0}, "not of the limits right 0: osc"),
    ("silu(x)", "monotone", {}, "not monotone: it falls by 0.027 of its range before x = -1.2"),
    ("tanh(x)", "monotone", {"direction": "decreasing"}, "not decreasing: it rises by 1 of its"),
    ("sigmoid(x)", "zero-at-zero", {}, "not zero at zero: 0.5 in magnitude"),
    ("sigmoid(x)", "zero-centred", {"at_most": 0.1}, "not zero-centred to 0.1: 0.5"),
    ("relu(x)", "zero-centred", {"at_most": 0.1}, "not zero-centred to 0.1: 0.3989"),
    ("relu(x)", "sparse", {"at_least": 0.6}, "not zero on a share of 0.6: 0.5"),
    ("tanh(x)", "sparse", {"at_least": 0.1}, "not zero on a share of 0.1: 0"),
    ("silu(x)", "lipschitz", {"at_most": 1.0}, "not of slopes within 1: slope 1.1 at x = 2.399"),
    ("sign(x)", "lipschitz", {"at_most": 5.0}, "not of slopes within 5: slope 1000 at x = "),
    ("relu(x)", "smooth", {}, "not smooth: a kink at x = 0"),
    ("hardswish(x)", "smooth", {}, "not smooth: a kink at x = -3"),
    ("clip(x, -1, 2)", "smooth", {}, "not smooth: a kink at x = -1"),
    ("sign(x)", "smooth", {}, "not smooth: a step at x = 0"),
    ("relu(x)", "slope", {}, "not of a mean slope of 0.01 on both sides of 2 to 8: 0 on the left"),
    ("gelu(x)", "cost", {"at_most_of": "ReLU"}, "not as cheap as ReLU: "),
    ("sigmoid(x)", "limits", {"right": "inf"}, "not of the limits right inf: 1 on the right"),
    ("relu(x)", "limits", {"right": "finite"}, "not of the limits right finite: inf on the right"),
    ("sin(x)", "limits", {"left": "finite"}, "not of the limits left finite: oscillates on"),
    ("tanh(x)", "limits", {"left": 0.0}, "not of the limits left 0: -1 on the left"),
    ("log(x)", "positive", {}, "not positive: undefined at x = -10"),
]


@pytest.mark.parametrize(("text", "kind", "given", "said"), BROKEN)
def test_what_is_violated(text: str, kind: str, given: dict[str, Any], said: str) -> None:
    found = sentence(text, kind, **given)
    assert found is not None
    assert found.startswith(said)


#: Violations that no even grid shows, or none within [-10, 10].
HIDDEN: list[tuple[str, str, dict[str, Any]]] = [
    ("tanh(x) + 3*gauss(1000000*(x - 0.123456))", "bounded", UNIT),
    ("tanh(x) + 1e-5*x", "bounded", UNIT),  # 2 at 1e5
    ("tanh(x) + 1e-9*x", "bounded", UNIT),  # 1.1 at 1e8
    ("0.05*asinh(x)", "bounded", UNIT),  # 0.96 at 1e8, and no end
    ("0.1*x*sin(x)", "bounded", UNIT),  # within them on [-10, 10], but for the ends
    ("1.0 - 1.0001*gauss(100000*(x - 1.23456))", "positive", {}),
    ("1 - tanh(x)", "positive", {}),  # from 9 on
    ("1 - erf(0.5*x)", "positive", {}),
    ("2 - tanh(x) - tanh(x)", "positive", {}),
    ("tanh(x) + gauss(100000*(x - 2.34567))", "odd", {}),
    ("sinh(2*x) + 0.05", "odd", {}),  # at 10 it is 2e8
    ("cube(x)**3 + 0.4", "odd", {}),
    ("cosh(3*x) + 1000*tanh(x)", "even", {}),
    ("cosh(2*x) + 0.1*tanh(x)", "even", {}),
    ("exp(2*x) + 100*gauss(x)", "monotone", {}),
    ("x**7 + 5*sin(3*x)", "monotone", {}),
    ("sinh(2*x) + 5*sin(5*x)", "monotone", {}),
    ("1000*tanh(x) + 0.5", "zero-centred", {"at_most": 0.1}),
    ("tanh(x) - 1e-4*gauss(100000*(x - 3.33333))", "monotone", {}),
    ("x + 1.01*sin(x)", "monotone", {}),
    ("softplus(x) - 1e-12*x**3", "monotone", {}),  # falls beyond 5.8e5
    ("tanh(x) + 0.01*tanh(10000*(x - 5.55555))", "lipschitz", {"at_most": 2.0}),
    ("x + 1e-7*x**2", "lipschitz", {"at_most": 2.0}),  # at 5e6
    ("50*sin(x) + 0.01*abs(x - 1.23456)", "smooth", {}),
    ("50*sin(x) + 0.0001*sign(x - 1.23456)", "smooth", {}),
    ("u*tanh(x)", "bounded", UNIT),
    ("max(x, u)", "smooth", {}),
]


@pytest.mark.parametrize(("text", "kind", "given"), HIDDEN)
def test_what_hides_is_found(text: str, kind: str, given: dict[str, Any]) -> None:
    assert sentence(text, kind, **given) is not None


def test_amounts_are_in_the_stated_units() -> None:
    def amount(text: str, kind: str, **given: Any) -> float:
        (found,) = violations(parse(text), [condition(kind, **given)])
        return found.amount

    assert amount("3*tanh(x)", "bounded", high=1.0) == pytest.approx(2)
    assert amount("tanh(x)", "even") == pytest.approx(2)
    assert amount("sigmoid(x)", "zero-at-zero") == pytest.approx(0.5)
    assert amount("sigmoid(x)", "zero-centred", at_most=0.2) == pytest.approx(0.3)
    assert amount("relu(x)", "sparse", at_least=0.75) == pytest.approx(0.25, abs=1e-3)
    assert amount("3*relu(x)", "lipschitz", at_most=1.0) == pytest.approx(2)
    assert amount("relu(x)", "smooth") == 1
    assert amount("tanh(x)", "limits", right=0.5) == pytest.approx(0.5)
    assert amount("x**3", "bounded", high=1.0) == MOST_AMOUNT


def test_a_penalty_sums_up_what_soft_conditions_find() -> None:
    asked = [
        condition("zero-at-zero", 0.1),
        condition("bounded", 0.5, high=0.8),
        condition("odd"),
        condition("monotone", 3.0),
    ]
    assert penalty_of(parse("sigmoid(x)"), asked) == pytest.approx(0.1 * 0.5 + 0.5 * 0.2)
    assert penalty_of(parse("sigmoid(x)"), asked[2:]) == 0
    broken = first_broken(parse("sigmoid(x)"), asked)  # the hard one alone
    assert broken is not None
    assert broken.condition.kind == "odd"


def test_a_cheap_look_takes_few_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked of every birth, so it must not look where the fine one does."""
    n_values: list[int] = []
    evaluate = Expression.evaluate

    def counted(self: Expression, x: Any, others: Any = None, dtype: Any = np.float64) -> Any:
        n_values.append(np.size(x))
        return evaluate(self, x, others, dtype)

    monkeypatch.setattr(Expression, "evaluate", counted)
    proofs = [
        Condition(kind, (("low", -9.0),) if kind == "bounded" else ())
        for kind, row in KINDS.items()
        if row.cheap != "hint"
    ]
    assert first_broken(parse("tanh(x)"), [c for c in proofs if c.kind != "even"], fine=False)
    first_broken(parse("x*tanh(x)"), proofs, fine=False)
    assert 0 < sum(n_values) < 3000


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=trees(8), kind=st.sampled_from(sorted(set(KINDS) - {"cost", "smooth", "slope"})))
def test_a_cheap_rejection_is_one_of_the_fine_look(tree: Node, kind: str) -> None:
    needed: dict[str, dict[str, Any]] = {"bounded": UNIT, "limits": {"left": "finite"}}
    asked = condition(kind, **needed.get(kind, {}))
    if first_broken(Expression(tree), [asked], fine=False) is not None:
        fine = first_broken(Expression(tree), [asked])
        assert fine is not None
        assert fine.sentence.startswith(f"not {asked}: ")
        assert 0 < fine.amount <= MOST_AMOUNT


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=trees(8, leaves=("x",)))
def test_a_fine_view_misses_nothing_that_random_points_show(tree: Node) -> None:
    expression = Expression(tree)
    bounds = {"low": -1.0, "high": 1.0}
    x = np.random.default_rng(0).uniform(-10, 10, 2000)
    values = expression.evaluate(x)
    if np.isnan(values).any() or np.abs(values).max() <= 1.05:
        return
    assert first_broken(expression, [condition("bounded", **bounds)]) is not None


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=trees(7, leaves=("x",)))
def test_what_is_made_odd_even_or_bounded_is_so(tree: Node) -> None:
    """A rejection is a true violation: what holds by construction is never rejected."""
    mirrored = _mirrored(tree)
    even, odd = Node("add", (tree, mirrored)), Node("sub", (tree, mirrored))
    for node, kind in ((even, "even"), (odd, "odd")):
        if np.isfinite(View(Expression(node), fine=True).f).all():
            assert first_broken(Expression(node), [condition(kind)]) is None
    squashed = Expression(Node("erf", (tree,)))
    if not np.isnan(View(squashed, fine=True).f).any():
        assert first_broken(squashed, [condition("bounded", **UNIT)]) is None


def _mirrored(node: Node) -> Node:
    """Return the tree of f(-x)."""
    if node.op == "x":
        return Node("neg", (node,))
    return Node(node.op, tuple(_mirrored(arg) for arg in node.args), node.value)


def test_every_kind_has_a_name_and_a_unit() -> None:
    needed: dict[str, dict[str, Any]] = {"bounded": {"low": 0.5}, "limits": {"left": "inf"}}
    for kind, row in KINDS.items():
        assert str(condition(kind, **needed.get(kind, {})))
        assert row.unit
        assert row.cheap in ("proof", "hint", "nothing")
    assert str(condition("bounded", low=-math.e, high=1.0)) == "bounded to [-2.71828, 1]"
    assert str(condition("cost", at_most_of="GELU", factor=2.0)) == "as cheap as 2 times GELU"
    assert str(condition("limits", left=0.0, right="inf")) == "of the limits left 0 and right inf"

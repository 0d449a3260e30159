"""Where parameters start, and whether each channel has its own: read, printed, kept."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.expressions import Expression, parse
from actsearch.expressions.parser import MAX_TEXT_CHARS, FormulaError, parse_tree
from actsearch.expressions.suffix import PARAMETER_START
from tests.conftest import Golden
from tests.expressions.strategies import LEAVES, expressions

PRELU = "max(x, p0*x)"

#: as typed -> as printed
SPELLINGS = {
    f"{PRELU}; p0=0.25": f"{PRELU}; p0=0.25",
    f" {PRELU};p0 = +.25 ": f"{PRELU}; p0=0.25",
    f"{PRELU}; p0=2.5e-1, per layer": f"{PRELU}; p0=0.25",
    f"{PRELU};\n\tper \n channel": f"{PRELU}; per channel",
    f"{PRELU}; p0=1": PRELU,
    f"{PRELU}; p0=1., per layer": PRELU,
    f"{PRELU}; p0=-0.0": f"{PRELU}; p0=0",
    "p2*x + p10; per channel, p10=-3, p2=1e22": "p2*x + p10; p2=1e+22, p10=-3, per channel",
    "p1*silu(p0*x); p1=1.5, p0=1": "p1*silu(p0*x); p1=1.5",
}

MESSAGES = [
    f"{PRELU};",
    f"{PRELU}; p0",
    f"{PRELU}; p0=",
    f"{PRELU}; p0=abc",
    f"{PRELU}; p0=1/3",
    f"{PRELU}; p0=1_0",
    f"{PRELU}; p0=nan",
    f"{PRELU}; p0=1e31",
    f"{PRELU}; p0=-1e999",
    f"{PRELU}; p0=__import__('os').getpid()",
    f"{PRELU}; p1=2",
    f"{PRELU}; p16=2",
    f"{PRELU}; q=2",
    f"{PRELU}; p0=1, p0=2",
    f"{PRELU}; p0=1,",
    f"{PRELU}; p0=1,, per channel",
    f"{PRELU}; p0=1; per channel",
    f"{PRELU}; per chanel",
    f"{PRELU}; per channel, per layer",
    f"{PRELU};\n  p0=\x1b[2J",
    "relu(x); p0=1",
    "relu(x); per channel",
    "max(x, p0*y); p0=1",
    "; p0=1",
]


@pytest.mark.parametrize(("typed", "printed"), SPELLINGS.items())
def test_spellings(typed: str, printed: str) -> None:
    assert str(parse(typed)) == printed
    assert parse(typed) == parse(printed)


def test_messages(golden: Golden) -> None:
    said = []
    for text in MESSAGES:
        with pytest.raises(FormulaError) as caught:
            parse(text)
        said.append(str(caught.value))
    assert all(text.isprintable() for text in "".join(said).split("\n"))
    golden.check("suffix_errors.txt", "\n".join(said) + "\n")


def test_the_column_is_that_of_the_whole_text() -> None:
    with pytest.raises(FormulaError) as caught:
        parse(f"{PRELU}; p0=0.25,  p7=1")
    assert caught.value.column == 25
    copied = pickle.loads(pickle.dumps(caught.value))
    assert str(copied) == str(caught.value)


def test_long_text_is_refused_and_trees_have_no_suffix() -> None:
    with pytest.raises(FormulaError, match="at most 4000"):
        parse(f"{PRELU}; p0=" + "1" * MAX_TEXT_CHARS)
    with pytest.raises(FormulaError, match="not a formula"):
        parse_tree(f"{PRELU}; p0=1")
    with pytest.raises(FormulaError, match="expected text, got int"):
        parse(1)  # type: ignore[arg-type]


@given(expressions())
def test_text_parses_back_to_the_same_expression(expression: Expression) -> None:
    again = parse(str(expression))
    assert again == expression
    assert hash(again) == hash(expression)
    assert str(again) == str(expression)
    assert copy.deepcopy(expression) == pickle.loads(pickle.dumps(expression)) == expression


@given(expressions())
def test_only_what_says_something_is_kept(expression: Expression) -> None:
    kept = dict(expression.starts)
    assert set(kept) <= set(expression.parameters)
    assert PARAMETER_START not in kept.values()
    for name in expression.parameters:
        assert expression.start_of(name) == kept.get(name, PARAMETER_START)
    assert not expression.per_channel or expression.parameters
    said_all = tuple((name, expression.start_of(name)) for name in expression.parameters)
    assert Expression(expression.root, said_all[::-1], expression.per_channel) == expression
    assert expression.bare() == Expression(expression.root)


@given(expressions(max_size=7), st.sampled_from(LEAVES))
def test_derivatives_start_where_the_formula_does(expression: Expression, wrt: str) -> None:
    derivative = expression.derivative(wrt)
    assert derivative.bare() == expression.bare().derivative(wrt)
    assert all(expression.start_of(p) == derivative.start_of(p) for p in derivative.parameters)
    assert derivative.per_channel == (expression.per_channel and bool(derivative.parameters))


def test_what_is_given_may_name_other_parameters_but_no_impossible_start() -> None:
    root = parse_tree(PRELU)
    assert Expression(root, (("p3", 2.0),)) == Expression(root)
    assert Expression(parse_tree("x"), (), True) == parse("x")
    for start in (float("nan"), float("inf"), 1e31):
        with pytest.raises(FormulaError, match="starts lie between"):
            Expression(root, (("p0", start),))


def test_start_of_knows_the_parameters_alone() -> None:
    expression = parse("p0*x + p2; p2=3")
    assert (expression.start_of("p0"), expression.start_of("p2")) == (1.0, 3.0)
    for name in ("p1", "x"):
        with pytest.raises(KeyError):
            expression.start_of(name)


def test_values_are_those_at_the_start() -> None:
    expression = parse("p0*x + p1; p0=2, p1=-1")
    x = np.array([-1.0, 0.0, 3.0])
    assert expression.evaluate(x).tolist() == [-3.0, -1.0, 5.0]
    assert expression.evaluate(x, {"p0": 0.0}).tolist() == [-1.0] * 3
    assert expression.derivative().evaluate(x).tolist() == [2.0] * 3
    prelu = parse(f"{PRELU}; p0=0.25").analyze()
    assert prelu.window_range == (-2.5, 10.0)
    assert prelu.formula.endswith("; p0=0.25")


def test_latex_says_the_starts() -> None:
    assert parse("p0*x; p0=0.25").latex() == (r"\theta_{0} \cdot x,\ \theta_{0}^{(0)} = 0.25")
    assert parse("p0*x + p1; p1=-1e-9, per channel").latex() == (
        r"\theta_{0} \cdot x + \theta_{1},\ \theta_{1}^{(0)} = -1 \cdot 10^{-9},"
        r"\ \theta\ \mathrm{per\ channel}"
    )

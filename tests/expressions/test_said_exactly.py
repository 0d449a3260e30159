"""Where and how exactly: columns, lengths of quotations, limits, and the signs of zeros.

Mutation testing found each of these free to change without a test that noticed.
"""

from __future__ import annotations

import math

import pytest

from actsearch.expressions import Expression, FormulaError, Layered, parse, parse_candidate
from actsearch.expressions.layered import candidate_of
from actsearch.expressions.node import Node, const
from actsearch.expressions.parser import MAX_DEPTH, parse_tree

LONG = "q" * 40
CUT = "q" * 29 + "…"


def said(text: str, variables: tuple[str, ...] | None = None) -> FormulaError:
    with pytest.raises(FormulaError) as refused:
        parse_candidate(text) if variables is None else parse_tree(text, variables)
    return refused.value


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("x + 1e31", 5),
        ("x + u*'a'", 7),
        ("x + tanh", 5),
        ("x + p16", 5),
        ("x + tanh(a=x)", 5),
        ("x + max(x)", 5),
        ("x + clip(x, x, 1)", 13),
        ("x + u(2)", 5),
        ("x + 2(u)", 5),
        ("x + u^2", 7),
        ("x + foo", 5),
        ("x + foo(x)", 5),
    ],
)
def test_errors_point_at_what_is_wrong(text: str, column: int) -> None:
    assert said(text).column == column
    assert said(f"\n {text}").column == column + 2


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        (f"{LONG}*x", f"unknown name '{CUT}';"),
        (f"{LONG}(x)", f"unknown function '{CUT}'"),
        (f"'{LONG}'*x", f": '{CUT[1:]} is not a number"),
        (f"p0*x; {LONG}", f"got '{CUT}'"),
        (f"p0*x; {LONG}=1", f": '{CUT}' is no parameter"),
        (f"p0*x; p{'9' * 40}=1", f"got 'p{'9' * 28}…'"),
        (f"p0*x; p0={LONG}", f"got '{CUT}'"),
        (f"{LONG * 2}: x | {LONG}", f"got '{(LONG * 2)[:60]}'"),
    ],
)
def test_what_is_quoted_is_cut(text: str, quoted: str) -> None:
    assert quoted in str(said(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("p0*x; pq=2", "'pq' is no parameter"),
        ("p0*x; pa6=2", "'pa6' is no parameter"),
        ("p0*x; 91=2", "'91' is no parameter"),
        ("p0*x + p1; p3=1", "(its parameters: p0, p1)"),
        ("pa6*x", "unknown name 'pa6'; variables are x, u, o, p0, p1, ..."),
        (
            "first: relu(x) | last: tanh(x)",
            (
                "formula: formulas for groups of layers are written 'input: relu(x) | hidden: "
                "silu(x) | last: tanh(x)', each group once (of input, hidden, last); "
                "got 'first: relu(x)'"
            ),
        ),
    ],
)
def test_messages_name_what_there_is(text: str, message: str) -> None:
    assert message in str(said(text))


def test_variables_of_ones_own_take_the_place_of_the_usual_ones() -> None:
    assert parse_tree("a*b + p0", ("a", "b", "p0")).size == 5
    assert "unknown name 'c'; variables are a, b (column 1)" in str(said("c", ("a", "b")))
    assert "unknown name 'x'; variables are a, b (" in str(said("a*x", ("a", "b")))
    assert "parameters are p0 to p1, got 'p2'" in str(said("p2*a", ("a", "p0", "p1")))
    assert "there are no parameters, got 'p2'" in str(said("p2*a", ("a", "b")))


@pytest.mark.parametrize("value", [math.inf, math.nan, 1.1e30])
def test_a_start_that_is_none_is_named(value: float) -> None:
    with pytest.raises(FormulaError, match=f"got p0={value:g}".replace("+", r"\+")):
        Expression(parse_tree("p0*x"), (("p0", value),))


def test_the_largest_constant_and_start_are_accepted() -> None:
    assert parse("1e30*x").root.args[0].value == 1e30
    assert parse("p0*x; p0=-1e30").start_of("p0") == -1e30
    assert Expression(parse_tree("p0*x"), (("p0", 1e30),)).start_of("p0") == 1e30


def test_there_is_one_zero() -> None:
    assert const(-0.0) == Node("const", (), 0.0)
    for zero in (const(-0.0).value, parse("-0.0").root.value, parse("p0; p0=-0").start_of("p0")):
        assert zero == 0
        assert math.copysign(1, zero) == 1
    assert math.copysign(1, Expression(parse_tree("p0"), (("p0", -0.0),)).start_of("p0")) == 1


def deep(terms: int, calls: int) -> str:
    """Return a formula whose depth is that of its sum and of its calls together."""
    return "tanh(" * calls + "x" + "+x" * terms + ")" * calls


@pytest.mark.parametrize("calls", [0, 40, 99])
def test_sums_and_calls_count_to_the_depth(calls: int) -> None:
    assert parse(deep(MAX_DEPTH - calls, calls)).depth == MAX_DEPTH
    assert f"nested more than {MAX_DEPTH} deep" in str(said(deep(MAX_DEPTH - calls + 1, calls)))
    right = "x**" * (MAX_DEPTH - calls) + "x"
    assert parse("tanh(" * calls + right + ")" * calls).depth == MAX_DEPTH
    assert "nested more" in str(said("tanh(" * calls + "x**" + right + ")" * calls))


def test_layered_candidates_in_latex_and_as_a_key() -> None:
    one = parse_candidate("input: relu(x) | last: tanh(x)")
    assert one.latex() == (
        r"f_{\mathrm{input}} = \operatorname{ReLU}\left(x\right),\quad "
        r"f_{\mathrm{last}} = \tanh\left(x\right)"
    )
    # Stores hold such keys: another one would train all known candidates again.
    assert one.fingerprint() == "6aea0698b80bf6bcd528f946145e9d95"
    assert parse("x*sigmoid(x)").fingerprint() == "37a2733898f211fa12905ade8dc46f57"


def test_the_last_group_is_that_of_places_without_one() -> None:
    one = parse_candidate("input: relu(x) | last: tanh(x)")
    assert isinstance(one, Layered)
    assert [str(one.at(place, 4)) for place in range(4)] == ["relu(x)", *["tanh(x)"] * 3]
    assert candidate_of([("input", parse("sin(x)"))]) == parse("sin(x)")


def test_slopes_are_checked_in_each_group_unless_they_are_not_asked_for() -> None:
    one = parse_candidate("input: relu(x) | last: sign(x)")
    reason = "gradient zero: nothing would flow back through it (in the group last)"
    assert one.check() == one.check(slopes=True) == reason
    assert one.check(slopes=False) is None


def test_layered_text_has_a_limit_of_its_own() -> None:
    text = "input: relu(x) | last: tanh(x)"
    padded = text + " " * (12060 - len(text))
    assert parse_candidate(padded) == parse_candidate(text)
    assert "12061 characters; at most 12060 are accepted" in str(said(padded + " "))

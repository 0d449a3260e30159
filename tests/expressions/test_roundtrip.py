"""Text, tree and SymPy form are one thing in three notations, and an expression is a value."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given, settings

from actsearch.expressions import KNOWN, PRIMITIVES, Expression, Node, parse
from actsearch.expressions.node import const
from actsearch.expressions.symbolic import from_sympy, to_sympy
from actsearch.expressions.table import ALIASES
from tests.expressions.strategies import node_of, random_trees, trees

ROWS = pytest.mark.parametrize("name", list(PRIMITIVES))

#: Where precedence, associativity or a sign could be lost.
DELICATE = [
    "x - (u - o)",
    "x - u - o",
    "x + (u + o)",
    "x/(u/o)",
    "x/u/o",
    "x*(u*o)",
    "(x + u)*o",
    "x + u*o",
    "-(x + u)",
    "-x + u",
    "-x*u",
    "-(x*u)",
    "x*-u",
    "x - -u",
    "--x",
    "neg(3)",
    "neg(-3)",
    "-3*x",
    "x + -3",
    "x*-3",
    "(-x)**2",
    "-x**2",
    "(-2)**2",
    "-2**2",
    "(-2)**x",
    "x**-1.5",
    "x**-u",
    "x**u**o",
    "(x**u)**o",
    "x**2**3",
    "(x**2)**3",
    "pow(x, 2)",
    "pow(x, 3)",
    "x**0.5",
    "0**x",
    "0.5**x",
    "1000000000000000*x",
    "1e+16*x",
    "1e+22*x",
    "1e-07*x",
    "0.1*x",
    "123456789012345*x",
    "max(x, min(u, -o))",
    "clip(x, -1, 1)",
    "rbf(x, u, p0)",
    "p15*x",
]


@ROWS
def test_every_row_prints_text_that_parses_back(name: str) -> None:
    node = node_of(PRIMITIVES[name])
    assert parse(str(Expression(node))).root == node


@ROWS
def test_every_row_survives_sympy(name: str) -> None:
    node = node_of(PRIMITIVES[name])
    assert from_sympy(to_sympy(node)) == node


@ROWS
def test_every_derivative_rule_prints_text_that_parses_back(name: str) -> None:
    expression = Expression(node_of(PRIMITIVES[name]))
    for wrt in (*expression.inputs, *expression.parameters):
        derivative = expression.derivative(wrt)
        assert parse(str(derivative)) == derivative


@pytest.mark.parametrize("text", DELICATE)
def test_canonical_text_is_printed_as_it_was_read(text: str) -> None:
    assert str(parse(text)) == text


@given(trees())
def test_text_parses_back_to_the_same_tree(tree: Node) -> None:
    assert parse(str(Expression(tree))).root == tree


@given(trees())
def test_sympy_form_gives_the_same_tree(tree: Node) -> None:
    assert from_sympy(to_sympy(tree)) == tree


@given(trees(max_size=9))
@settings(max_examples=60)
def test_derivatives_print_text_that_parses_back(tree: Node) -> None:
    for wrt in ("x", "p0"):
        derivative = Expression(tree).derivative(wrt)
        assert parse(str(derivative)) == derivative


@pytest.mark.parametrize(
    ("text", "derivative"),
    [
        ("1e20*(1e20*x)", "1e+30*10000000000"),
        ("*".join(["1e30"] * 11) + "*x", "1/0"),
        ("1e-200*(1e-200*x)", "0"),
    ],
)
def test_constants_that_a_derivative_multiplies_stay_writable(text: str, derivative: str) -> None:
    assert str(parse(text).derivative()) == derivative
    assert parse(derivative) == parse(text).derivative()


def test_second_derivatives_of_the_known_functions_parse_back() -> None:
    for formula in KNOWN.values():
        second = parse(formula).derivative().derivative()
        assert parse(str(second)) == second


def test_spaces_and_aliases_do_not_matter() -> None:
    assert parse(" x  *tanh(\n softplus( x ))\t") == parse("x*tanh(softplus(x))")
    for alias, name in ALIASES.items():
        row = PRIMITIVES[name]
        arguments = ", ".join(arg.op for arg in node_of(row).args)
        assert parse(f"{alias}({arguments})").root == node_of(row)


def test_named_constants_and_signs() -> None:
    assert parse("pi").root.value == pytest.approx(3.141592653589793, abs=0)
    assert parse("e*x") == parse("2.718281828459045*x")
    assert parse("+x") == parse("x")
    assert str(parse("-0.0")) == "0"


@given(trees())
def test_equal_trees_are_equal_values(tree: Node) -> None:
    one, other = Expression(tree), parse(str(Expression(tree)))
    assert one == other
    assert hash(one) == hash(other)
    assert repr(one) == f"parse({str(one)!r})"


def test_different_trees_are_different_values() -> None:
    assert parse("x + u") != parse("u + x")
    assert len({Expression(tree) for tree in random_trees(200, seed=1)}) == 200


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_copies_are_equal_and_keep_working(copied: object) -> None:
    assert callable(copied)
    expression = parse("p0*gelu(u) + clip(x, -1, 1)")
    assert expression.inputs == ("x", "u")  # now cached, which a pickle must survive
    twin = copied(expression)
    assert twin == expression
    assert (twin.inputs, twin.parameters) == (("x", "u"), ("p0",))
    assert str(twin.derivative("p0")) == "gelu(u)"


def test_an_expression_cannot_be_changed() -> None:
    expression = parse("x")
    with pytest.raises(AttributeError):
        expression.root = const(1.0)  # type: ignore[misc]


def test_inputs_and_parameters_come_in_their_own_order() -> None:
    expression = parse("p10*o + p2*u + 1")
    assert expression.inputs == ("x", "u", "o")
    assert expression.parameters == ("p2", "p10")


def test_sympy_rearranges_nothing() -> None:
    for text in ("x - x", "x/x", "1*x + 0", "2 + 3", "tanh(0.5)", "sin(0)", "exp(log(x))"):
        assert str(Expression(from_sympy(parse(text).sympy()))) == text


def test_a_sympy_form_that_is_not_ours_is_refused() -> None:
    import sympy

    with pytest.raises(ValueError, match="not in the grammar"):
        from_sympy(sympy.zeta(sympy.Symbol("x")))

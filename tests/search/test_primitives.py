"""Entries of a space: rows, formulas, and formulas read back by their form."""

from __future__ import annotations

import pytest

from actsearch.errors import BadInput
from actsearch.expressions import Node, parse
from actsearch.expressions.node import const
from actsearch.search.space.primitives import FORMALS, entry, offered_primitives

X, Y = parse("tanh(x)").root, parse("x + 1").root


@pytest.mark.parametrize(
    ("text", "n_operands", "args", "expected"),
    [
        ("relu", 1, [X], "relu(tanh(x))"),
        ("swish", 1, [X], "silu(tanh(x))"),
        ("1/x", 1, [Y], "1/(x + 1)"),
        ("x", 1, [Y], "x + 1"),
        ("0", 1, [Y], "0"),
        ("p0*x", 1, [X, Node("p3")], "p3*tanh(x)"),
        ("x*sigmoid(x)", 1, [X], "tanh(x)*sigmoid(tanh(x))"),
        ("a/(b + 1e-6)", 2, [X, Y], "tanh(x)/(x + 1 + 1e-06)"),
        ("rbf", 2, [X, Y, const(2.0)], "rbf(tanh(x), x + 1, 2)"),
        ("a*b*c", 3, [X, Y, X], "tanh(x)*(x + 1)*tanh(x)"),
        ("b", 2, [X, Y], "x + 1"),
    ],
)
def test_an_entry_is_applied_and_read_back(
    text: str, n_operands: int, args: list[Node], expected: str
) -> None:
    one = entry(text, n_operands)
    node = one.applied(args)
    assert node == parse(expected).root
    found = one.matched(node)
    assert found is not None
    used = {inner.op for inner in one.body.walk()}
    assert found == {name: arg for name, arg in zip(one.names, args, strict=True) if name in used}


@pytest.mark.parametrize(
    ("text", "n_operands", "formula"),
    [
        ("relu", 1, "tanh(x)"),
        ("1/x", 1, "2/x"),
        ("x*sigmoid(x)", 1, "x*sigmoid(2*x)"),  # two operands where the form has one
        ("p0*x", 1, "3*x"),  # a number where a parameter is learned
        ("rbf", 2, "mix(x, x, 0.5)"),
        ("0", 1, "1"),
    ],
)
def test_another_form_is_not_matched(text: str, n_operands: int, formula: str) -> None:
    assert entry(text, n_operands).matched(parse(formula).root) is None


def test_numbers_and_parameters_fill_the_scalar_of_a_row() -> None:
    one = entry("mix", 2)
    assert one.matched(parse("mix(x, x, 0.5)").root) is not None
    assert one.matched(parse("mix(x, x, p0)").root) is not None


@pytest.mark.parametrize(
    ("text", "n_operands", "message"),
    [
        ("rellu", 1, "did you mean 'relu'"),
        ("max", 1, "'max' is not unary"),
        ("sech2", 1, "unknown primitive"),
        ("y + 1", 1, "unknown name 'y'"),
        ("x + b", 2, "unknown name 'x'"),
        ("tnah(x)", 1, "did you mean 'tanh'"),
        ("x +", 1, "not a formula"),
        ("add", 3, "'add' is not ternary"),
    ],
)
def test_what_is_no_entry(text: str, n_operands: int, message: str) -> None:
    with pytest.raises(BadInput, match=message.replace("(", r"\(")):
        entry(text, n_operands)


def test_every_offered_row_is_an_entry() -> None:
    for n_operands, formals in FORMALS.items():
        for name in offered_primitives(n_operands):
            one = entry(name, n_operands)
            assert one.names[:n_operands] == formals
            assert not one.learned

"""The straight-line program of a tree: values shared, constants folded, nothing mixed up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings

from actsearch.expressions import Expression, Node, parse
from actsearch.expressions.base_ops import NUMPY_OPS
from actsearch.expressions.dialects import TORCH, C, lines, run
from actsearch.expressions.lowering import Program, lower, lower_call
from tests.expressions.strategies import random_trees, trees

X = np.linspace(-3, 3, 13)
OTHERS = {name: rank + 0.4 * np.cos(X) for rank, name in enumerate(("u", "o", "p0", "p1"))}
NAMES = ("x", *OTHERS)


def ops(program: Program) -> list[str]:
    return [step.op for step in program.instructions if step.op != "input"]


def test_an_operand_is_not_a_constant_of_the_same_number() -> None:
    # u is instruction 1, and 1 == 1.0 in Python: u/r and 1.0/r must not become one value.
    expression = parse("u/sqrt(x) + 1/sqrt(x)")
    value = expression.evaluate(4.0, {"u": 10.0})
    assert value == 10 / 2 + 1 / 2
    assert parse("(x - p0) + (0 - p0)").evaluate(5.0, {"p0": 2.0}) == 1
    assert parse("u**o + 2**o").evaluate(0.0, {"u": 3.0, "o": 2.0}) == 13


def test_equal_subexpressions_are_computed_once() -> None:
    assert ops(parse("sin(x)*sin(x) + sin(x)").program) == ["sin", "mul", "add"]
    shared = ops(lower([parse("softplus(x)").root, parse("logsigmoid(x)").root], ("x",)))
    assert shared.count("exp") == shared.count("log1p") == 1


def test_what_no_output_needs_is_left_out() -> None:
    assert ops(parse("0*0 + x").program) == []
    assert ops(lower_call("add", ("x", "u"))) == ["add"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x + 0", []),
        ("0 + x", []),
        ("x - 0", []),
        ("1*x", []),
        ("x*1", []),
        ("x/1", []),
        ("-1*x", ["neg"]),
        ("x*-1", ["neg"]),
        ("x**4", ["mul", "mul"]),
        ("pow(x, 1)", []),
        ("x**-1", ["div"]),
        ("x**0.5", ["sqrt"]),
        ("x**17", ["pow"]),
        ("x**1.5", ["pow"]),
        ("sin(1) + x", ["add"]),
        ("x**(9**9**9)", ["pow"]),
    ],
)
def test_neutral_elements_and_constants_are_folded(text: str, expected: list[str]) -> None:
    assert ops(parse(text).program) == expected


def test_folding_changes_no_value() -> None:
    assert parse("sin(1)*exp(2)").evaluate(0.0) == math.sin(1) * math.exp(2)
    assert np.isnan(parse("log(-1)").evaluate(0.0))
    assert parse("x**0").evaluate(np.nan) == 1


@given(trees())
@settings(max_examples=200)
def test_sharing_and_folding_agree_with_a_naive_walk(tree: Node) -> None:
    """Each node by its own row, without sharing: the same, or not finite."""
    with np.errstate(all="ignore"):
        naive = np.broadcast_to(walked(tree), X.shape)
    compiled = Expression(tree).evaluate(X, OTHERS)
    both = np.isfinite(naive) & np.isfinite(compiled)
    scale = np.abs(naive[both]).max(initial=1e-300)
    assert (np.abs(naive[both] - compiled[both]) <= 1e-6 * scale).all()


def walked(node: Node) -> np.ndarray:
    if node.value is not None:
        return np.full(X.shape, node.value)
    if not node.args:
        return X if node.op == "x" else np.broadcast_to(OTHERS[node.op], X.shape)
    names = ("a", "b", "c")[: len(node.args)]
    (value,) = run(lower_call(node.op, names), NUMPY_OPS, [walked(arg) for arg in node.args])
    result: np.ndarray = np.broadcast_to(value, X.shape)
    return result


def test_several_outputs_share_one_program() -> None:
    roots = [parse("tanh(x)*x").root, parse("tanh(x)").root, parse("2").root]
    program = lower(roots, ("x",))
    text = lines(program, TORCH, result="y")
    assert text == ["t1 = torch.tanh(x)", "t2 = t1 * x", "y0 = t2", "y1 = t1",
                    "y2 = torch.full_like(x, 2.0)"]  # fmt: skip


def test_no_name_of_a_program_comes_from_a_user() -> None:
    for tree in random_trees(100, seed=4):
        for line in lines(lower([tree], NAMES), C, result="y"):
            assert line.startswith(("const REAL t", "const MASK t", "y = "))
            assert line.endswith(";")

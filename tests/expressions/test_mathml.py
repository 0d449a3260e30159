"""MathML: well-formed, within MathML Core, and with the meaning of the formula that it shows."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import assume, given, settings

from actsearch.expressions import PRIMITIVES, Expression, Node, parse, parse_candidate
from actsearch.expressions.known import GATED, SCALES, ZOO
from actsearch.expressions.mathml import from_latex, mathml
from tests.expressions.strategies import PUBLIC, trees

CORE = {
    "math", "mfrac", "mi", "mn", "mo", "mrow", "mspace", "msqrt", "msub", "msup",
}  # fmt: skip
KNOWN = (*ZOO, *GATED, *SCALES)
X = np.linspace(-2.3, 2.7, 11)
INPUTS = {"u": 0.7, "o": 0.3}


def read(markup: str) -> list[ElementTree.Element]:
    """Return the ``math`` elements of a markup, after making sure that they are plain."""
    elements = list(ElementTree.fromstring(f"<p>{markup}</p>"))
    for element in elements:
        assert element.tag == "math"
        for inner in element.iter():
            assert inner.tag in CORE
            assert set(inner.attrib) <= {"display", "width"}
    return elements


def names() -> dict[str, Any]:
    """Return what a browser's reader knows by name: MathML's name -> function."""
    found: dict[str, Any] = {"σ": "sigmoid", "arctan": "atan", "H": "heaviside"}
    for name, row in PRIMITIVES.items():
        call = re.fullmatch(r"\\(?:operatorname\{\{(\w+)\}\}|([a-z]+))\\left\(\{0\}.*", row.latex)
        if call and row.arity == 1 and not row.internal:
            found.setdefault(call[1] or call[2], name)
    table = {
        key: (lambda value, name=name: parse(f"{name}(x)").evaluate(value))
        for key, name in found.items()
    }
    clip = lambda value, low, high: np.minimum(np.maximum(value, low), high)  # noqa: E731
    log = lambda value: np.log(value)  # noqa: E731  (the row's own guard is written out in it)
    return table | {
        "max": np.maximum, "min": np.minimum, "clip": clip, "log": log, "sqrt": np.sqrt,
        "abs": np.abs, "e": np.float64(math.e), "n": np.float64,
    }  # fmt: skip


def as_python(element: ElementTree.Element) -> str:
    """Read an element as a person does, into text that Python computes."""
    inner = [as_python(child) for child in element]
    text = element.text or ""
    if element.tag == "mn":
        return f"n({text})"
    if element.tag == "mi":
        return {"θ": "p"}.get(text, text)
    if element.tag == "mo":
        return {"·": "*", "−": "-"}.get(text, text)
    if element.tag == "mfrac":
        return f"(({inner[0]})/({inner[1]}))"
    if element.tag == "msqrt":
        return f"sqrt({''.join(inner)})"
    if element.tag == "msup":
        return f"(({inner[0]})**({inner[1]}))"
    if element.tag == "msub":
        return f"{inner[0]}{inner[1]}".replace("n(", "").replace(")", "")
    if inner and inner[0] == "|":
        return f"abs({''.join(inner[1:-1])})"
    if len(inner) == 3 and inner[1] == "\u2061":
        return f"{inner[0]}({inner[2]})" if inner[2][0] != "(" else inner[0] + inner[2]
    tags = ["mo", *(child.tag for child in element)]
    # Two things side by side are multiplied; a sign between them says otherwise.
    signs = ["" if "mo" in pair else "*" for pair in itertools.pairwise(tags)]
    return "".join(itertools.chain.from_iterable(zip(signs, inner, strict=True)))


def meaning(expression: Expression) -> np.ndarray:
    """Return the values of what the MathML of a formula says."""
    (element,) = read(mathml(expression, ""))
    values: dict[str, Any] = {"x": X, **INPUTS, **names()}
    values |= {name: expression.start_of(name) for name in expression.parameters}
    with np.errstate(all="ignore"):
        return np.broadcast_to(eval(as_python(element), {}, values), X.shape)


def same(expression: Expression) -> None:
    others = {name: np.full_like(X, INPUTS[name]) for name in expression.inputs[1:]}
    expected = expression.evaluate(X, others)
    np.testing.assert_allclose(meaning(expression), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
def test_a_known_activation_says_what_it_is(known: Any) -> None:
    same(parse(known.formula))


@pytest.mark.parametrize(
    "formula",
    [
        "tanh(x)**2", "-(x**2)", "(-x)**2", "x - (u - 1)", "x/(1 + x**2)", "(x + 1)*(x - 1)",
        "x*(-0.5)", "x*1.5e-07", "exp(-x)**3", "aq(x, sin(x))", "gate(x, x + 1)", "gauss(x - 1)",
        "abs(x)**3", "(x/2)**2", "sqrt_abs(x)*x", "-x*-x", "mix(x, sin(x), p0); p0=0.3",
        "log_abs(x)", "rbf(x, u, 2)",
    ],
)  # fmt: skip
def test_signs_and_powers_bind_as_they_are_written(formula: str) -> None:
    same(parse(formula))


#: Rows that no reader could compute by their names alone: Bessel's functions.
_ROWS = tuple(row for row in PUBLIC if row.name not in {"i0e", "i1e", "i1e_ratio"})


@settings(max_examples=60, deadline=None)
@given(trees(max_size=10, rows=_ROWS))
def test_any_formula_means_what_it_says(tree: Node) -> None:
    # 7.3 * 10^29 is rounded twice, and its sine is another number.
    assume(all(abs(node.value or 0) < 1e6 for node in tree.walk()))
    expression = Expression(tree)
    others = {name: np.full_like(X, INPUTS[name]) for name in expression.inputs[1:]}
    expected, shown = expression.evaluate(X, others), meaning(expression)
    # Written as mathematics it may overflow, or cancel, where the program is careful.
    with np.errstate(all="ignore"):
        differing = ~np.isclose(shown, expected, rtol=1e-4, atol=1e-5)
    usual = (np.abs(expected) < 1e3) & np.isfinite(shown)
    assert not (differing & usual).any(), f"{expression}: {shown} {expected}"


@settings(max_examples=40, deadline=None)
@given(trees(max_size=12))
def test_any_formula_is_well_formed_and_so_is_its_derivative(tree: Node) -> None:
    (value,) = read(mathml(Expression(tree)))
    assert value.get("display") == "block"
    read(mathml(Expression(tree), "f'(x)", derivative=True))


@pytest.mark.parametrize("name", sorted(PRIMITIVES))
def test_every_row_of_the_table_can_be_set(name: str) -> None:
    row = PRIMITIVES[name]
    arguments = ["x", "u", "2"][: row.arity - row.n_scalars] + ["0.5", "2"][: row.n_scalars]
    read(f"<math>{from_latex(row.latex.format(*arguments))}</math>")


def test_each_group_of_layers_has_a_row() -> None:
    groups = read(mathml(parse_candidate("input: relu(x) | last: tanh(x)")))
    assert ["".join(group.itertext()) for group in groups] == [
        "finput\u2061(x)=ReLU\u2061(x)",
        "flast\u2061(x)=tanh\u2061(x)",
    ]


def test_parentheses_around_one_letter_are_left_out_unless_it_is_an_argument() -> None:
    text = ["".join(e.itertext()) for e in read(mathml(parse("gauss(x)*sigmoid(x)"), ""))]
    assert text == ["e−x2·σ\u2061(x)"]


@pytest.mark.parametrize(
    "latex", ["^{2}", r"\left(x", r"\unknown{x}", "x \\right", r"\frac{1}", "{x"]
)
def test_what_no_formula_is_written_as_is_refused(latex: str) -> None:
    with pytest.raises(ValueError, match=r"expected|ends|known|before"):
        from_latex(latex)


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("(", ")"), ("{", "}"), (r"\left|", r"\right|"), ("x_{", "}"), ("x^{", "}"),
        (r"\frac{1}{", "}"), (r"\frac", "x"), (r"\sqrt{", "}"), (r"\sqrt", ""),
    ],
)  # fmt: skip
def test_every_way_to_nest_is_counted(opening: str, closing: str) -> None:
    read(f"<math>{from_latex(opening * 200 + ' x' + closing * 200)}</math>")
    with pytest.raises(ValueError, match="nested more than 200 deep"):
        from_latex(opening * 201 + " x" + closing * 201)

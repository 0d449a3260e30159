"""What a person sees of a formula: canonical text, LaTeX, size, depth, complexity."""

from __future__ import annotations

import re

import pytest

from actsearch.expressions import KNOWN, PRIMITIVES, Expression, parse
from tests.conftest import Golden
from tests.expressions.strategies import node_of, random_trees

LATEX = {
    "x*tanh(softplus(x))": r"x \cdot \tanh\left(\operatorname{softplus}\left(x\right)\right)",
    "(x + 1)/(x - 1)": r"\frac{x + 1}{x - 1}",
    "x - (u - o)": r"x - \left(u - o\right)",
    "-(x + u)": r"-\left(x + u\right)",
    "-x - -2": r"-x - \left(-2\right)",
    "x*-3": r"x \cdot \left(-3\right)",
    "p0*abs(x)": r"\theta_{0} \cdot \left|x\right|",
    "relu(x)**2": r"\operatorname{ReLU}\left(x\right)^{2}",
    "exp(x)**2": r"\left(e^{x}\right)^{2}",
    "gate(x, u)**2": r"\left(\sigma\left(x\right) \left(u\right)\right)^{2}",
    "1e-07**2": r"\left(1 \cdot 10^{-7}\right)^{2}",
    "x**u**o": r"x^{u^{o}}",
    "(x**u)**o": r"\left(x^{u}\right)^{o}",
    "2.5e+20*x": r"2.5 \cdot 10^{20} \cdot x",
    "sqrt_abs(x)": r"\sqrt{\left|x\right|}",
    "rbf(x, 0, -2)": r"e^{-\left(-2\right) \left(x - \left(0\right)\right)^{2}}",
    "(x + u)*(o - x)": r"\left(x + u\right) \cdot \left(o - x\right)",
    "x + u*o": r"x + u \cdot o",
    "(-2)**2": r"\left(-2\right)^{2}",
    "0**2 + 0.5**2": r"0^{2} + 0.5^{2}",
    "rbf(-x, 0, 2)": r"e^{-2 \left(-x - \left(0\right)\right)^{2}}",
    "clip(x, -1, 1)": r"\operatorname{clip}\left(x, -1, 1\right)",
}

#: formula -> nodes, edges to the deepest leaf, complexity
MEASURES = {
    "x": (1, 0, 1.0),
    "2.5": (1, 0, 1.0),
    "relu(x)": (2, 1, 2.1),
    "x*sigmoid(x)": (4, 2, 4.7),
    "silu(x)": (2, 1, 2.9),
    "mish(x)": (2, 1, 3.2),
    "x*tanh(softplus(x))": (5, 3, 7.2),
    "x**2": (2, 1, 2.1),
    "x**1.5": (3, 1, 4.6),
    "clip(x, -1, 1)": (4, 1, 4.2),
    "max(x, min(u, p0))": (5, 2, 5.2),
}


@pytest.mark.parametrize(("text", "latex"), LATEX.items())
def test_latex(text: str, latex: str) -> None:
    assert parse(text).latex() == latex


@pytest.mark.parametrize(("text", "measures"), MEASURES.items())
def test_size_depth_and_complexity(text: str, measures: tuple[int, int, float]) -> None:
    expression = parse(text)
    assert (expression.size, expression.depth, expression.complexity) == measures


def test_derivatives_of_the_known_functions(golden: Golden) -> None:
    """A derivative that changes its form is looked at before it is approved."""
    lines = [f"{formula:20} {parse(formula).derivative()}" for formula in KNOWN.values()]
    golden.check("derivatives.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize("name", list(PRIMITIVES))
def test_latex_of_every_row_is_read_by_mathtext(name: str) -> None:
    reads(Expression(node_of(PRIMITIVES[name])))
    reads(parse(f"({Expression(node_of(PRIMITIVES[name]))})**2"))


def test_latex_of_random_formulas_is_read_by_mathtext() -> None:
    for tree in random_trees(12, seed=3):
        reads(Expression(tree))
        reads(Expression(tree).derivative())


def reads(expression: Expression) -> None:
    """Parse the LaTeX as plots do; mathtext raises where it cannot, such as at a^{b}^{c}."""
    mathtext = pytest.importorskip("matplotlib.mathtext")
    latex = expression.latex()
    assert latex.count("{") == latex.count("}")
    mathtext.MathTextParser("path").parse(f"${latex}$")


def test_every_row_says_what_a_reader_needs() -> None:
    for row in PRIMITIVES.values():
        assert row.cost > 0
        assert row.domain in ("R", "R\\{0}", "[0,inf)", "(0,inf)")
        assert all(f"{{{index}}}" in row.latex for index in range(row.arity))
        assert row.torch_text.splitlines()[-1].startswith("y = ")
        assert row.c_text.splitlines()[-1].startswith("y = ")


def test_a_sum_in_a_row_is_not_taken_apart_by_the_signs_around_it() -> None:
    for row in PRIMITIVES.values():
        for place in range(row.arity - row.n_scalars):
            if row.name not in ("add", "sub", "mul", "neg"):  # parentheses as they are needed
                beside = rf"(?:[-+]|cdot) *\{{{place}\}}|\{{{place}\}} *\\cdot"
                assert not re.search(beside, row.latex), row.name

"""The LaTeX file: its mathematics can be read, all that opens closes, and text breaks nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from matplotlib.mathtext import MathTextParser

from actsearch.export import Activation, export
from actsearch.export.latex_file import escaped, formulas
from actsearch.expressions import Expression, parse
from actsearch.expressions.known import NAMED
from tests.expressions.strategies import random_trees

HOSTILE = 'a_b%$#&{}~^\\end{document}\n\\input{/etc/passwd}[1] é \x1b[31m "q" <|>'
MEASURED: dict[str, Any] = {
    "sentence": f"f beats all: {HOSTILE}",
    "score": "test accuracy",
    "rows": [
        {"activation": "f", "mean": 0.5, "standard_error": 0.01, "n": 3},
        {"activation": HOSTILE, "mean": 0.4, "standard_error": None, "n": 1},
        {"activation": "*", "mean": 0.4, "n": 3, "difference": 0.1, "low": -0.1, "high": 0.2},
    ],
}


def written(activation: Activation) -> str:
    (text,) = export(activation, ["latex"]).values()
    assert isinstance(text, str)
    return text


def check(activation: Activation) -> None:
    for formula in formulas(activation):
        MathTextParser("path").parse(f"${formula}$")
    check_balanced(written(activation))


def check_balanced(text: str) -> None:
    """See that braces, environments, dollars and displays close in the order they were opened."""
    body = re.sub(r"(?<!\\)%.*", "", text)
    body = re.sub(r"\\[{}$%&#_]", "", body.replace("\\\\", ""))
    depth = 0
    for ch in body:
        depth += (ch == "{") - (ch == "}")
        assert depth >= 0
    assert depth == 0
    assert body.count("$") % 2 == 0
    assert body.count(r"\left") == body.count(r"\right")
    assert body.count(r"\[") == body.count(r"\]")
    opened: list[str] = []
    for what, name in re.findall(r"\\(begin|end)\{(\w+)\}", body):
        if what == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert opened == []
    assert set(re.findall(r"\\begin\{(\w+)\}", body)) <= {"tabular"}


@pytest.mark.parametrize("name", NAMED)
def test_the_zoo_can_be_read(name: str) -> None:
    check(Activation(parse(NAMED[name]), "f", {"known as": name}))


def test_random_formulas_can_be_read() -> None:
    for one in random_trees(10, seed=3):
        check(Activation(Expression(one), "f"))


def test_it_says_all_that_is_known() -> None:
    one = Activation(
        parse("max(x, p0*tanh(x)); p0=0.25, per channel"),
        "f",
        {"run": "first", "birth": 3},
        {**MEASURED, "sentence": "f wins"},
        {"p0": 0.3},
    )
    text = written(one)
    assert "% run: first\n% birth: 3\n" in text
    assert r"f(x) = \max\left(x, \theta_{0} \cdot \tanh\left(x\right)\right)" in text
    assert r"\frac{\partial f}{\partial \theta_{0}} = " in text
    assert r"$\theta_{0}$ starts at & $0.25$ \\" in text
    assert "parameters & one a channel" in text
    assert r"$\theta_{0}$ learned & $0.3$ \\" in text
    assert r"limit at $-\infty$ & $-0.25$ \\" in text
    assert "range on $[-10, 10]$ & $-0.25$ to $10$" in text
    assert "kinks on $[-10, 10]$ & $0$" in text
    assert r"f & $0.5 \pm 0.01$ & 3 &  \\" in text
    assert r"$+0.1$ $[-0.1, +0.2]$" in text
    assert "Heaviside" in text


def test_a_gated_unit_has_both_derivatives() -> None:
    text = written(Activation(parse("silu(x)*u"), "f"))
    assert "f(x, u) =" in text
    assert r"\frac{\partial f}{\partial u} =" in text
    assert "further inputs at & $u = 1$" in text


def test_what_people_wrote_stays_text() -> None:
    text = written(Activation(parse("x*sin(x)"), "f", {"run": HOSTILE}, MEASURED))
    check_balanced(text)
    outside = [line for line in text.splitlines() if not line.startswith("%")]
    assert not any(r"\input" in line or r"\end{document}" in line for line in outside)
    assert "\x1b" not in text
    assert all(line.isascii() for line in outside)


def test_a_row_never_begins_with_what_belongs_to_the_one_above() -> None:
    assert (escaped("[1]"), escaped("*")) == ("{[}1]", "{*}")

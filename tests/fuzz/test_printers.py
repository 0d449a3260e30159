"""The printers: whatever formula there is, its text is read back to it, its LaTeX has its braces,
its MathML is XML, and its C and torch texts are made of known words, each value set before it is
read.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actsearch.expressions import (
    Candidate,
    Expression,
    FormulaError,
    Layered,
    Node,
    parse_candidate,
    parts_of,
)
from actsearch.expressions.dialects import TORCH, C
from actsearch.expressions.layered import GROUPS, candidate_of
from actsearch.expressions.mathml import from_latex, mathml
from actsearch.expressions.parser import MAX_TEXT_CHARS
from tests.expressions.strategies import constants, expressions, parameters, trees
from tests.fuzz import promises, texts

INPUTS = ("x", "u", "o", *(f"p{k}" for k in range(16)))
_LATEX = re.compile(r"\\left|\\right|\\.|[{}]", re.DOTALL)
_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
#: What a line of C may hold beside the names of values.
_C_WORDS = {word for op in C.ops.values() for word in _WORD.findall(op)} | {
    "const", "REAL", "MASK", "INFINITY", "NAN", "ACT_AT_LEAST", "ACT_AT_MOST",
}  # fmt: skip


@st.composite
def layered(draw: st.DrawFn) -> Candidate:
    """Draw a candidate with formulas for two or three groups of layers, equal ones among them."""
    groups = draw(st.lists(st.sampled_from(GROUPS), min_size=2, unique=True))
    few = draw(st.lists(trees(12, leaves=("x", "p0", "p7")), min_size=1, max_size=3))
    chosen = {group: draw(st.sampled_from(few)) for group in GROUPS if group in groups}
    starts = draw(st.dictionaries(st.sampled_from(["p0", "p7"]), st.floats(-1e30, 1e30)))
    shared = draw(st.booleans())
    formulas = [
        (group, Expression(tree, tuple(starts.items()), shared)) for group, tree in chosen.items()
    ]
    return candidate_of(formulas)


#: Trees that no text was read for: a sign on a constant, a constant where a value stands.
odd = st.one_of(constants, parameters).flatmap(
    lambda node: st.sampled_from(
        [Node("neg", (node,)), Node("neg", (Node("neg", (node,)),)), Node("pow", (node, node)),
         Node("square", (node,)), Node("sub", (node, Node("neg", (node,))))]
    )
)  # fmt: skip
candidates = st.one_of(
    expressions(max_size=40),
    trees(max_size=60, leaves=INPUTS).map(Expression),
    odd.map(Expression),
    layered(),
    st.sampled_from(texts.REAL).map(parse_candidate),
)


@given(candidates)
def test_text_is_read_back_to_what_it_was_written_from(candidate: Candidate) -> None:
    text = str(candidate)
    assert text.isascii()
    assert text.isprintable()
    if any(len(str(part)) > MAX_TEXT_CHARS for part in parts_of(candidate)):
        with pytest.raises(FormulaError, match="at most"):
            parse_candidate(text)
        return
    again = parse_candidate(text)
    assert again == candidate
    assert str(again) == text


@given(texts.near_formulas)
def test_printing_what_was_read_changes_nothing_any_more(text: str) -> None:
    try:
        once = parse_candidate(text)
    except FormulaError:
        return
    printed = str(once)
    assert str(parse_candidate(printed)) == printed


def closed(latex: str) -> bool:
    """Tell whether braces and \\left ... \\right of LaTeX are closed in the order of opening."""
    opened: list[str] = []
    for token in _LATEX.findall(latex):
        if token in ("{", r"\left"):
            opened.append(token)
        elif token in ("}", r"\right") and (
            not opened or opened.pop() != {"}": "{", r"\right": r"\left"}[token]
        ):
            return False
    return not opened


@given(candidates)
@example(parse_candidate("aq(-1, x)"))
def test_latex_is_closed_and_has_no_sign_after_a_sign(candidate: Candidate) -> None:
    for part in parts_of(candidate):
        for of in (part, part.derivative() if part.size < 20 else part):
            latex = of.latex()
            assert latex.isascii()
            assert closed(latex)
            assert not re.search(r"[-+] *-|\\cdot *-|\^\{[^{}]*\}\^|_\{[^{}]*\}_", latex)
    assert closed(candidate.latex())


@given(candidates)
def test_mathml_is_xml_of_one_element_a_formula(candidate: Candidate) -> None:
    tree = ElementTree.fromstring(f"<p>{mathml(candidate)}</p>")
    assert len(tree) == (len(candidate.formulas) if isinstance(candidate, Layered) else 1)
    for part in parts_of(candidate):
        ElementTree.fromstring(f"<math>{from_latex(part.bare().latex())}</math>")


_SOUP = st.lists(
    st.sampled_from(
        [
            r"\left",
            r"\right",
            r"\frac",
            r"\sqrt",
            r"\operatorname",
            r"\mathrm",
            r"\quad",
            *"{}()^_'|xf-+<&>][",
            r"\cdot",
            "12",
            "0.5",
            "\\",
            r"\unknown",
            " ",
        ]
    ),
    max_size=30,
).map("".join)


@given(
    st.one_of(_SOUP, st.text(), texts.broken(candidates.map(lambda one: parts_of(one)[0].latex())))
)
@example("(" * 1000)
@example("{" * 1000)
@example("x_{" * 1000)
@example("x^" * 1000)
@example(r"\frac" * 1000)
@example(r"\sqrt{" * 1000)
@example(r"\left|" * 1000)
@example(r"\left(x_{" * 1000)
def test_latex_that_is_none_is_refused_and_never_becomes_markup(latex: str) -> None:
    promises.latex(latex)


def names_of(part: Expression) -> tuple[str, ...]:
    return (*part.inputs, *part.parameters)


@given(candidates)
def test_torch_text_is_python_of_known_calls_in_order(candidate: Candidate) -> None:
    for part in parts_of(candidate):
        known = {"torch", "math", *names_of(part)}
        for line in TORCH.body([part.root], names_of(part), result="y"):
            (statement,) = ast.parse(line).body
            assert isinstance(statement, ast.Assign)
            read = {node.id for node in ast.walk(statement.value) if isinstance(node, ast.Name)}
            assert read <= known
            (target,) = statement.targets
            assert isinstance(target, ast.Name)
            known.add(target.id)
        assert "y" in known


@given(candidates)
def test_c_text_is_made_of_known_words_and_sets_each_value_once(candidate: Candidate) -> None:
    for part in parts_of(candidate):
        derivative = part.derivative().root if part.size < 20 else part.root
        lines = C.body([part.root, derivative], names_of(part), result="y")
        check_c(lines, names_of(part))


def check_c(lines: Sequence[str], names: Sequence[str]) -> None:
    """Assert that lines of C hold known words alone and read no value before it is set."""
    known = {*names}
    for line in lines:
        assert line.isascii()
        assert line.endswith(";")
        assert line.count(";") == 1
        assert line.count("(") == line.count(")")
        left, right = line[:-1].split(" = ", 1)
        assert set(_WORD.findall(right)) <= known | _C_WORDS
        name = left.split()[-1]
        assert name not in known
        known.add(name)
    assert {"y0", "y1"} <= known

"""Text next to what is accepted: real formulas and files, broken in few places as people and
attackers break them.

Random text is refused at its first character; what reaches the far corners of a reader is a text
that is nearly right.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from hypothesis import strategies as st

from actsearch.expressions import KNOWN, PRIMITIVES, Expression
from actsearch.expressions.known import NAMED
from actsearch.search.space import load_space, space_files
from tests.expressions.strategies import expressions, trees

#: A name, a number, a sign of two characters, a stretch of blanks, or any other character.
_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+\.?\d*(?:e[+-]?\d+)?|\*\*|\s+|.", re.DOTALL)

LAYERED = (
    "input: relu(x) | hidden: silu(x) | last: p0*tanh(x); p0=0.5",
    "input: x*sigmoid(x) | last: max(x, p0*x); p0=0.25, per channel",
)
SUFFIXED = (
    "max(x, p0*x); p0=0.25, per channel",
    "p1*silu(p0*x); p0=1.5, p1=-1e-09, per layer",
    "p0*x*u + o; per channel",
)
#: Formulas that people and the program wrote: the zoo, and what the shipped spaces begin with.
REAL = (
    *dict.fromkeys(
        [*KNOWN.values(), *NAMED.values()]
        + [seed for name in space_files() for seed in load_space(name).seeds]
    ),
    *LAYERED,
    *SUFFIXED,
)

_WORDS = (*PRIMITIVES, "x", "u", "o", "p0", "p15", "p16", "pi", "e", "lambda", "if", "not", "None")
_SIGNS = (
    "+",
    "-",
    "*",
    "/",
    "**",
    "(",
    ")",
    ",",
    ";",
    ":",
    "|",
    "=",
    ".",
    "'",
    '"',
    "[",
    "\\",
    "#",
)
_NUMBERS = (
    "0", "-0.0", "1e30", "1e31", "1e-300", "1e999", "9" * 400, "0x10", "1_000", "1j", "1.", ".5",
    "0.1e-7", "123456789012345678901234567890", "00", "1e", "5e-324", "1.7976931348623157e308",
)  # fmt: skip
_BLANKS = (" ", "\t", "\n", "\r\n", "\f", "\v", "\\\n", "\N{NO-BREAK SPACE}", "\u2028", "  " * 40)
#: Characters that look like those of formulas, that turn text around, or that are none.
_ODD = (
    *"\0\x07\x1b\x7f\x85",
    "\ud800", "\udfff", "\ufeff", "\u202e", "\u200b", "\U0010ffff",
    "\N{CYRILLIC SMALL LETTER HA}", "\N{FULLWIDTH LATIN SMALL LETTER X}", "\N{MINUS SIGN}",
    "\N{ASTERISK OPERATOR}", "\N{SUPERSCRIPT TWO}", "\N{ARABIC-INDIC DIGIT THREE}",
    "\N{MATHEMATICAL ITALIC SMALL X}", "\N{COMBINING ACUTE ACCENT}", "# twice", "/* */",
)  # fmt: skip
PIECES = st.one_of(*map(st.sampled_from, (_WORDS, _SIGNS, _NUMBERS, _BLANKS, _ODD)))


def tokens_of(text: str) -> list[str]:
    """Return the pieces that a text is made of."""
    return _TOKEN.findall(text)


def _insert(draw: st.DrawFn, tokens: list[str]) -> list[str]:
    at = draw(st.integers(0, len(tokens)))
    return [*tokens[:at], draw(PIECES), *tokens[at:]]


def _replace(draw: st.DrawFn, tokens: list[str]) -> list[str]:
    at = draw(st.integers(0, len(tokens) - 1))
    return [*tokens[:at], draw(PIECES), *tokens[at + 1 :]]


def _stretch(draw: st.DrawFn, tokens: list[str]) -> tuple[int, int]:
    first = draw(st.integers(0, len(tokens) - 1))
    return first, min(len(tokens), first + draw(st.integers(1, 6)))


def _delete(draw: st.DrawFn, tokens: list[str]) -> list[str]:
    first, end = _stretch(draw, tokens)
    return [*tokens[:first], *tokens[end:]]


def _repeat(draw: st.DrawFn, tokens: list[str]) -> list[str]:
    first, end = _stretch(draw, tokens)
    times = draw(st.sampled_from([2, 3, 30, 500]))
    return [*tokens[:first], *tokens[first:end] * times, *tokens[end:]]


def _swap(draw: st.DrawFn, tokens: list[str]) -> list[str]:
    one, other = draw(st.integers(0, len(tokens) - 1)), draw(st.integers(0, len(tokens) - 1))
    swapped = list(tokens)
    swapped[one], swapped[other] = tokens[other], tokens[one]
    return swapped


def _nest(draw: st.DrawFn, tokens: list[str]) -> list[str]:
    """Put the whole into many calls or parentheses; around the limits, too."""
    opening = draw(st.sampled_from(["(", "-(", "tanh(", "neg(", "max(x, ", "2**("]))
    times = draw(st.sampled_from([1, 5, 40, 99, 100, 101, 200, 600]))
    return [*[opening] * times, *tokens, *[")"] * times]


def _cut(draw: st.DrawFn, tokens: list[str]) -> list[str]:
    return tokens[: draw(st.integers(0, len(tokens)))]


MUTATIONS: tuple[Callable[[st.DrawFn, list[str]], list[str]], ...] = (
    _insert, _replace, _delete, _repeat, _swap, _nest, _cut,
)  # fmt: skip


@st.composite
def broken(draw: st.DrawFn, whole: st.SearchStrategy[str], most: int = 4) -> str:
    """Draw a text and change it in up to ``most`` places."""
    tokens = tokens_of(draw(whole))
    for _ in range(draw(st.integers(1, most))):
        if tokens:
            tokens = draw(st.sampled_from(MUTATIONS))(draw, tokens)
    return "".join(tokens)


def balanced(n: int, leaf: str) -> str:
    """Return a sum of so many leaves that is no deeper than it must be."""
    return leaf if n == 1 else f"({balanced(n // 2, leaf)}+{balanced(n - n // 2, leaf)})"


def sums(leaf: str) -> st.SearchStrategy[str]:
    """Return long sums of one leaf, up to the limits of what is read."""
    return st.integers(1, 800).map(lambda n: balanced(n, leaf))


#: Formulas that are right.
formulas = st.one_of(
    st.sampled_from(REAL),
    expressions().map(str),
    trees(max_size=60).map(lambda tree: str(Expression(tree))),
    st.sampled_from(["x", "pi", "-1e-300", "p15", "tanh(u)"]).flatmap(sums),
)
#: Formulas that are nearly right.
near_formulas = broken(formulas)

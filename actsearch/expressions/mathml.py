"""A formula as Presentation MathML, which browsers set by themselves.

It is made of the LaTeX that ``printer.latex`` writes, of whose commands a formula uses few: a row
of the primitive table says once how it is written, and a new one needs nothing here. Only what
MathML Core has is used, and no style, so that a page with a strict policy can hold it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

from actsearch.expressions.layered import Candidate, Layered

#: Command -> the sign that it stands for.
_SIGNS = {
    "alpha": "α",
    "cdot": "·",
    "leq": "≤",
    "partial": "∂",
    "Phi": "Φ",
    "sigma": "σ",
    "theta": "θ",
}
_OPERATORS = {"cdot", "leq", "partial"}
#: Commands that name a function: ``\sin``.
_FUNCTIONS = {"sin", "cos", "sinh", "cosh", "tanh", "arctan", "log", "max", "min", "exp"}
#: Letters and signs that are functions where an argument in parentheses follows.
_LETTERS = {"σ", "Φ", "H", "I", "f"}
_FENCES = {*"()[]|"}
_CLOSING = {"}", ")", r"\right"}
_APPLY = "<mo>&#x2061;</mo>"
_ATOM = re.compile(r"<(mi|mn)>[^<]*</\1>")
_TOKEN = re.compile(r"\s*(\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|[^\s\\])")
_SPACE = "<mspace width='1em'></mspace>"


def mathml(candidate: Candidate, name: str = "f(x)", *, derivative: bool = False) -> str:
    """Return ``name = formula`` as a MathML element; of a layered one, a row a group.

    Args:
        candidate: what is set; where its parameters start is left to the text beside it.
        name: what stands left of the equals sign, "" for nothing; a group's name goes below it.
        derivative: set the derivative by ``x`` and not the function.
    """
    if not isinstance(candidate, Layered):
        bare = (candidate.derivative() if derivative else candidate).bare()
        return _element(_equals(name, ""), bare.latex())
    rows = []
    for group, part in candidate.formulas:
        bare = (part.derivative() if derivative else part).bare()
        rows.append(_element(_equals(name, group), bare.latex()))
    return "".join(rows)


def _equals(name: str, group: str) -> str:
    """Return the left side of an equation as LaTeX."""
    if not name:
        return ""
    head, parenthesis, rest = name.partition("(")
    below = rf"_{{\mathrm{{{group}}}}}" if group else ""
    return f"{head}{below}{parenthesis}{rest} = "


def _element(left: str, latex: str) -> str:
    return f'<math display="block">{from_latex(left + latex)}</math>'


def from_latex(latex: str) -> str:
    """Return the MathML of LaTeX as the printer of expressions writes it, as one element.

    Raises:
        ValueError: it is none of that.
    """
    if not latex.isprintable():
        raise ValueError(f"{latex!r:.60} holds what can't be shown")
    tokens = [found.group(1) for found in _TOKEN.finditer(latex)]
    return _row(_Reader(tokens).row(()))


@dataclass(frozen=True)
class _Item:
    """One piece of a row: its markup, and what decides how its neighbours are set.

    ``is_function`` is true where its argument stands behind it, ``is_argument`` of what may be one:
    parentheses, a call. ``is_call`` is true of a function with its argument. ``inner`` is what
    parentheses hold, where that may stand without them.
    """

    markup: str
    is_function: bool = False
    is_argument: bool = False
    is_call: bool = False
    inner: str = ""


#: Deeper than a formula is, but for a few that nobody could read; a level is three calls of Python.
_MAX_NESTING = 200


class _Reader:
    """Reads tokens into rows; one rule for each command that a formula may hold."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._nesting = 0

    def row(self, ends: tuple[str, ...]) -> list[_Item]:
        """Read up to one of ``ends``, which is left, or to the end."""
        items: list[_Item] = []
        while self._at < len(self._tokens) and self._tokens[self._at] not in ends:
            token = self._next()
            if token in _CLOSING:
                raise ValueError(f"'{token}' is not expected")
            if token in ("^", "_", "'"):
                if not items:
                    raise ValueError(f"nothing stands before '{token}'")
                items.append(self._scripted(token, items.pop()))
                continue
            item = self._item(token)
            while item.is_argument and items and items[-1].is_function:
                # One piece: the square of a call is not that of its argument.
                call = f"<mrow>{items.pop().markup}{_APPLY}{item.markup}</mrow>"
                item = _Item(call, is_argument=True, is_call=True)
            items.append(item)
        return items

    def _next(self) -> str:
        if self._at == len(self._tokens):
            raise ValueError("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, wanted: str) -> None:
        token = self._next()
        if token != wanted:
            raise ValueError(f"expected '{wanted}', got '{token}'")

    @contextlib.contextmanager
    def _deeper(self) -> Iterator[None]:
        """Count a level; whatever calls itself does so by way of a group or of parentheses."""
        self._nesting += 1
        if self._nesting > _MAX_NESTING:
            raise ValueError(f"nested more than {_MAX_NESTING} deep")
        yield
        self._nesting -= 1

    def _group(self) -> list[_Item]:
        """Read ``{...}``, or the one token that stands for it."""
        with self._deeper():
            if self._tokens[self._at : self._at + 1] != ["{"]:
                return [self._item(self._next())]
            self._expect("{")
            items = self.row(("}",))
            self._expect("}")
        return items

    def _scripted(self, token: str, base: _Item) -> _Item:
        """Return ``base`` with what stands at its upper or lower right."""
        if token == "'":
            primes = "′"
            while self._tokens[self._at : self._at + 1] == ["'"]:
                primes += self._next().replace("'", "′")
            # The sign is raised by itself, in every font.
            script, tag, below = f"<mo>{primes}</mo>", "mrow", base.markup
        else:
            script, tag = _row(self._group()), "msub" if token == "_" else "msup"
            below = base.inner or base.markup
        return _Item(f"<{tag}>{below}{script}</{tag}>", is_function=base.is_function)

    def _item(self, token: str) -> _Item:
        """Read what begins with ``token``."""
        if token == "{":
            self._at -= 1
            return _Item(_row(self._group()))
        if token in ("(", r"\left"):
            with self._deeper():
                return self._fenced(token)
        if not token.startswith("\\"):
            return _plain(token)
        command = token[1:]
        if command == "frac":
            over, under = _row(self._group()), _row(self._group())
            return _Item(f"<mfrac>{over}{under}</mfrac>")
        if command == "sqrt":
            return _Item(f"<msqrt>{_row(self._group())}</msqrt>")
        if command in ("operatorname", "mathrm", "text"):
            name = escape("".join(self._word()))
            return _Item(f"<mi>{name}</mi>", is_function=command == "operatorname")
        if command in _FUNCTIONS:
            return _Item(f"<mi>{command}</mi>", is_function=True)
        if command == "quad":
            return _Item(_SPACE)
        if command in _SIGNS:
            sign = _SIGNS[command]
            tag = "mo" if command in _OPERATORS else "mi"
            return _Item(f"<{tag}>{sign}</{tag}>", is_function=sign in _LETTERS)
        raise ValueError(f"'{token}' is not known")

    def _word(self) -> Iterator[str]:
        self._expect("{")
        while (token := self._next()) != "}":
            yield token

    def _fence(self) -> str:
        token = self._next()
        if token not in _FENCES:
            raise ValueError(f"'{token}' is not known as a parenthesis")
        return token

    def _fenced(self, token: str) -> _Item:
        """Read what stands between parentheses, bars or brackets."""
        if token == "(":
            opening, items = "(", self.row((")",))
            self._expect(")")
            closing = ")"
        else:
            opening = self._fence()
            items = self.row((r"\right",))
            self._expect(r"\right")
            closing = self._fence()
        markup = f"<mrow><mo>{opening}</mo>{_row(items)}<mo>{closing}</mo></mrow>"
        # A letter, a number and a call need no parentheses, unless a function's name precedes.
        inner = items[0].markup if len(items) == 1 and "|" not in opening else ""
        single = inner and (items[0].is_call or _ATOM.fullmatch(inner))
        return _Item(markup, is_argument=True, inner=inner if single else "")


def _plain(token: str) -> _Item:
    if token[0].isdigit():
        return _Item(f"<mn>{token}</mn>")
    if token.isalpha():
        return _Item(f"<mi>{token}</mi>", is_function=token in _LETTERS)
    return _Item(f"<mo>{escape(token.replace('-', '−'))}</mo>")


def _row(items: list[_Item]) -> str:
    """Join items; parentheses that are no argument's are left out where one may."""
    parts = [item.inner or item.markup for item in items]
    return parts[0] if len(parts) == 1 else f"<mrow>{''.join(parts)}</mrow>"

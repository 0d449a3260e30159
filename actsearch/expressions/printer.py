"""Tree to text and LaTeX. What is printed as text parses back to the same tree."""

from __future__ import annotations

import re

from actsearch.expressions.node import Node, is_parameter
from actsearch.expressions.table import PRIMITIVES

# Binding strengths, as in Python's grammar.
_ADD, _MUL, _NEG, _POW, _ATOM = 1, 2, 3, 4, 5
_INFIX = {"add": (" + ", _ADD), "sub": (" - ", _ADD), "mul": ("*", _MUL), "div": ("/", _MUL)}
_POWERS = {"square": 2, "cube": 3}
_CALL = re.compile(r"\\(operatorname\{\{\w+\}\}'*|[a-z]+)\\left\(\{0\}(, \{\d\})*\\right\)")


def number(value: float) -> str:
    """Write a constant so that it reads back as the same double, whole numbers without a point."""
    return str(int(value)) if value == int(value) and abs(value) < 1e16 else repr(value)


def text(node: Node) -> str:
    """Print a tree as canonical text."""
    return _text(node)[0]


def _wrap(node: Node, needed: int) -> str:
    inner, strength = _text(node)
    return inner if strength >= needed else f"({inner})"


def _text(node: Node) -> tuple[str, int]:
    """Return the text of a node and how strongly its outermost operator binds."""
    op, args = node.op, node.args
    if node.value is not None:
        return number(node.value), _ATOM if node.value >= 0 else _NEG
    if not args:
        return op, _ATOM
    if op in _INFIX:
        sign, strength = _INFIX[op]
        # The right side of an equal operator keeps its parentheses: a - (b - c), and also
        # a + (b + c), which is another tree than (a + b) + c.
        return f"{_wrap(args[0], strength)}{sign}{_wrap(args[1], strength + 1)}", strength
    if op == "neg" and args[0].value is None:
        return f"-{_wrap(args[0], _NEG)}", _NEG
    if op in _POWERS:
        return f"{_wrap(args[0], _ATOM)}**{_POWERS[op]}", _POW
    if op == "pow" and args[1].value not in _POWERS.values():
        return f"{_wrap(args[0], _ATOM)}**{_wrap(args[1], _NEG)}", _POW
    return f"{op}({', '.join(text(arg) for arg in args)})", _ATOM


def latex(node: Node) -> str:
    """Print a tree as LaTeX mathematics, without dollar signs."""
    return _latex(node)[0]


def _latex_wrap(node: Node, needed: int) -> str:
    inner, strength = _latex(node)
    return inner if strength >= needed else rf"\left({inner}\right)"


def _latex(node: Node) -> tuple[str, int]:
    op, args = node.op, node.args
    if node.value is not None:
        return latex_number(node.value)
    if not args:
        return (rf"\theta_{{{op[1:]}}}" if is_parameter(op) else op), _ATOM
    row = PRIMITIVES[op]
    if op in ("add", "sub", "mul"):
        strength = _MUL if op == "mul" else _ADD
        left, right = _latex_wrap(args[0], strength), _latex_wrap(args[1], strength + 1)
        return row.latex.format(left, _signed(right)), strength
    if op == "neg":
        return row.latex.format(_signed(_latex_wrap(args[0], _NEG))), _NEG
    if op in _POWERS or op == "pow":
        rest = [latex(arg) for arg in args[1:]]
        return row.latex.format(_latex_wrap(args[0], _ATOM), *rest), _POW
    texts = [latex(arg) for arg in args]
    if _CALL.fullmatch(row.latex):
        return row.latex.format(*texts), _ATOM
    # A scalar may stand behind a sign, and what is no call is not raised to a power as it stands:
    # e^{x}^{2} is no LaTeX, and the square of a product would be that of its last factor.
    n_plain = row.arity - row.n_scalars
    texts[n_plain:] = map(_signed, texts[n_plain:])
    return row.latex.format(*texts), _POW


def _signed(latex_text: str) -> str:
    """Put what begins with a sign in parentheses, where a sign or a factor precedes it."""
    return rf"\left({latex_text}\right)" if latex_text.startswith("-") else latex_text


def latex_number(value: float) -> tuple[str, int]:
    """Write a number as LaTeX; also how strongly its outermost operator binds."""
    mantissa, _, exponent = number(value).partition("e")
    if exponent:
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}", _MUL
    return mantissa, _ATOM if value >= 0 else _NEG

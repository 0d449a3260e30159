"""What may follow a formula's text behind a semicolon: where its parameters start.

``max(x, p0*x); p0=0.25`` starts p0 at a quarter, ``...; p0=1.5, p1=0.3, per channel`` also gives
every channel values of its own. What is not said is 1, and one value a layer. A start belongs to a
formula as its constants do; it is kept apart from the tree, since a kernel serves all starts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from actsearch.errors import nearest, shorten
from actsearch.expressions.node import MAX_PARAMETERS, is_parameter
from actsearch.expressions.parser import MAX_CONSTANT, FormulaError, on_one_line
from actsearch.expressions.printer import latex_number, number

#: What stands between a formula and its suffix.
MARK = ";"
#: The value that a learnable parameter starts at where nothing else is said.
PARAMETER_START = 1.0

#: Whether parameters have one value a channel, by the words that say so.
_SHARED = {"per channel": True, "per layer": False}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)

Starts = tuple[tuple[str, float], ...]


def normal(starts: Starts, parameters: tuple[str, ...]) -> Starts:
    """Return starts in their one form, so that equal ones are equal.

    Args:
        starts: Pairs of parameter and start.
        parameters: Those that occur in the formula, in order; starts of others are dropped.

    Returns:
        Pairs in the order of ``parameters``, without those that start at 1.

    Raises:
        FormulaError: A start is not finite or beyond what constants may be.
    """
    given = dict(starts)
    for name, value in given.items():
        if not abs(value) <= MAX_CONSTANT:
            raise FormulaError(_out_of_range(name, value))
    kept = ((name, float(given[name]) + 0.0) for name in parameters if name in given)
    return tuple((name, value) for name, value in kept if value != PARAMETER_START)


def read(text: str, begin: int, parameters: tuple[str, ...]) -> tuple[dict[str, float], bool]:
    """Read a suffix.

    Args:
        text: The whole text, formula and suffix.
        begin: Where the suffix begins, behind its mark; counted from 0.
        parameters: Those that occur in the formula.

    Returns:
        The starts that it gives, and whether parameters have one value a channel.

    Raises:
        FormulaError: It is no suffix, or does not fit the formula; the message points at the
            column.
    """
    flat = on_one_line(text)
    starts: dict[str, float] = {}
    shared: bool | None = None
    place = begin
    for item in flat[begin:].split(","):
        words = " ".join(item.split())
        try:
            if words in _SHARED:
                shared = _sharing(words, shared, parameters)
            else:
                name, value = _start(words, starts, parameters)
                starts[name] = value
        except _Fault as fault:
            column = place + len(item) - len(item.lstrip()) + 1
            raise FormulaError(str(fault), flat, min(column, len(flat))) from None
        place += len(item) + 1
    return starts, bool(shared)


def text(starts: Starts, per_channel: bool) -> str:
    """Print a suffix with its mark; nothing where all is as it is by default."""
    items = [f"{name}={number(value)}" for name, value in starts]
    items += ["per channel"] if per_channel else []
    return f"{MARK} {', '.join(items)}" if items else ""


def latex(starts: Starts, per_channel: bool) -> str:
    """Print a suffix as LaTeX mathematics, to follow a formula: a start is theta at time 0."""
    items = [rf"\theta_{{{name[1:]}}}^{{(0)}} = {latex_number(value)[0]}" for name, value in starts]
    items += [r"\theta\ \mathrm{per\ channel}"] if per_channel else []
    return "".join(rf",\ {item}" for item in items)


class _Fault(Exception):
    """What is wrong with one item of a suffix."""


def _sharing(words: str, before: bool | None, parameters: tuple[str, ...]) -> bool:
    if not parameters:
        raise _Fault(f"'{words}' is said of parameters p0, p1 ..., and the formula has none")
    if before is not None:
        raise _Fault("it is said twice whether parameters are per layer or per channel")
    return _SHARED[words]


def _start(
    words: str, before: Mapping[str, float], parameters: tuple[str, ...]
) -> tuple[str, float]:
    """Return the parameter and the start that one item gives."""
    left, equals, right = words.partition("=")
    name, value = left.strip(), right.strip()
    if is_parameter(name) and not value:
        raise _Fault(f"where {name} starts is missing; write {name}=0.25")
    if not equals:
        guess = nearest(name, _SHARED) if name else None
        got = f", got '{shorten(name, 30)}'" if name else ""
        hint = f"; did you mean '{guess}'?" if guess else ""
        raise _Fault(f"expected a start such as p0=0.25, or 'per channel'{got}{hint}")
    if not is_parameter(name):
        if name[:1] == "p" and name[1:].isdigit():
            raise _Fault(f"parameters are p0 to p{MAX_PARAMETERS - 1}, got '{shorten(name, 30)}'")
        raise _Fault(f"'{shorten(name, 30)}' is no parameter; starts are given of p0, p1, ...")
    if name not in parameters:
        there = f"its parameters: {', '.join(parameters)}" if parameters else "it has no parameters"
        raise _Fault(f"{name} does not occur in the formula ({there})")
    if name in before:
        raise _Fault(f"{name} is given twice")
    if _NUMBER.fullmatch(value) is None:
        raise _Fault(f"{name} starts at a number, as in {name}=0.25; got '{shorten(value, 30)}'")
    start = float(value)
    if not abs(start) <= MAX_CONSTANT:
        raise _Fault(_out_of_range(name, start))
    return name, start


def _out_of_range(name: str, value: float) -> str:
    return f"starts lie between -{MAX_CONSTANT:g} and {MAX_CONSTANT:g}, got {name}={value:g}"

"""A simpler function in a formula's place, for inference on small devices: fitted and measured."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from actsearch.errors import BadInput, unknown
from actsearch.export.activation import Activation
from actsearch.export.approximate.hard import hard
from actsearch.export.approximate.lookup import Table, lookup
from actsearch.export.approximate.measure import Errors, errors
from actsearch.export.approximate.rational import rational
from actsearch.export.approximate.subject import Array, Subject, Window, subject
from actsearch.expressions import Expression
from actsearch.expressions.lowering import lower

#: What ``--approximate`` takes, and what it is.
KINDS = {
    "hard": "straight pieces, as few as reach the error, at most 8",
    "rational": "quotients of polynomials (Remez), degrees at most 7/6",
    "table": "a table of 256 entries with straight lines between them",
}
#: The maximum errors wanted where none is given; a table has its number of entries instead.
DEFAULT_ERROR = {"hard": 0.01, "rational": 1e-4}
DEFAULT_PIECES = {"hard": 8, "table": 256}
#: Fewest and most pieces or entries.
_PIECES = {"hard": (1, 64), "table": (2, 8_192)}
_ERROR = (1e-9, 10.0)
WINDOW: Window = (-8.0, 8.0)
_CHEAP = frozenset("add sub mul neg abs sign maximum minimum lt gt eq where cast".split())
_READING = "8, 2 reads of the table"


@dataclass(frozen=True)
class StandIn:
    """A function in a formula's place.

    Attributes:
        kind: ``hard``, ``rational`` or ``table``.
        subject: What it stands in for; parameters are the numbers that they start at.
        formula: It as a formula, which every target can write; None for a table.
        table: It as a table; None for a formula.
        wanted: The maximum error that was asked for, None for a number of entries.
        note: What it is made of.
        errors: How far it is off.
    """

    kind: str
    subject: Subject
    formula: Expression | None
    table: Table | None
    wanted: float | None
    note: str
    errors: Errors

    @property
    def exact(self) -> Expression:
        """What it stands in for."""
        return self.subject.expression

    @property
    def reaches(self) -> bool:
        """Whether it is as close on the window as was asked for."""
        return self.wanted is None or self.errors.window[0] <= self.wanted

    def value(self, x: Array) -> Array:
        """Return its values at ``x``, of any shape."""
        return self.table.value(x) if self.table is not None else _of(self.formula).evaluate(x)

    def slope(self, x: Array) -> Array:
        """Return its slopes at ``x``, of any shape."""
        if self.table is not None:
            return self.table.slope(x)
        return self._derivative.evaluate(x)

    @functools.cached_property
    def _derivative(self) -> Expression:
        return _of(self.formula).derivative()

    @property
    def facts(self) -> dict[str, Any]:
        """What its files say of it, plain values: to be added to a provenance."""
        off, (low, high) = self.errors, self.subject.window
        facts: dict[str, Any] = {
            "stands in for": str(self.exact),
            "kind of stand-in": f"{self.kind}: {self.note}",
            "window": [low, high],
            "maximum error": f"{off.window[0]:.3g} on the window, at x = {off.window[1]:.6g}",
            "maximum error beyond": self.beyond,
            "maximum error of the derivative": f"{off.slope[0]:.3g}, at x = {off.slope[1]:.6g}",
            "maximum error in float32": f"{off.single:.3g} on the window",
            "operations": f"{self.operations}; of the exact value {counted(self.exact)}",
        }
        if self.subject.starts:
            facts["parameters fixed at"] = dict(self.subject.starts)
        return facts

    @property
    def beyond(self) -> str:
        """How far it is off beyond the window, in words."""
        most, at = self.errors.beyond
        if np.isfinite(most):
            return f"{most:.3g}, at x = {at:.6g}"
        return "unbounded: the function leaves every line there, and this goes on straight"

    @property
    def operations(self) -> str:
        """How many base operations the value takes, and which of them are dear."""
        return _READING if self.table is not None else counted(_of(self.formula))

    @property
    def sentence(self) -> str:
        """What it is, in one line."""
        missed = "" if self.reaches else f" (wanted: {self.wanted:g})"
        return (
            f"stands in for {self.exact}: {self.note}; maximum error {self.errors.window[0]:.3g} "
            f"on [{self.subject.window[0]:g}, {self.subject.window[1]:g}]{missed}, "
            f"beyond {self.beyond}"
        )

    def activation(
        self,
        name: str,
        provenance: Mapping[str, Any] | None = None,
        measured: Mapping[str, Any] | None = None,
    ) -> Activation:
        """Return it as what every target can write.

        Its gain is its own, not that of the function in whose place it is.

        Raises:
            BadInput: It is a table, or the name is none.
        """
        if self.formula is None:
            from actsearch.export.approximate.table_files import TABLE_TARGETS

            able = ", ".join(TABLE_TARGETS)
            raise BadInput(f"a table is no formula; targets that can read one: {able}")
        return Activation(self.formula, name, {**(provenance or {}), **self.facts}, measured or {})


def approximate(
    expression: Expression,
    kind: str,
    *,
    error: float | None = None,
    pieces: int | None = None,
    window: Window = WINDOW,
) -> StandIn:
    """Fit a simpler function.

    Args:
        expression: A formula of x alone, finite and continuous on the window. Parameters stand
            where they start.
        kind: ``hard``, ``rational`` or ``table``.
        error: The maximum error wanted, by default 0.01 for ``hard`` and 1e-4 for ``rational``;
            of a table the number of entries is doubled until it is reached. If nothing
            reaches it, the closest is returned, and ``reaches`` says so.
        pieces: At most so many straight pieces (8 by default), or entries of a table (256).
        window: Where the error is to be reached. Beyond it a stand-in follows the asymptotes;
            where there is none it goes on straight.

    Raises:
        BadInput: The function, the kind or a number is none that is accepted.
    """
    if kind not in KINDS:
        raise unknown("kind of --approximate", kind, KINDS)
    if pieces is not None:
        if kind not in _PIECES:
            raise BadInput(f"a number of pieces goes with {' or '.join(_PIECES)}, not with {kind}")
        least, most = _PIECES[kind]
        if isinstance(pieces, bool) or not isinstance(pieces, int) or not least <= pieces <= most:
            raise BadInput(f"pieces of {kind} are {least} to {most}, got {pieces!r}")
    if error is not None and not _ERROR[0] <= error <= _ERROR[1]:
        raise BadInput(f"a maximum error is {_ERROR[0]:g} to {_ERROR[1]:g}, got {error!r}")
    about = subject(expression, window)
    wanted = DEFAULT_ERROR.get(kind) if error is None else error
    if kind == "table":
        return _table(about, wanted, pieces)
    if kind == "hard":
        found = hard(about, wanted or 0.0, pieces or DEFAULT_PIECES["hard"])
        return _formula(about, kind, Expression(found.root), found.knots, wanted, found.note)
    fitted = rational(about, wanted or 0.0)
    return _formula(about, kind, Expression(fitted.root), fitted.knots, wanted, fitted.note)


def _formula(
    about: Subject,
    kind: str,
    formula: Expression,
    knots: tuple[float, ...],
    wanted: float | None,
    note: str,
) -> StandIn:
    measured = errors(
        about,
        formula.evaluate,
        formula.derivative().evaluate,
        lambda x: formula.evaluate(x, dtype=np.float32),
        knots,
    )
    return StandIn(kind, about, formula, None, wanted, note, measured)


def _table(about: Subject, wanted: float | None, pieces: int | None) -> StandIn:
    most = pieces or (_PIECES["table"][1] if wanted is not None else DEFAULT_PIECES["table"])
    entries = min(16, most) if wanted is not None else most
    while True:
        table = lookup(about, entries)
        measured = errors(
            about,
            table.value,
            table.slope,
            lambda x, table=table: table.value(x, np.float32),  # type: ignore[misc]
            table.knots,
        )
        if wanted is None or measured.window[0] <= wanted or entries >= most:
            note = f"{entries} entries from {table.low:g} to {table.high:g}"
            return StandIn("table", about, None, table, wanted, note, measured)
        entries = min(2 * entries, most)


def _of(formula: Expression | None) -> Expression:
    assert formula is not None  # what is no table is a formula
    return formula


def counted(expression: Expression) -> str:
    """Return how many base operations a value takes, and which of them are dear."""
    steps = [step.op for step in lower([expression.root], ("x",)).instructions]
    ops = Counter(op for op in steps if op != "input")
    dear = [f"{n} {op}" for op, n in ops.items() if op not in _CHEAP]
    return f"{ops.total()}{', ' if dear else ''}{', '.join(dear)}"

"""`actsearch export --approximate`: simpler functions in place of those that are exported."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from actsearch.cli.options import note
from actsearch.errors import ActsearchError, BadInput

if TYPE_CHECKING:
    from actsearch.export import Activation, Piece, Target
    from actsearch.export.approximate import StandIn

LeftOut = Callable[["Activation", "Target", ActsearchError], None]


def stand_in_pieces(
    activations: Sequence[Activation],
    kind: str,
    error: float | None,
    targets: Sequence[str],
    left_out: LeftOut | None,
) -> tuple[list[StandIn], tuple[Piece, ...]]:
    """Fit a stand-in of each activation, and return what is to be written of them.

    Args:
        activations: What to stand in for; their names are those of the stand-ins.
        kind: One of ``KINDS``.
        error: The maximum error that is wanted; None for the kind's own.
        targets: Names of targets.
        left_out: As in ``pieces``.

    Raises:
        BadInput: There is no stand-in of a function, or a target can't read one.
    """
    from actsearch.export import pieces
    from actsearch.export.approximate import approximate

    fitted = [approximate(one.expression, kind, error=error) for one in activations]
    for stand_in in fitted:
        if error is not None and not stand_in.reaches:
            note(
                f"actsearch: no {kind} stand-in of '{stand_in.exact}' was found within "
                f"{error:g}; the closest is off by {stand_in.errors.window[0]:.3g}"
            )
    activations = [_renamed(one) for one in activations]
    if kind != "table":
        written = [
            stand_in.activation(one.name, one.provenance)
            for stand_in, one in zip(fitted, activations, strict=True)
        ]
        return fitted, pieces(written, targets, left_out=left_out)
    tables = []
    for stand_in, one in zip(fitted, activations, strict=True):
        tables += _table_pieces(stand_in, one, targets, left_out)
    return fitted, tuple(tables)


def _renamed(one: Activation) -> Activation:
    """Return an activation whose provenance does not claim to be the function it stands in for."""
    facts = dict(one.provenance)
    if "known as" in facts:
        facts["stands in for the known activation"] = facts.pop("known as")
    return replace(one, provenance=facts)


def _table_pieces(
    stand_in: StandIn, one: Activation, targets: Sequence[str], left_out: LeftOut | None
) -> list[Piece]:
    from actsearch.export import TARGETS, Piece
    from actsearch.export.approximate import TABLE_TARGETS, TABLE_TESTS, table_files

    found = []
    for name in targets:
        if name not in TABLE_TARGETS and left_out is not None:
            able = ", ".join(TABLE_TARGETS)
            left_out(one, TARGETS[name], BadInput(f"it reads no tables; targets that do: {able}"))
            continue
        files = table_files(stand_in, one.name, (name,), one.provenance)
        found.append(Piece(one, replace(TARGETS[name], test=TABLE_TESTS[name]), files))
    return found


def print_stand_ins(fitted: Sequence[StandIn]) -> None:
    """Print how far each stand-in is off, and how fast it is beside the exact function here."""
    from actsearch.export.approximate import speed

    for one in fitted:
        sys.stdout.write(f"\n{one.sentence}\n")
        sys.stdout.writelines(f"  {pace}\n" for pace in speed(one))

"""Where a birth comes from: its ancestors, each once, with the operator that made the next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from actsearch.results.tables import printable

if TYPE_CHECKING:
    from actsearch.runs import Birth


def lineage(births: Iterable[Birth], birth_id: int) -> list[dict[str, Any]]:
    """Return the ancestry of a birth as rows, the birth itself first, parents under their child.

    Args:
        births: the births of the run.
        birth_id: whose lineage; it must be among them.

    Returns:
        Rows with ``depth`` (0 for the birth itself), ``id``, ``operator``, ``formula``, ``seen``.
        The last is True where the ancestor already stands further up: its own parents are not
        repeated.
    """
    by_id = {birth.id: birth for birth in births}
    rows: list[dict[str, Any]] = []
    seen: set[int] = set()
    # A stack and not recursion: a lineage can be longer than Python's call stack.
    stack = [(birth_id, 0)]
    while stack:
        id_, depth = stack.pop()
        birth = by_id.get(id_)
        if birth is None:
            continue
        rows.append(
            {
                "depth": depth,
                "id": id_,
                "operator": birth.operator,
                "formula": birth.formula,
                "seen": id_ in seen,
            }
        )
        if id_ not in seen:
            seen.add(id_)
            stack += [(parent, depth + 1) for parent in reversed(birth.parents)]
    return rows


def lineage_text(rows: Iterable[dict[str, Any]], indent_limit: int = 40) -> list[str]:
    """Write the rows of ``lineage`` as lines, indented by depth up to ``indent_limit`` columns."""
    return [
        printable(
            f"{' ' * min(2 * row['depth'], indent_limit)}{row['id']}  {row['formula']}  "
            f"({row['operator']}{', see above' if row['seen'] else ''})"
        )
        for row in rows
    ]

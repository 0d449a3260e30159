"""What formulas cost by the model, kept on disk: to differentiate one takes SymPy and milliseconds.

The model is a pure function of a formula and of this program's text, so that what was computed once
holds for good; a table of the user's cache has it, one for each state of the program. Whoever can't
read or write there computes again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
from collections.abc import Iterable
from pathlib import Path

from actsearch.cache import NotPrivate, cache_folder, make_private
from actsearch.errors import ActsearchError

#: Beyond so many formulas a table begins anew: some megabytes, read by each command.
MOST_KEPT = 20_000


def modelled_costs(formulas: Iterable[str]) -> dict[str, float | None]:
    """Return formula -> nanoseconds an element, forward and backward together.

    Args:
        formulas: as the store has them; the mean over its formulas for one a group of layers.

    Returns:
        The same on every machine; None for a text that is no formula.
    """
    wanted = list(dict.fromkeys(formulas))
    if not wanted:
        return {}
    path = _table()
    kept = {} if path is None else _read(path)
    found = {formula: kept.get(formula) or _computed(formula) for formula in wanted}
    new = {f: cost for f, cost in found.items() if cost is not None and f not in kept}
    if new and path is not None:
        _write(path, new if len(kept) + len(new) > MOST_KEPT else kept | new)
    return found


def _computed(formula: str) -> float | None:
    from actsearch.expressions import parse_candidate
    from actsearch.expressions.cost import modelled_cost
    from actsearch.expressions.layered import mean_over_parts

    try:
        return mean_over_parts(modelled_cost)(parse_candidate(formula))
    except (ActsearchError, RecursionError):  # of an earlier version, or of whoever wrote the file
        return None


def _table() -> Path | None:
    """Return the file of the table, None where others could have written it."""
    try:
        return cache_folder("costs") / f"{_state()}.json"
    except NotPrivate:
        return None


def _state() -> str:
    """Return a name for the text of the program that costs depend on."""
    from actsearch import expressions

    files = sorted(Path(str(expressions.__file__)).parent.glob("*.py"))
    facts = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _read(path: Path) -> dict[str, float]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        formula: float(cost)
        for formula, cost in found.items()
        if isinstance(cost, int | float) and math.isfinite(cost)
    }


def _write(path: Path, costs: dict[str, float]) -> None:
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    with contextlib.suppress(OSError):  # a full disk or a foreign folder is no reason to fail
        make_private(path.parent)
        draft.write_text(json.dumps(costs), encoding="utf-8")
        draft.replace(path)

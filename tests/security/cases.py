"""All hostile inputs, in one list."""

from __future__ import annotations

from tests.security import archives, formulas, names, spaces, stores
from tests.security.hostile import Case

CASES: tuple[Case, ...] = tuple(
    case for module in (formulas, spaces, names, stores, archives) for case in module.cases()
)

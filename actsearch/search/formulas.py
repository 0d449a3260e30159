"""Formulas of births as expressions: each text is parsed, and lowered, once while it is in use."""

from __future__ import annotations

import functools

from actsearch.expressions import Candidate, parse_candidate

#: Enough for a population, what waits for its heats, and a litter; some 10 KB each.
_N_KEPT = 1024

#: As ``parse_candidate``.
read: functools._lru_cache_wrapper[Candidate] = functools.lru_cache(_N_KEPT)(parse_candidate)

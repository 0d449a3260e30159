"""actsearch: a genetic-programming search for activation functions.

The public names load on first use, so that ``import actsearch`` and ``actsearch --help`` import
neither torch nor SymPy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "Expression": "actsearch.expressions",
    "KNOWN": "actsearch.expressions",
    "PRIMITIVES": "actsearch.expressions",
    "parse": "actsearch.expressions",
    "compare": "actsearch.trials.compare",
    "confirm": "actsearch.trials.confirm",
    "diagnose": "actsearch.trials.diagnose",
    "Result": "actsearch.search",
    "SearchSpace": "actsearch.search",
    "load_space": "actsearch.search",
    "open_run": "actsearch.trials.opened",
    "resume": "actsearch.search",
    "search": "actsearch.search",
    "write_report": "actsearch.report.page",
}

if TYPE_CHECKING:
    from actsearch.expressions import KNOWN, PRIMITIVES, Expression, parse
    from actsearch.report.page import write_report
    from actsearch.search import Result, SearchSpace, load_space, resume, search
    from actsearch.trials.compare import compare
    from actsearch.trials.confirm import confirm
    from actsearch.trials.diagnose import diagnose
    from actsearch.trials.opened import open_run

__all__ = [
    "KNOWN",
    "PRIMITIVES",
    "Expression",
    "Result",
    "SearchSpace",
    "__version__",
    "compare",
    "confirm",
    "diagnose",
    "load_space",
    "open_run",
    "parse",
    "resume",
    "search",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'actsearch' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)

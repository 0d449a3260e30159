"""The search: spaces, breeding by DEAP, the ledger of what is known, and the loop.

The module can be called, as ``actsearch.search(...)``: importing this room binds it to the very
name that people know the function by, and both meanings have to hold.
"""

import sys
import types
from typing import Any

from actsearch.runs import Snapshot
from actsearch.search.api import Found, Result, resume, search
from actsearch.search.space import SearchSpace, load_space, space_files

__all__ = [
    "Found",
    "Result",
    "SearchSpace",
    "Snapshot",
    "load_space",
    "resume",
    "search",
    "space_files",
]


class _CallableModule(types.ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Result:
        return search(*args, **kwargs)


sys.modules[__name__].__class__ = _CallableModule

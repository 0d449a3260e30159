"""The random numbers of the search: from a generator that nobody else draws from.

The module ``random`` has one generator for the whole process. What another thread takes from it
between two draws (the connection to a cluster waits for random times, as a user's own code may)
would change what is born. So the search has a generator of its own, and the modules of DEAP, which
draw from the module ``random``, are given it while they draw for a birth.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deap import gp
from deap.tools import crossover, emo, mutation, selection

#: What all draws of the search are taken from; ``seeded`` says what they are.
draws = random.Random()

_MODULES: tuple[Any, ...] = (gp, crossover, emo, mutation, selection)


@contextmanager
def seeded(*key: int) -> Iterator[None]:
    """Let the draws inside the block be those of a key.

    One thread at a time may be in there, once: what the generator draws behind it says nothing.
    """
    others = [module.random for module in _MODULES]
    digest = hashlib.sha256(repr(key).encode()).digest()
    draws.seed(int.from_bytes(digest[:16], "big"))
    for module in _MODULES:
        module.random = draws
    try:
        yield
    finally:
        for module, other in zip(_MODULES, others, strict=True):
            module.random = other

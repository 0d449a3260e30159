"""What a search space looks like from outside: its size, samples of it, what the checks leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from actsearch.expressions import Candidate, parse_candidate
from actsearch.search.evolution import Breeder
from actsearch.search.faults import Faults
from actsearch.search.space import SearchSpace

#: Births that are drawn to see what share of a space passes the checks.
N_TRIED = 200
#: So many draws for each sample that is asked for: a small space repeats itself.
_TRIES = 20


@dataclass(frozen=True)
class Sample:
    """A formula that was drawn from a space, and why a search would not train it, if so."""

    expression: Candidate
    fault: str | None


def size_of(space: SearchSpace) -> int | None:
    """Return how many expressions a space has besides its seeds, None where there is no end.

    Counted are forms, so the same function may count often; factors and parameters that operators
    put on edges are not.
    """
    return Breeder(space, 0).shape.size


def samples(space: SearchSpace, n: int, seed: int = 0) -> list[Sample]:
    """Draw ``n`` different formulas, as a search begins; fewer where there are no more."""
    found: dict[str, Sample] = {}
    faults = Faults(space)
    for expression in _drawn(space, n * _TRIES, seed):
        if len(found) == n:
            break
        if str(expression) not in found:
            found[str(expression)] = Sample(expression, faults.of(expression))
    return list(found.values())


def reasons(space: SearchSpace, n: int = N_TRIED, seed: int = 0) -> Counter[str]:
    """Return how many of ``n`` random births pass ("") or why they are turned away.

    A reason is its first words, as in "non-finite": what stands before the colon.
    """
    tried, faults = _drawn(space, n, seed), Faults(space)
    return Counter((faults.of(one) or "").partition(":")[0] for one in tried)


def faulty_seeds(space: SearchSpace) -> list[Sample]:
    """Return the seeds of a space that a search would not train."""
    seeds, faults = [parse_candidate(text) for text in space.seeds], Faults(space)
    tried = [Sample(expression, faults.of(expression)) for expression in seeds]
    return [one for one in tried if one.fault is not None]


def barren_seeds(space: SearchSpace) -> list[Candidate]:
    """Return the seeds that are not of the space's form: trained, and without offspring."""
    shape = Breeder(space, 0).shape
    seeds = [parse_candidate(text) for text in space.seeds]
    return [one for one in seeds if shape.read(one) is None]


def _drawn(space: SearchSpace, n: int, seed: int) -> Iterator[Candidate]:
    breeder = Breeder(space, seed)
    return (breeder.random(number).expression for number in range(n))

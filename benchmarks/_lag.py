"""The lag alone: a recorded sequence of heats on any number of workers, in virtual time.

What a search does to its workers follows from how long its heats are and from the lag. So one
search gives the sequence, and any number of workers is a matter of seconds; the whole engine with
as many virtual workers (``tests/search/virtual.py``) comes to the same.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

#: No larger lag is tried than so many times the number of workers.
MOST_LAG = 128


@dataclass(frozen=True)
class Load:
    """Heats in their order: of each how long a training is, and how many seeds it has.

    Times are in trainings of the shortest rung; ``sigma`` is the standard deviation of their
    logarithms, ``driver`` what the driver needs a training.
    """

    heats: Sequence[tuple[float, int]]
    sigma: float = 0.8
    driver: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What came of it: the share of the workers' time in trainings, and trainings a time unit."""

    share: float
    rate: float


def replay(load: Load, n_workers: int, lag: int, n_heats: int, seed: int = 0) -> Outcome:
    """Run the heats, over and over until there were ``n_heats``, on so many workers.

    The end is when there is nothing more to hand out.
    """
    draw = random.Random(seed)
    heats = itertools.islice(itertools.cycle(load.heats), n_heats)
    queue: deque[tuple[int, float]] = deque()
    running: list[tuple[float, int]] = []
    missing: list[int] = []  # of each heat: trainings that have not ended
    n_seen = n_trainings = 0
    clock = busy = 0.0
    while True:
        while n_seen < len(missing) and not missing[n_seen]:
            n_seen += 1
        # The k-th heat is decided as soon as all those before k - lag are complete.
        while len(missing) - lag <= n_seen and (heat := next(heats, None)) is not None:
            length, n_seeds = heat
            times = [length * math.exp(load.sigma * draw.gauss(0, 1)) for _ in range(n_seeds)]
            queue.extend((len(missing), time) for time in times)
            missing.append(n_seeds)
        while queue and len(running) < n_workers:
            heat_id, time = queue.popleft()
            heapq.heappush(running, (clock + time, heat_id))
            busy += time
            n_trainings += 1
        if len(missing) == n_heats and len(running) < n_workers:
            busy -= sum(ends - clock for ends, _ in running)
            return Outcome(busy / (n_workers * clock), n_trainings / clock)
        ends, heat_id = heapq.heappop(running)
        clock = max(ends, clock) + load.driver  # the driver does one thing at a time
        missing[heat_id] -= 1


def least_lag(load: Load, n_workers: int, share: float = 0.95) -> int | None:
    """Return the smallest lag, to a tenth, that keeps so large a share of the workers busy.

    None where no lag does: the driver has not the time.
    """

    def suffices(lag: int) -> bool:
        return share_of(load, n_workers, lag) >= share

    below, lag = 0, n_workers
    while not suffices(lag):
        below, lag = lag, 2 * lag
        if lag > MOST_LAG * n_workers:
            return None
    while lag - below > max(1, below // 10):
        middle = (below + lag) // 2
        below, lag = (below, middle) if suffices(middle) else (middle, lag)
    return lag


def share_of(load: Load, n_workers: int, lag: int) -> float:
    """Return the share of the workers' time in trainings in a long run."""
    n_heats = max(4000, 20 * n_workers, 8 * lag)  # at the beginning nobody waits
    return replay(load, n_workers, lag, n_heats).share

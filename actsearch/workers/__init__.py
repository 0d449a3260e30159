"""Workers: where trainings run, on which devices, and what becomes of those that fail.

The room's doors: ``resolve`` (what was asked for to what there is), ``make_pool`` and ``pool_for``,
and the jobs that go through ``Pool.stream``.
"""

from actsearch.workers.devices import Slots, resolve
from actsearch.workers.jobs import WAIT, Job, Pool, Wait
from actsearch.workers.pool import make_pool, pool_for

__all__ = ["WAIT", "Job", "Pool", "Slots", "Wait", "make_pool", "pool_for", "resolve"]

"""Workers: where trainings run, on which devices, and what becomes of those that fail.

The room's doors: ``Where`` (what was asked for), ``resolve`` (that to what there is), ``reached``
(the same, on a cluster where one is named), ``make_pool`` and ``pool_for``, and the jobs that go
through ``Pool.stream``.
"""

from actsearch.workers.cluster.address import Cluster
from actsearch.workers.devices import Slots, resolve
from actsearch.workers.jobs import WAIT, Job, Pool, Wait
from actsearch.workers.pool import make_pool, pool_for
from actsearch.workers.reach import reached
from actsearch.workers.where import Where

__all__ = [
    "WAIT",
    "Cluster",
    "Job",
    "Pool",
    "Slots",
    "Wait",
    "Where",
    "make_pool",
    "pool_for",
    "reached",
    "resolve",
]

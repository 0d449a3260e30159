"""Where trainings run, here or on a cluster: what was asked for to what there is, for a while."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from actsearch.errors import BadInput, shorten
from actsearch.workers.devices import (
    AUTO,
    CPU,
    INLINE,
    MAX_WORKERS,
    Slots,
    number_of,
    resolve,
)
from actsearch.workers.limits import parse_training_limit
from actsearch.workers.memory import parse_memory_limit

if TYPE_CHECKING:
    from actsearch.workers.cluster.address import Cluster

CUDA = "cuda"


@contextmanager
def reached(
    cluster: str | Cluster | None,
    workers: str | int = AUTO,
    devices: str | Sequence[str] = AUTO,
    *,
    training_limit: str | float = AUTO,
    memory_limit: str | int = AUTO,
    given_object: bool = False,
) -> Iterator[Slots]:
    """Have workers and devices inside the block: those of a cluster, where one is named.

    Args:
        cluster: the address of a cluster, with what else there is to say of it; None: here.
        workers: as ``resolve`` takes it; on a cluster how many trainings run at once at most.
        devices: as ``resolve`` takes it; on a cluster "auto", "cpu" or "cuda".
        training_limit: as ``resolve`` takes it.
        memory_limit: as ``resolve`` takes it.
        given_object: as ``resolve`` takes it.

    Raises:
        BadInput: as ``resolve``; of an address that is none; Dask is not installed.
        ActsearchError: the cluster can't be reached, or has no workers.
    """
    if cluster is None:
        yield resolve(
            workers,
            devices,
            training_limit=training_limit,
            memory_limit=memory_limit,
            given_object=given_object,
        )
        return
    from actsearch.workers.cluster.address import cluster_of
    from actsearch.workers.cluster.link import GPU, Link

    if str(workers).strip().lower() == INLINE:
        raise BadInput("--workers inline trains in this process, and --cluster elsewhere: name one")
    most, kind = number_of(workers), _kind(devices)
    parse_training_limit(training_limit)
    parse_memory_limit(memory_limit, 1)
    where = cluster_of(cluster)
    with Link(where) as link:
        there = link.wait_for_workers()
        with_gpu = [worker for worker, facts in there.items() if facts["resources"].get(GPU)]
        if kind == CUDA and not with_gpu:
            raise BadInput(
                f"none of the {len(there)} workers at {where} has the resource {GPU}; start those "
                f"with a GPU as dask worker ... --nthreads 1 --resources {GPU}=1"
            )
        if kind == AUTO:
            kind = CUDA if with_gpu else CPU
        yield Slots(
            MAX_WORKERS if most is None else most,
            (CPU,) if kind == CPU else (f"{kind}:0",),
            training_limit=training_limit,
            memory_limit=memory_limit,
            link=link,
        )


def _kind(devices: str | Sequence[str]) -> str:
    """Return what was asked of a cluster: "auto", "cpu" or "cuda"."""
    named = devices if isinstance(devices, str) else ",".join(devices)
    kind = named.strip().lower()
    if kind not in (AUTO, CPU, CUDA):
        raise BadInput(
            f"--devices is '{shorten(named, 40)}'; on a cluster it is auto, cpu or cuda: which "
            "device a worker has is said where it is started (see docs/cluster.md)"
        )
    return kind

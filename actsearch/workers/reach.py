"""Where trainings run, here or on a cluster: what was asked for to what there is, for a while."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

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
from actsearch.workers.where import Where

CUDA = "cuda"


@contextmanager
def reached(where: Where, *, given_object: bool = False) -> Iterator[Slots]:
    """Have workers and devices inside the block: those of a cluster, where one is named.

    Args:
        where: what was asked for.
        given_object: as ``resolve`` takes it.

    Raises:
        BadInput: as ``resolve``; of an address that is none; Dask is not installed.
        ActsearchError: the cluster can't be reached, or has no workers.
    """
    if where.cluster is None:
        yield resolve(
            where.workers,
            where.devices,
            training_limit=where.training_limit,
            memory_limit=where.memory_limit,
            given_object=given_object,
        )
        return
    from actsearch.workers.cluster.address import cluster_of
    from actsearch.workers.cluster.link import GPU, Link

    if str(where.workers).strip().lower() == INLINE:
        raise BadInput("--workers inline trains in this process, and --cluster elsewhere: name one")
    most, kind = number_of(where.workers), _kind(where.devices)
    parse_training_limit(where.training_limit)
    parse_memory_limit(where.memory_limit, 1)
    cluster = cluster_of(where.cluster)
    with Link(cluster) as link:
        there = link.wait_for_workers()
        with_gpu = [worker for worker, facts in there.items() if facts["resources"].get(GPU)]
        if kind == CUDA and not with_gpu:
            raise BadInput(
                f"none of the {len(there)} workers at {cluster} has the resource {GPU}; start "
                f"those with a GPU as dask worker ... --nthreads 1 --resources {GPU}=1"
            )
        if kind == AUTO:
            kind = CUDA if with_gpu else CPU
        yield Slots(
            MAX_WORKERS if most is None else most,
            (CPU,) if kind == CPU else (f"{kind}:0",),
            training_limit=where.training_limit,
            memory_limit=where.memory_limit,
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

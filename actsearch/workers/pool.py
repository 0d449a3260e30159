"""The choice between the pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actsearch.tasks.protocol import Task
from actsearch.workers.desk import CPU
from actsearch.workers.devices import Slots
from actsearch.workers.jobs import Pool
from actsearch.workers.limits import AUTO, TrainingLimit, parse_training_limit
from actsearch.workers.memory import parse_memory_limit
from actsearch.workers.watchdog import GRACE_S

#: Trainings a process does before it is replaced, against memory that leaks.
RENEW_AFTER = 300

if TYPE_CHECKING:
    from actsearch.workers.cluster.link import Link


def make_pool(
    task: Task,
    *,
    workers: int,
    devices: tuple[str, ...] = (CPU,),
    threads: int = 1,
    processes: bool | None = None,
    training_limit: str | float = AUTO,
    memory_limit: str | int = AUTO,
    renew_after: int = RENEW_AFTER,
    grace_s: float = GRACE_S,
    link: Link | None = None,
) -> Pool:
    """Return a pool for ``task``. Nothing is started before its stream is read.

    Args:
        task: what to train on; cheap to pickle.
        workers: how many trainings run at once, as ``resolve`` gives it.
        devices: ("cpu",), or devices that each train one candidate at a time; at least as many as
            there are workers.
        threads: how many torch uses for each training. Scores do not depend on the number of
            workers as long as this is the same.
        processes: train in processes of their own, where a training can harm nobody else. None:
            only if there are several workers.
        training_limit: seconds that a training may take, a time as text, "auto" or "none"; in this
            process nothing is limited.
        memory_limit: what a training may take, as in "4GB", "auto" or "none".
        renew_after: trainings a process does before it is replaced.
        grace_s: how long after the deadline a training that does not stop is ended.
        link: a cluster to train on; then ``workers`` is how many trainings run at once at most,
            and of ``devices`` the kind counts. The task is prepared before the stream is read.

    Raises:
        BadInput: the task can't be sent to processes, or a limit is none.
        ValueError: workers, devices and threads do not go together.
    """
    if workers < 1 or threads < 1:
        raise ValueError(f"at least one worker and one thread, not {workers} and {threads}")
    if len(set(devices)) < len(devices) or (CPU in devices) != (devices == (CPU,)):
        raise ValueError(f"either ('cpu',) or different other devices, not {devices}")
    if link is not None:
        from actsearch.workers.cluster.pool import ClusterPool
        from actsearch.workers.cluster.remote import Terms

        kind = devices[0].partition(":")[0]
        return ClusterPool(
            task,
            link,
            TrainingLimit(parse_training_limit(training_limit), task.rungs),
            workers=workers,
            kind=kind,
            terms=Terms(threads, memory_limit, renew_after, grace_s),
        )
    if devices != (CPU,) and len(devices) < workers:
        raise ValueError(f"{workers} workers and only {len(devices)} devices")
    if processes is None:
        processes = workers > 1
    if not processes:
        if workers > 1:
            raise ValueError(f"{workers} workers need processes")
        from actsearch.workers.inprocess import in_process

        return in_process(task, device=devices[0], threads=threads)
    from actsearch.workers.charge import Setup
    from actsearch.workers.shipping import pack

    limit = TrainingLimit(parse_training_limit(training_limit), task.rungs)
    memory_bytes = parse_memory_limit(memory_limit, workers)
    setup = Setup(pack(task), threads, memory_bytes, renew_after, grace_s)
    if workers == 1:
        from actsearch.workers.inprocess import guarded

        return guarded(setup, limit, device=devices[0])
    from actsearch.workers.processes import ProcessPool

    return ProcessPool(setup, limit, workers=workers, devices=devices[:workers])


def pool_for(task: Task, slots: Slots, threads: int = 1) -> Pool:
    """Return the pool that ``slots`` describes.

    Raises:
        BadInput: as ``make_pool``.
    """
    return make_pool(
        task,
        workers=slots.workers,
        devices=slots.devices,
        threads=threads,
        processes=not slots.inline,
        training_limit=slots.training_limit,
        memory_limit=slots.memory_limit,
        link=slots.link,
    )

"""The choice between the pools."""

from __future__ import annotations

from actsearch.tasks.protocol import Task
from actsearch.workers.desk import CPU
from actsearch.workers.jobs import Pool


def make_pool(
    task: Task,
    *,
    workers: int,
    devices: tuple[str, ...] = (CPU,),
    threads: int = 1,
    processes: bool | None = None,
) -> Pool:
    """Return a pool for ``task``. Nothing is started before its stream is read.

    Args:
        task: what to train on; cheap to pickle.
        workers: how many trainings run at once, as ``resolve`` gives it.
        devices: ("cpu",), or devices that each train one candidate at a time; at least as many as
            there are workers.
        threads: how many torch uses for each training. Scores do not depend on the number of
            workers as long as this is the same.
        processes: train in processes of their own. None: only if there are several workers.

    Raises:
        BadInput: the task can't be sent to processes.
        ValueError: workers, devices and threads do not go together.
    """
    if workers < 1 or threads < 1:
        raise ValueError(f"at least one worker and one thread, not {workers} and {threads}")
    if len(set(devices)) < len(devices) or (CPU in devices) != (devices == (CPU,)):
        raise ValueError(f"either ('cpu',) or different other devices, not {devices}")
    if devices != (CPU,) and len(devices) < workers:
        raise ValueError(f"{workers} workers and only {len(devices)} devices")
    if processes is None:
        processes = workers > 1
    if not processes:
        if workers > 1:
            raise ValueError(f"{workers} workers need processes")
        from actsearch.workers.inprocess import InProcessPool

        return InProcessPool(task, device=devices[0], threads=threads)
    from actsearch.workers.processes import ProcessPool

    return ProcessPool(task, workers=workers, devices=devices[:workers], threads=threads)

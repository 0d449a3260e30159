"""``--workers`` and ``--devices`` to the processes and devices that train."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from actsearch.errors import BadInput, shorten, unknown
from actsearch.workers.limits import parse_training_limit
from actsearch.workers.memory import parse_memory_limit

if TYPE_CHECKING:
    from actsearch.workers.cluster.link import Link

AUTO = "auto"
CPU = "cpu"
INLINE = "inline"

MAX_WORKERS = 1024


@dataclass(frozen=True)
class Slots:
    """How many trainings run at once, where, and within which bounds.

    ``inline``: in the program's own process, where nothing is limited. ``link``: on this cluster,
    where ``workers`` is the most at once, and of ``devices`` the kind counts.
    """

    workers: int
    devices: tuple[str, ...]
    inline: bool = False
    training_limit: str | float = AUTO
    memory_limit: str | int = AUTO
    link: Link | None = None

    @property
    def is_here(self) -> bool:
        """Whether trainings run on this machine, and find what is compiled on it."""
        return self.link is None or self.link.cluster.n_local is not None

    def facts(self) -> dict[str, Any]:
        """Return what a run keeps of it."""
        of_all = {"workers": self.workers, "devices": list(self.devices)}
        return of_all if self.link is None else of_all | {"cluster": self.link.facts()}


def cuda_devices() -> list[str]:
    """Return the CUDA devices that torch sees, as in ["cuda:0"]."""
    import torch

    return [f"cuda:{k}" for k in range(torch.cuda.device_count())]


def n_cpus() -> int:
    """Return how many processors this process may use: affinity and container limits count."""
    import joblib

    return int(joblib.cpu_count())


def resolve(
    workers: str | int = AUTO,
    devices: str | Sequence[str] = AUTO,
    *,
    training_limit: str | float = AUTO,
    memory_limit: str | int = AUTO,
    given_object: bool = False,
    cuda: Callable[[], Sequence[str]] = cuda_devices,
    cpus: Callable[[], int] = n_cpus,
) -> Slots:
    """Turn what was asked for into what there is.

    Args:
        workers: "auto", a number, or "inline". "auto" is one per CUDA device, or one per
            processor; "inline" trains one at a time in this process.
        devices: "auto" (all CUDA devices, or the processor where there are none), "cpu", "cuda"
            (all of them), or names as in "cuda:0,cuda:1".
        training_limit: how long one may take: seconds, a time as text, "auto" or "none".
        memory_limit: how much memory one may take: "4GB", "auto" or "none".
        given_object: the task is an object of the caller's, who may want to look at it after: a
            single worker is then this process.
        cuda: returns the names of the CUDA devices; called only if they matter.
        cpus: returns the number of processors; called only if it matters.

    Raises:
        BadInput: no such device, a mixture of kinds, a number of workers that can't be, or no such
            limit.
    """
    parse_training_limit(training_limit)
    parse_memory_limit(memory_limit, 1)
    inline = str(workers).strip().lower() == INLINE
    n_workers, names = _resolved(1 if inline else workers, devices, cuda, cpus)
    inline |= given_object and n_workers == 1
    return Slots(n_workers, names, inline, training_limit, memory_limit)


def _resolved(
    workers: str | int,
    devices: str | Sequence[str],
    cuda: Callable[[], Sequence[str]],
    cpus: Callable[[], int],
) -> tuple[int, tuple[str, ...]]:
    wanted = number_of(workers)
    names = _devices(devices, cuda)
    if names == (CPU,):
        return (max(1, min(cpus(), MAX_WORKERS)) if wanted is None else wanted), names
    if wanted is not None and wanted > len(names):
        raise BadInput(
            f"--workers {wanted} with {len(names)} device(s), {', '.join(names)}: a device trains "
            f"one candidate at a time, so at most {len(names)}; or use --devices cpu"
        )
    n_workers = len(names) if wanted is None else wanted
    return n_workers, names[:n_workers]


def number_of(workers: str | int) -> int | None:
    """Return how many workers were asked for, None for "auto". Raises BadInput."""
    text = str(workers).strip().lower()
    if text == AUTO:
        return None
    # isdecimal and not int(): that takes "1_0" and " ١ ".
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0
    if not 1 <= number <= MAX_WORKERS:
        raise BadInput(
            f"--workers is '{shorten(str(workers), 40)}'; it is auto, inline, or a number from "
            f"1 to {MAX_WORKERS}"
        )
    return number


def _devices(devices: str | Sequence[str], cuda: Callable[[], Sequence[str]]) -> tuple[str, ...]:
    parts = devices.split(",") if isinstance(devices, str) else devices
    asked = [part.strip().lower() for part in parts]
    if asked == [CPU]:
        return (CPU,)
    there = list(cuda())
    if asked == [AUTO]:
        return tuple(there) or (CPU,)
    if asked == ["cuda"] and there:
        return tuple(there)
    if not there and any(name.partition(":")[0] == "cuda" for name in asked):
        raise BadInput(
            f"--devices {shorten(','.join(asked), 40)}: torch sees no CUDA device here (see: "
            "actsearch doctor); --devices auto or cpu trains on the processor"
        )
    for name in asked:
        if name not in (CPU, *there):
            raise unknown("device", name, [AUTO, CPU, *there])
    if len(set(asked)) < len(asked):
        raise BadInput(f"--devices names one twice: {', '.join(asked)}")
    if CPU in asked and len(asked) > 1:
        raise BadInput(
            f"--devices mixes cpu with others: {', '.join(asked)}; scores would depend on where a "
            "candidate happened to train, so name one kind"
        )
    if not asked:
        raise BadInput(f"--devices is empty; there is {', '.join([AUTO, CPU, *there])}")
    return tuple(asked)

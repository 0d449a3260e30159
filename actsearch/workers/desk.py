"""What is out: which job is where, on which device, and what has to go out again.

The driver keeps it, since no one else sees all workers. Devices are leased for the time of one
training; an index taken from a task's number would go wrong as soon as tasks end out of order. The
processor is no single thing to lease: on "cpu" as many run as there are workers.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from actsearch.workers.jobs import WAIT, Job, NextJob, Wait

CPU = "cpu"


@dataclass(frozen=True)
class Ticket:
    """A job that is out, with the device that it holds."""

    number: int
    job: Job
    device: str


class Desk:
    """Hands out tickets and takes them back.

    ``pull`` is called by one thread at a time (joblib's lock sees to that) while another may call
    ``settle``.
    """

    def __init__(self, next_job: NextJob, devices: tuple[str, ...]) -> None:
        self._next_job = next_job
        self._devices = devices
        self._free = deque(devices)
        self._out: dict[int, Ticket] = {}
        self._returned: deque[Job] = deque()
        self._numbers = 0
        self._exhausted = False
        self._lock = threading.Lock()

    def has_more(self) -> bool:
        """Say whether there may be jobs that are not out yet."""
        return bool(self._returned) or not self._exhausted

    def has_device(self) -> bool:
        """Say whether a device is free."""
        return bool(self._free)

    def pull(self) -> Ticket | Wait | None:
        """Return a ticket for the next job; WAIT without a job or a device, None at the end."""
        if not self.has_more():
            return None
        if not self.has_device():
            return WAIT
        # Only pull() takes devices, so the one that is free now is still free below.
        job = self._returned.popleft() if self._returned else self._next_job()
        if job is None:
            self._exhausted = True
            return None
        if isinstance(job, Wait):
            return WAIT
        with self._lock:
            device = self._free[0] if self._devices == (CPU,) else self._free.popleft()
            ticket = Ticket(self._numbers, job, device)
            self._numbers += 1
            self._out[ticket.number] = ticket
        return ticket

    def settle(self, number: int) -> Ticket:
        """Take back the ticket of a job that is done, and its device."""
        with self._lock:
            ticket = self._out.pop(number)
            if self._devices != (CPU,):
                self._free.append(ticket.device)
        return ticket

    def put_back(self, number: int) -> None:
        """Take back a job that is not done, to be pulled again before anything else."""
        self._returned.append(self.settle(number).job)

    def recall(self) -> list[Job]:
        """Take back all that is out, to be pulled again before anything else, in the same order.

        Returns:
            The jobs.
        """
        tickets = sorted(self._out.values(), key=lambda ticket: ticket.number)
        for ticket in tickets:
            self.settle(ticket.number)
        self._returned.extendleft(ticket.job for ticket in reversed(tickets))
        return [ticket.job for ticket in tickets]

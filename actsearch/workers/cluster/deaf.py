"""Read by each worker of a cluster here as it starts: Ctrl-C is for the driver alone.

A terminal sends it to the whole process group, and a worker that heard it would print a traceback.
"""

from __future__ import annotations

import signal


def dask_setup(_worker: object) -> None:
    """Ignore Ctrl-C; called by Dask in the process's main thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

"""The thread pool of torch, for kernels to share: a second one would fight it for the cores.

Torch runs its own loops on OpenMP. The entry points of the very library that torch has loaded are
looked up among its dependencies and handed to each kernel library, which so needs no OpenMP itself.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from pathlib import Path

import torch


@functools.cache
def entry_points() -> tuple[int, int, int] | None:
    """Return the addresses of GOMP_parallel, omp_get_thread_num and omp_get_num_threads.

    None where torch has no such library (macOS): kernels then run on one thread.
    """
    name = {"linux": "libtorch_cpu.so", "darwin": "libtorch_cpu.dylib"}.get(sys.platform)
    if name is None:
        return None
    try:
        library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / name))
        start, thread, threads = (
            ctypes.cast(getattr(library, function), ctypes.c_void_p).value
            for function in ("GOMP_parallel", "omp_get_thread_num", "omp_get_num_threads")
        )
    except (OSError, AttributeError):
        return None
    return (start, thread, threads) if start and thread and threads else None

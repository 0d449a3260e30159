"""What a training may have changed in its process, set back before the next one.

The same training gives the same record whatever came before it in that process. What can't be seen
from here (a class that was patched, say) is the task's own business.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from actsearch.tasks.protocol import Training

#: A number that only arithmetic without denormals takes for zero.
_DENORMAL = 5e-324


class Tidy:
    """Remembers how this process is now; ``restore`` makes it so again.

    Args:
        threads: how many torch may use, whatever a training set.
        output: a descriptor where what is printed goes, which no training knows of.
    """

    def __init__(self, threads: int, output: int) -> None:
        self._threads = threads
        self._output = output
        self._folder = _folder()
        self._umask = os.umask(0o077)
        os.umask(self._umask)
        self._environment = dict(os.environ)
        self._handlers = {number: signal.getsignal(number) for number in _catchable()}
        self._recursion = sys.getrecursionlimit()
        self._streams = sys.stdout, sys.stderr
        self._torch = _torch_switches()
        self._numpy = _numpy_errors()

    def restore(self, training: Training) -> None:
        """Set everything back, and the generators of random numbers to where ``training`` says."""
        for step in (
            self._restore_output,
            self._restore_system,
            self._restore_python,
            self._restore_numpy,
            self._restore_torch,
            lambda: _seed(training),
        ):
            # What can't be set back must not keep the rest from it.
            with contextlib.suppress(Exception):
                step()

    def _restore_output(self) -> None:
        for number in (1, 2):
            os.dup2(self._output, number)
        sys.stdout, sys.stderr = self._streams
        if sys.stdout.closed or sys.stderr.closed:
            self._streams = tuple(  # type: ignore[assignment]
                open(number, "w", errors="replace", buffering=1, closefd=False)  # noqa: SIM115
                for number in (1, 2)
            )
            sys.stdout, sys.stderr = self._streams
        faulthandler.enable(file=self._output)

    def _restore_system(self) -> None:
        os.umask(self._umask)
        if os.environ != self._environment:
            os.environ.clear()
            os.environ.update(self._environment)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._handlers.items():
            if signal.getsignal(number) != handler:
                signal.signal(number, handler)
        if self._folder is not None and _folder() != self._folder:
            os.chdir(self._folder)

    def _restore_python(self) -> None:
        sys.setrecursionlimit(self._recursion)
        sys.settrace(None)
        sys.setprofile(None)
        gc.enable()

    def _restore_numpy(self) -> None:
        if self._numpy is None:
            self._numpy = _numpy_errors()
        elif self._numpy != _numpy_errors():
            sys.modules["numpy"].seterr(**self._numpy)

    def _restore_torch(self) -> None:
        torch = sys.modules.get("torch")
        if torch is None:
            return
        # A task that imports torch only when it trains had the number from OMP_NUM_THREADS.
        if torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)
        if _DENORMAL * 1.0 == 0.0:
            torch.set_flush_denormal(False)
        wanted = self._torch or {"dtype": torch.float32, **_TORCH_AT_FIRST}
        now = _torch_switches()
        for name, (_, set_) in _TORCH.items():
            if now[name] != wanted[name]:
                set_(torch, wanted[name])


#: Switches of torch that change what a training computes: how they are read, and set.
_TORCH: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {
    "dtype": (lambda t: t.get_default_dtype(), lambda t, v: t.set_default_dtype(v)),
    "gradients": (lambda t: t.is_grad_enabled(), lambda t, v: t.set_grad_enabled(v)),
    "deterministic": (
        lambda t: t.are_deterministic_algorithms_enabled(),
        lambda t, v: t.use_deterministic_algorithms(v),
    ),
    "precision": (
        lambda t: t.get_float32_matmul_precision(),
        lambda t, v: t.set_float32_matmul_precision(v),
    ),
    "device": (
        lambda t: str(t.get_default_device()),
        lambda t, v: t.set_default_device(None if v == "cpu" else v),
    ),
}

#: What they are where torch was imported only after the first look, besides single precision.
_TORCH_AT_FIRST = {
    "gradients": True,
    "deterministic": False,
    "precision": "highest",
    "device": "cpu",
}


def _torch_switches() -> dict[str, Any]:
    torch = sys.modules.get("torch")
    return {} if torch is None else {name: get(torch) for name, (get, _) in _TORCH.items()}


def _numpy_errors() -> dict[str, Any] | None:
    numpy = sys.modules.get("numpy")
    return None if numpy is None else dict(numpy.geterr())


def _seed(training: Training) -> None:
    """Let a task that takes random numbers without a seed of its own get the same ones again."""
    random.seed(training.seed)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(training.seed % 2**32)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(training.seed % 2**63)


def _folder() -> str | None:
    try:
        return str(Path.cwd())
    except OSError:  # it was deleted
        return None


def _catchable() -> set[signal.Signals]:
    # Those that end a process of a fault are faulthandler's; two can't be caught.
    others = {"SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGKILL", "SIGSTOP"}
    return {one for one in signal.Signals if one.name not in others}

"""Trainings that do what they must not, one for each name, among innocent ones that would notice.

A formula is the name of an act, perhaps with an argument behind a space; "innocent" is trained. An
innocent training fails where another has left something behind in its process.
"""

from __future__ import annotations

import contextlib
import ctypes
import decimal
import gc
import os
import random
import signal
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from actsearch.tasks.protocol import Rung, Training
from tests.faults import answers  # noqa: F401 - its acts are in the table, too
from tests.faults.acts import ACTS, FOR_EVER_S, MB, act, record


class HostileTask:
    """Implements ``Task``; every training is an act of the table below."""

    name = "hostile"
    score_name = "innocence"
    rungs = (Rung("full", 1, (0,)),)

    def __init__(self) -> None:
        self.folder = str(Path.cwd())
        self.leak: list[bytes] = []

    def prepare(self) -> None:
        pass

    def settings(self) -> dict[str, Any]:
        return {}

    def train(
        self, trainings: Sequence[Training], *, device: str = "cpu", deadline: float | None = None
    ) -> Any:
        (training,) = trainings
        act, _, argument = training.formula.partition(" ")
        if act == "innocent":
            self.look_round(training)
            return [record(training)]
        if act == "leaks":
            self.leak.append(os.urandom(int(argument) * MB))
            return [record(training)]
        answer = ACTS[act].do(training, argument)
        return [record(training)] if answer is None else answer

    def look_round(self, training: Training) -> None:
        """Raise where the process is not as it was."""
        print("innocent", training.seed, flush=True)
        print("innocent", training.seed, file=sys.stderr, flush=True)
        warnings.warn("an innocent remark", UserWarning, stacklevel=1)
        expected = random.Random(training.seed).random()
        found = {
            "the folder": str(Path.cwd()) == self.folder,
            "the environment": "HOSTILE" not in os.environ and "PATH" in os.environ,
            "a handler": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
            "a timer": signal.getitimer(signal.ITIMER_REAL)[0] == 0,
            "the limit of recursion": sys.getrecursionlimit() == 1000,
            "the collector": gc.isenabled(),
            "random numbers": random.random() == expected,
            "a tracer": sys.gettrace() is None,
        }
        if torch := sys.modules.get("torch"):
            found |= {
                "the type": torch.get_default_dtype() == torch.float32,
                "threads": torch.get_num_threads() == 1,
                "gradients": torch.is_grad_enabled(),
                "denormals": 5e-324 * 1.0 != 0.0,
                "the device": str(torch.get_default_device()) == "cpu",
                "determinism": not torch.are_deterministic_algorithms_enabled(),
            }
        noticed = [what for what, is_fine in found.items() if not is_fine]
        if noticed:
            raise AssertionError(f"noticed: {', '.join(noticed)}")


class Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError

    __repr__ = __str__


@act("failed", "RuntimeError: as told")
def raises(training: Training, argument: str) -> None:
    raise RuntimeError("as told")


@act("failed", "SystemExit: 3")
def exits(training: Training, argument: str) -> None:
    sys.exit(3)


@act("failed", "Unprintable: (no message)")
def raises_unprintable(training: Training, argument: str) -> None:
    raise Unprintable


@act("failed", "RecursionError")
def recurses(training: Training, argument: str) -> None:
    recurses(training, argument)


@act("failed", "MemoryError")
def raises_memory_error(training: Training, argument: str) -> None:
    raise MemoryError


@act("failed", "TimeoutError: as told")
def raises_timeout(training: Training, argument: str) -> None:
    raise TimeoutError("as told")


@act("failed", "ConnectionResetError: [Errno 104]")
def raises_reset(training: Training, argument: str) -> None:
    raise ConnectionResetError(104, "Connection reset by peer")


class Numberless(OSError):
    @property
    def errno(self) -> int:  # type: ignore[override]
        raise ValueError


@act("failed", "Numberless")
def raises_an_error_without_number(training: Training, argument: str) -> None:
    raise Numberless("as told")


@act("crashed", "KeyboardInterrupt")
def interrupts(training: Training, argument: str) -> None:
    raise KeyboardInterrupt


@act("crashed", "exit code 7")
def exits_at_once(training: Training, argument: str) -> None:
    os._exit(7)


@act("crashed", "exit code 0")
def exits_with_success(training: Training, argument: str) -> None:
    os._exit(0)


@act("crashed", "SIGSEGV: Fatal Python error: Segmentation fault")
def segfaults(training: Training, argument: str) -> None:
    ctypes.string_at(0)


@act("crashed", "SIGABRT: Fatal Python error: Aborted")
def aborts(training: Training, argument: str) -> None:
    os.abort()


@act("crashed", "SIGKILL")
def kills_itself(training: Training, argument: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@act("crashed", "SIGKILL")
def kills_its_parent(training: Training, argument: str) -> None:
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(FOR_EVER_S)


@act("crashed", "SIGKILL")
def kills_its_group(training: Training, argument: str) -> None:
    os.killpg(0, signal.SIGKILL)
    time.sleep(FOR_EVER_S)


@act("crashed", "it closed its connection")
def closes_everything(training: Training, argument: str) -> None:
    os.closerange(0, 256)
    time.sleep(FOR_EVER_S)


@act("crashed", "it sent something else than a message")
def writes_rubbish_to_everything(training: Training, argument: str) -> None:
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            os.set_blocking(number, False)
            os.write(number, b"rubbish " * 64)
    time.sleep(FOR_EVER_S)


@act("crashed", "exit code 9")
def dies_in_the_middle_of_a_message(training: Training, argument: str) -> None:
    from actsearch.workers.channel import encode

    half = encode({"kind": "record", "number": 1, "record": {}})[:-3]
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            os.set_blocking(number, False)
            os.write(number, half)
    os._exit(9)


@act("crashed", "it answered another training")
def answers_for_another(training: Training, argument: str) -> None:
    from actsearch.workers.channel import encode

    for number in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(number, encode({"kind": "record", "number": 10**6, "record": {}}))
    time.sleep(FOR_EVER_S)


@act("crashed", "of memory, and the limit is")
def eats_memory(training: Training, argument: str) -> None:
    eaten = []
    while True:
        eaten.append(b"x" * (16 * MB))


@act("crashed", "of memory, and the limit is")
def has_another_eat_memory(training: Training, argument: str) -> None:
    eaten = b"" if os.fork() else b"x" * (450 * MB)
    time.sleep(FOR_EVER_S + len(eaten))


@act("timeout", "it took longer than")
def hangs(training: Training, argument: str) -> None:
    while True:
        time.sleep(0.001)


@act("timeout", "it took longer than")
def hangs_in_c(training: Training, argument: str) -> None:
    ctypes.PyDLL(None).sleep(int(FOR_EVER_S))  # it keeps the lock of the interpreter


@act("timeout", "it took longer than")
def hangs_deaf_to_signals(training: Training, argument: str) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
    time.sleep(FOR_EVER_S)


@act("timeout", "it took longer than")
def stops_itself(training: Training, argument: str) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


@act("ok")
def prints_to_stdout(training: Training, argument: str) -> None:
    for _ in range(50):
        sys.stdout.write("spam and eggs   " * (MB // 16))


@act("ok")
def prints_to_stderr(training: Training, argument: str) -> None:
    for _ in range(50):
        sys.stderr.write("spam and eggs  \n" * (MB // 16))


@act("ok")
def prints_from_c(training: Training, argument: str) -> None:
    for number in (1, 2):
        for _ in range(25):
            os.write(number, b"\x1b[31m\x00\xff spam\n" * (MB // 16))


@act("ok")
def closes_its_output(training: Training, argument: str) -> None:
    sys.stdout.close()
    os.close(2)


@act("ok")
def forks(training: Training, argument: str) -> None:
    if not os.fork():
        time.sleep(FOR_EVER_S)
        os._exit(0)


@act("ok")
def forks_a_daemon(training: Training, argument: str) -> None:
    if not os.fork():
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if not os.fork():
            time.sleep(FOR_EVER_S)
        os._exit(0)


@act("ok")
def changes_everything(training: Training, argument: str) -> None:
    os.chdir("/")
    os.environ["HOSTILE"] = "1"
    os.environ.pop("PATH", None)
    os.umask(0o777)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    sys.setrecursionlimit(200)
    sys.settrace(lambda *_: None)
    sys.stdout = sys.stderr = None
    gc.disable()
    random.seed(1)
    warnings.simplefilter("error")
    decimal.getcontext().prec = 2


@act("ok")
def changes_torch(training: Training, argument: str) -> None:
    import torch

    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(2)
    torch.set_grad_enabled(False)
    torch.set_flush_denormal(True)
    torch.set_default_device("meta")
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(1)


def grandparent() -> int:
    """Return the process that guards this one: the keeper's parent."""
    stat = Path(f"/proc/{os.getppid()}/stat").read_text(encoding="utf-8")
    return int(stat.rpartition(")")[2].split()[1])


@act("crashed", "it took its worker with it, time and again")
def kills_its_guard(training: Training, argument: str) -> None:
    os.kill(grandparent(), signal.SIGKILL)
    time.sleep(FOR_EVER_S)


@act("ok")
def stops_its_guard_once(training: Training, argument: str) -> None:
    try:
        Path(argument).touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(grandparent(), signal.SIGSTOP)


#: What reaches for the workers themselves, and is for pools that have such.
AT_WORKERS = {"kills-its-guard", "stops-its-guard-once"}

#: Those that need torch in the process, which takes seconds to import.
WITH_TORCH = {"changes-torch"}

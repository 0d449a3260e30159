"""A guard's end of one process that trains: started, spoken with, watched and ended from here.

All that goes in or out passes one loop that never blocks: the process may fill the pipe that it
prints into while a message to it is half sent, or die in the middle of one from it.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actsearch.errors import shorten
from actsearch.tasks.protocol import Training
from actsearch.workers.channel import Decoder, Garbled, encode
from actsearch.workers.child import HERE, SETUP, TRAIN

#: How often to look at the process's size, and at the clock.
LOOK_EVERY_S = 0.05
#: What it printed last, as much as a cause of death may need.
_TAIL_BYTES = 2**14
_PIECE_BYTES = 2**16
#: How long a keeper may take to end its trainer: all of it is signals.
_END_WITHIN_S = 5.0

# "-P": a file json.py in the folder must not be taken for Python's.
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from actsearch.workers.child import main; main()"
)

#: Libraries count threads before torch is there to be asked.
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


#: So much of what it printed is told.
_WORDS = 240
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|.)")


class Lost(Exception):
    """The process is gone, or won't be listened to any more; the text says why."""


@dataclass(frozen=True)
class Setup:
    """What a process that trains is told once.

    Attributes:
        payload: the task, packed.
        threads: how many torch may use.
        memory_bytes: how much memory it may take, or None.
        renew_after: after so many trainings another takes its place.
        grace_s: how long after the session's deadline a training may take to notice it.
    """

    payload: bytes
    threads: int = 1
    memory_bytes: int | None = None
    renew_after: int = 300
    grace_s: float = 60.0


class Charge:
    """One process that trains, from its start to its end.

    Raises:
        OSError: it can't be started.
    """

    def __init__(self, setup: Setup) -> None:
        mine, its = socket.socketpair()
        with its:
            try:
                self._selector = selectors.DefaultSelector()
                self._process = subprocess.Popen(
                    [
                        sys.executable,
                        *_flags(),
                        "-Pc",
                        _START,
                        json.dumps(sys.path),
                        str(its.fileno()),
                    ],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    pass_fds=[its.fileno()],
                    env=_environment(setup.threads),
                    start_new_session=True,
                )
            except BaseException:
                mine.close()
                raise
        self.keeper = self._process.pid
        self.pid: int | None = None  # the trainer's, once it has said so
        self.n_trained = 0
        self._has_ended = False
        self._channel = mine
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._lifeline, self._output = self._process.stdin, self._process.stdout
        self._decoder = Decoder()
        self._outbox = bytearray()
        self._inbox: list[dict[str, Any]] = []
        self._garbled: Garbled | None = None
        self._tail = bytearray()
        mine.setblocking(False)
        os.set_blocking(self._output.fileno(), False)
        self._selector.register(mine, selectors.EVENT_READ | selectors.EVENT_WRITE)
        self._selector.register(self._output, selectors.EVENT_READ)
        payload = base64.b64encode(setup.payload).decode("ascii")
        self._send({"kind": SETUP, "payload": payload, "threads": setup.threads})

    def ask(self, training: Training, number: int, device: str, deadline: float | None) -> None:
        """Send a training off; it is written as ``receive`` is called."""
        self._send(
            {
                "kind": TRAIN,
                "number": number,
                "formula": training.formula,
                "rung": training.rung,
                "seed": training.seed,
                "pace": training.pace,
                "device": device,
                "deadline": deadline,
            }
        )

    def receive(self, look: Callable[[], None]) -> dict[str, Any]:
        """Return the next message of the process.

        Args:
            look: called every ``LOOK_EVERY_S`` meanwhile; may raise.

        Raises:
            Lost: the process died, or sent what is no message.
        """
        look_at = time.monotonic()
        while not self._inbox:
            if self._garbled is not None:
                self.end()
                raise Lost(f"it sent {self._garbled}{self._last_words()}")
            now = time.monotonic()
            if now >= look_at:
                look()
                look_at = now + LOOK_EVERY_S
                if self._process.poll() is not None:
                    # Its last message may still be in the channel.
                    while not self._inbox and self._read():
                        pass
                    if not self._inbox:
                        raise self._death()
                    break
            self._step(max(0.0, look_at - now))
        message = self._inbox.pop(0)
        if message.get("kind") == HERE and self.pid is None and type(message.get("pid")) is int:
            self.pid = message["pid"]
            return self.receive(look)
        return message

    def _send(self, message: dict[str, Any]) -> None:
        self._outbox += encode(message)
        self._selector.modify(self._channel, selectors.EVENT_READ | selectors.EVENT_WRITE)

    def _step(self, timeout_s: float) -> None:
        """Move what can be moved, after at most ``timeout_s``."""
        for key, events in self._selector.select(timeout_s):
            if key.fileobj is not self._channel:
                self._take_output()
                continue
            if events & selectors.EVENT_WRITE:
                self._write()
            if events & selectors.EVENT_READ and self._read() is False:
                raise self._death()

    def _write(self) -> None:
        try:
            del self._outbox[: self._channel.send(self._outbox[:_PIECE_BYTES])]
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # nobody will read it: that is heard when the channel is read
            self._outbox.clear()
        if not self._outbox:
            self._selector.modify(self._channel, selectors.EVENT_READ)

    def _read(self) -> bool | None:
        """Take in what has come; None where nothing has, False at the end of the channel."""
        try:
            piece = self._channel.recv(_PIECE_BYTES)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:  # it died with messages that it had not read
            return False
        try:
            self._inbox.extend(self._decoder.feed(piece))
        except Garbled as error:  # what came before it was whole, and is to be read first
            self._garbled = error
        return bool(piece)

    def _take_output(self) -> bool:
        try:
            piece = os.read(self._output.fileno(), _PIECE_BYTES)
        except BlockingIOError:
            return False
        if not piece and self._output in self._selector.get_map():
            self._selector.unregister(self._output)
        self._tail += piece
        del self._tail[:-_TAIL_BYTES]
        return bool(piece)

    def _death(self) -> Lost:
        """Return how the process ended, and end it where it only won't be spoken with."""
        try:
            how = _in_words(self._process.wait(_END_WITHIN_S / 5))
        except subprocess.TimeoutExpired:
            how = "it closed its connection"
        self.end()
        return Lost(f"{how}{self._last_words()}")

    def end(self) -> None:
        """End the process and all that it started; there is no harm in doing so twice."""
        if self._has_ended:
            return
        self._has_ended = True
        process = self._process
        if self.pid is not None and (process.poll() is None or self._has_group()):
            # Whatever became of its keeper, those who stayed in its group go with it.
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            self._lifeline.close()
        try:
            process.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired:  # it was stopped, say
            process.kill()
            process.wait()
        with contextlib.suppress(OSError, ValueError):
            while self._take_output():
                pass
        self._selector.close()
        self._channel.close()
        self._output.close()

    def _has_group(self) -> bool:
        """Tell whether anybody is left in the trainer's group, now that its keeper is gone.

        A number that is free again may be another's by now, but not in the session of the keeper.
        """
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError, ValueError):
                _, _, group, session = (
                    stat.read_text(errors="replace").rpartition(")")[2].split()[:4]
                )
                if (int(group), int(session)) == (self.pid, self.keeper):
                    return True
        return False

    def _last_words(self) -> str:
        """Return the end of what it printed as a sentence that follows; empty where it is silent.

        A dump of where a process crashed begins with the reason, and ends with lists of modules.
        """
        lines = [_printable(line) for line in self._tail.decode("utf-8", "replace").splitlines()]
        lines = [line for line in lines if line]
        fatal = [k for k, line in enumerate(lines) if line.startswith("Fatal Python error")]
        if fatal:
            frames = (line for line in lines[fatal[-1] :] if line.startswith("File "))
            lines = [lines[fatal[-1]], *itertools.islice(frames, 1)]
        words = shorten("; ".join(lines[-3:]), _WORDS)
        return f": {words}" if words else ""


def _in_words(code: int) -> str:
    if code >= 0:
        return f"it ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"it was ended by {name}"


def _printable(line: str) -> str:
    return "".join(letter for letter in _ESCAPES.sub("", line) if letter.isprintable()).strip()


def _flags() -> list[str]:
    """Return the options of this interpreter that the other needs as well."""
    return [f"-W{option}" for option in sys.warnoptions]


def _environment(threads: int) -> dict[str, str]:
    """Return the environment of a process that uses ``threads`` threads and dumps no core."""
    own = {name: str(threads) for name in _THREADS}
    # A crash is told by the trainer's own handler, into a pipe; the keeper has none.
    return {**os.environ, **own, "PYTHONFAULTHANDLER": ""}

"""The process that trains: one training at a time, for one guard, behind a keeper.

It gets the task once, packed, and opens it before its first training. Whatever a training does to
this process is seen from outside (its death, its size, the time it takes) or set back (``tidy``).
The first thing it does is to let the keeper fork it, so nothing heavy is imported up here.
"""

from __future__ import annotations

import base64
import gc
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

from actsearch.workers.keeper import keep

if TYPE_CHECKING:
    from actsearch.tasks.protocol import Record, Task, Training

#: Kinds of messages: from the guard what to be and what to do, from here what came of it.
SETUP, TRAIN = "setup", "train"
HERE, READY, RECORD, UNAVAILABLE, FAULT = "here", "ready", "record", "unavailable", "fault"

_PIECE_BYTES = 2**16


def main() -> None:
    """Run as a process of its own; the last argument is the number of the channel's descriptor."""
    channel = socket.socket(fileno=int(sys.argv[-1]))
    keep(channel.fileno())
    # Nothing is read from the terminal, and the guard's pipe is the keeper's to listen to.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    # Ctrl-C is the driver's to act on.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # No name that a shell gave, nor its place among ours, must look like a descriptor of ours.
    _Trainer(channel).serve()


class _Trainer:
    """What is known to this process, and the loop that answers the guard."""

    def __init__(self, channel: socket.socket) -> None:
        from actsearch.workers.channel import Decoder

        self._channel = channel
        self._decoder = Decoder()
        self._output = os.dup(2)

    def serve(self) -> None:
        """Answer until the guard closes the channel."""
        self._say(kind=HERE, pid=os.getpid())
        messages = self._messages()
        setup = next(messages, None)
        if setup is None:
            return
        try:
            task = self._open(setup)
        except BaseException as error:  # noqa: BLE001 - whatever a user's module does when imported
            from actsearch.workers.training import text_of

            self._say(kind=UNAVAILABLE, reason=f"{type(error).__name__}: {text_of(error)[:2000]}")
            return
        self._say(kind=READY)
        self._train_all(task, messages, setup["threads"])

    def _open(self, setup: dict[str, Any]) -> Task:
        import warnings

        from actsearch.tasks.protocol import CompilesAhead
        from actsearch.workers.shipping import unpack

        task = unpack(base64.b64decode(setup["payload"]))
        if isinstance(task, CompilesAhead):
            # What the driver has said of compilers need not come from every process as well.
            warnings.filterwarnings("ignore", module=r"actsearch\.kernels")
        return task

    def _train_all(self, task: Task, messages: Any, threads: int) -> None:
        import warnings

        from actsearch.tasks.protocol import Training
        from actsearch.workers.tidy import Tidy

        tidy, frozen = Tidy(threads, self._output), False
        for asked in messages:
            pace = tuple((step, least) for step, least in asked["pace"])
            training = Training(asked["formula"], asked["rung"], asked["seed"], pace)
            tidy.restore(training)
            with warnings.catch_warnings():
                answer = _answer(task, training, asked["device"], asked["deadline"])
            self._send(answer, asked["number"], training)
            if not frozen:
                # What the first training imported stays: to walk all of torch and SymPy for
                # garbage takes 0.16 s.
                gc.collect()
                gc.freeze()
                frozen = True

    def _send(self, answer: dict[str, Any], number: int, training: Training) -> None:
        from actsearch.tasks.protocol import FAILED
        from actsearch.workers.training import without_score

        try:
            self._say(**answer, number=number)
        except (ValueError, TypeError, RecursionError, OverflowError) as error:
            record = answer["record"]
            message = f"its answer can't be sent: {error}"
            lacking = without_score(training, FAILED, message, record["device"], record["time_s"])
            self._say(kind=RECORD, record=_plain(lacking), number=number)

    def _say(self, **message: Any) -> None:
        from actsearch.workers.channel import encode

        self._channel.sendall(encode(message))

    def _messages(self) -> Any:
        while piece := self._channel.recv(_PIECE_BYTES):
            yield from self._decoder.feed(piece)


def _answer(task: Task, training: Training, device: str, deadline: float | None) -> dict[str, Any]:
    from actsearch.errors import MachineFault
    from actsearch.workers.training import train_one

    try:
        record = train_one(task, training, device, deadline)
    except MachineFault as fault:
        return {"kind": FAULT, "reason": str(fault.args[0])[:2000]}
    return {"kind": RECORD, "record": _plain(record)}


def _plain(record: Record) -> dict[str, Any]:
    # Whose it is the guard knows.
    return {
        name: getattr(record, name)
        for name in ("status", "score", "metrics", "curve", "time_s", "device", "message")
    }

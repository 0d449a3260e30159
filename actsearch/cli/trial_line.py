"""What trials show while they run: one line on standard error, rewritten on a terminal."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from actsearch.cli.progress import PLAIN_INTERVAL_S

_TERMINAL_INTERVAL_S = 0.5


class TrialLine:
    """Writes the state of the trials: now and then in a log, over the last one on a terminal.

    A failure to write is never the trials' failure.
    """

    def __init__(self, *, quiet: bool, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._over = self._stream.isatty()
        self._interval_s = _TERMINAL_INTERVAL_S if self._over else PLAIN_INTERVAL_S
        if quiet:
            self._interval_s = float("inf")
        self._last: float | None = None
        self._quiet = quiet

    def show(self, text: str) -> None:
        """Write ``text`` where the last one is old enough."""
        now = time.monotonic()
        if self._quiet or (self._last is not None and now - self._last < self._interval_s):
            return
        self._last = now
        self._write(f"\r\x1b[2K{text}" if self._over else f"{text}\n")

    def close(self) -> None:
        """Clear the line, so that the answer begins on a fresh one."""
        if self._over and self._last is not None:
            self._write("\r\x1b[2K")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._quiet = True

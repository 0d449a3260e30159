"""The entry point: ``actsearch``, and ``python -m actsearch``.

The imports behind it take a third of a second, in which somebody may well press Ctrl-C, so they
stand inside; whatever was interrupted, the exit code is settled here.
"""

from __future__ import annotations

import faulthandler
import signal
import sys
from typing import NoReturn

_INTERRUPTED = 130


def main() -> NoReturn:
    """Run the command line with the arguments of the process, and exit with its code."""
    if sys.stderr is not None:
        faulthandler.enable()  # a task whose own code ends the process should not do so unsaid
    try:
        # Within an import an interrupt may strike where Python lets nothing out, and be gone: it
        # is held meanwhile, and comes where the mask is again as it was.
        held = {signal.SIGINT} if hasattr(signal, "pthread_sigmask") else set()  # not on Windows
        before = signal.pthread_sigmask(signal.SIG_BLOCK, held) if held else set()
        try:
            from actsearch.cli.main import run
        finally:
            if held:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.stderr.write("actsearch: interrupted\n")
        code = _INTERRUPTED
    if code == _INTERRUPTED:
        # Where it struck inside of code that was text (that of a dataclass, say), Python takes it
        # for one that nobody caught, and "-m" ends by SIGINT. Other text makes it forget that.
        eval("0")  # noqa: S307
    sys.exit(code)


if __name__ == "__main__":
    main()

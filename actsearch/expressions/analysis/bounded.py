"""Work of SymPy that may never end, ended after a number of calls.

SymPy's limits have no deadline of their own. Here the interpreter counts the calls that the work
makes and raises where they are too many: in any thread, on any platform, without a signal or a
process, and however fast the machine is. The same work takes a few in a hundred calls more or less
from one process to the next, since SymPy orders some of it by hashes, which Python draws by chance.
SymPy is Python throughout, so calls are what its time goes to. A call whose own work would be
large, a power of a billion digits, is not begun, and ends the work as well (see ``heavy``).
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

import mpmath as mp

from actsearch.expressions.analysis.heavy import heavy

T = TypeVar("T")


#: Calls until work that swallowed the first exception is given another.
_GRACE = 20_000
#: Events at which work is ended: a function of Python's or C's is about to be called.
_BEGINS = ("call", "c_call")
#: Functions that the interpreter calls when an object goes.
_FINALISERS = ("__del__", "remove")  # the latter is that of dictionaries of weak references


class _TooLong(BaseException):
    """Not an ``Exception``, which SymPy catches in places."""


class Budget:
    """Calls that are left to several pieces of work together.

    Args:
        n_calls: How many calls and returns, those of C functions included.
    """

    def __init__(self, n_calls: int) -> None:
        from sympy.core.cache import clear_cache

        self._left = n_calls
        self._due = 0
        self._heavy = heavy()
        clear_cache()  # what came before would save calls

    def spend(self, work: Callable[[], T]) -> T | None:
        """Return what ``work`` does; None where it fails, or the budget ends before it.

        None too where a single step of it would be too large.

        None as well while the program is profiled: there is one such hook, and it is taken.
        """
        if self._left <= 0 or sys.getprofile() is not None:
            return None
        precision = mp.mp.prec
        self._due = 0
        sys.setprofile(self._profiled)
        try:
            return work()
        except _TooLong:
            return None
        except Exception:  # noqa: BLE001 SymPy fails in many ways, and all mean: no answer
            return None
        finally:
            sys.setprofile(None)
            if sys.gettrace() == self._traced:
                sys.settrace(None)
            mp.mp.prec = precision  # SymPy may have been stopped while it computed with more

    # A hook that raises is taken away by the interpreter, and a bare ``except``, of which mpmath
    # has some, would let the work go on for ever. So each of two hooks sets the other before it
    # raises, which does so after as many calls as putting things in order may take.

    def _is_due(self, frame: FrameType, event: str) -> bool:
        self._left -= 1
        ended = self._left <= self._due
        if not ended and event == "call" and frame.f_code in self._heavy:
            ended = self._heavy[frame.f_code](frame.f_locals)
        if not ended or event not in _BEGINS or _is_deaf(frame):
            return False
        self._due = self._left - _GRACE
        return True

    def _profiled(self, frame: FrameType, event: str, _arg: Any) -> None:
        if self._is_due(frame, event):
            if sys.gettrace() is None:  # else it is a debugger's
                sys.settrace(self._traced)
            raise _TooLong

    def _traced(self, frame: FrameType, event: str, _arg: Any) -> None:
        if self._is_due(frame, event):
            sys.setprofile(self._profiled)
            raise _TooLong


def _is_deaf(frame: FrameType) -> bool:
    """Tell whether an exception raised here may be lost, with a complaint of the interpreter's.

    So it is where an object goes: a generator that is closed before its end, a finaliser. The work
    is ended at the next call elsewhere.
    """
    code = frame.f_code
    return bool(code.co_flags & inspect.CO_GENERATOR) or code.co_name in _FINALISERS

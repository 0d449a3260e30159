"""One hostile input, and how it is tried: in an empty folder, and then refused in one message."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from actsearch.errors import ActsearchError
from actsearch.results.tables import printable

Call = Callable[[], object]

#: The longest message: a few errors of a space file, with all that is known.
MOST_CHARS = 6_000


@dataclass(frozen=True)
class Case:
    """A hostile input.

    Attributes:
        group: What kind of input it is.
        name: What is wrong with it.
        prepare: Takes an empty folder and returns what tries the input.
        environ: Variables to set.
    """

    group: str
    name: str
    prepare: Callable[[Path], Call]
    environ: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.group}: {self.name}"


def texts(group: str, read: Callable[[str], object], wrong: Iterable[str]) -> Iterator[Case]:
    """Yield a case for each text that ``read`` is to refuse."""
    for number, text in enumerate(wrong):
        shown = text.encode("unicode_escape").decode()[:40]
        yield Case(group, f"{number} {shown}", lambda _folder, text=text: lambda: read(text))  # type: ignore[misc]


def refusal(call: Call) -> ActsearchError:
    """Return the error that an input is refused with; fail where it is not, or not in our words."""
    try:
        found = call()
    except ActsearchError as error:
        said = str(error)
        assert said.strip()
        assert len(said) <= MOST_CHARS, said[:500]
        assert "Traceback" not in said
        shown = "".join(printable(line) for line in said.split("\n"))
        assert all(ch.isprintable() for ch in shown), shown
        return error
    raise AssertionError(f"it was taken: {found!r:.200}")


@contextmanager
def counted() -> Iterator[Counter]:
    """Count the calls of functions, Python's and C's, in a ``with`` block."""
    counter = Counter()
    before = sys.getprofile()
    sys.setprofile(counter)
    try:
        yield counter
    finally:
        sys.setprofile(before)


class Counter:
    """Counts calls: a measure of work that does not depend on what else the machine does."""

    def __init__(self) -> None:
        self.n = 0

    def __call__(self, _frame: FrameType, event: str, _argument: Any) -> None:
        """Count one."""
        self.n += event in ("call", "c_call")

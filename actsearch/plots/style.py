"""What all pictures share: colours, the settings they are drawn with, and how they are written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actsearch.errors import ActsearchError, BadInput

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")

#: Of Okabe and Ito, which the colour-blind can tell apart; beyond these the line style changes.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
BLUE, ORANGE, *_ = COLORS
GREY = "#999999"
LINES = ("-", "--", ":", "-.")

_SETTINGS: dict[Any, Any] = {"text.usetex": False, "svg.hashsalt": "actsearch"}
_DPI = 150


def check_format(path: Path) -> None:
    """Refuse a file that can't be drawn into.

    Raises:
        BadInput: its ending is none of ``FORMATS``, or there is no such folder.
    """
    if path.suffix.lower() not in FORMATS:
        raise BadInput(f"'{path.name}' does not end in one of {', '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise BadInput(f"there is no folder {path.parent} to draw '{path.name}' in")


@contextmanager
def drawing() -> Iterator[None]:
    """Draw and write inside with settings that give the same bytes each time."""
    import matplotlib

    with matplotlib.rc_context(_SETTINGS):
        yield


def save(figure: Figure, path: Path) -> None:
    """Write a figure; to be called inside ``drawing``.

    Raises:
        ActsearchError: The file can't be written.
    """
    date = {"Date": None} if path.suffix.lower() == ".svg" else None
    try:
        figure.savefig(path, metadata=date, dpi=_DPI)
    except OSError as error:
        raise ActsearchError(f"'{path}' can't be written: {error.strerror}") from None

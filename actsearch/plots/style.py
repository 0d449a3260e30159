"""What all pictures share: colours, the settings they are drawn with, and how they are written."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actsearch.errors import ActsearchError, BadInput
from actsearch.plots.svg import embeddable
from actsearch.results.tables import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")

#: Of Okabe and Ito, which the colour-blind can tell apart; beyond these the line style changes.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
BLUE, ORANGE, *_ = COLORS
GREY = "#999999"
LINES = ("-", "--", ":", "-.")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
#: Of what is neither data nor known: text, axes. A page may replace it (``svg_text``).
INK = "#1b1c1d"
#: Of scores, from low to high; the colour-blind see it as others do, and print keeps its order.
SCORES = "cividis"
#: Of the scores that colours are spread over, as percentiles: a few failures would take them all.
SPREAD = (5, 100)

# No text is mathematics: formulas and names come from outside.
_SETTINGS: dict[Any, Any] = {
    "text.usetex": False,
    "text.parse_math": False,
    "svg.hashsalt": "actsearch",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.1,
    "figure.constrained_layout.h_pad": 0.08,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
_DPI = 150
#: What would be another at each writing, by the file's ending.
_SAME: dict[str, dict[str, Any]] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


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


def plain_ticks(axis: Any) -> None:
    """Write the numbers at a logarithmic axis plainly: mathematics is off in ``drawing``."""
    from matplotlib.ticker import LogFormatter

    class Plain(LogFormatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"{x:g}" if super().__call__(x, pos) else ""  # not every minor tick has one

    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_formatter(Plain())


def save(figure: Figure, path: Path) -> None:
    """Write a figure; to be called inside ``drawing``.

    Raises:
        ActsearchError: The file can't be written.
    """
    try:
        figure.savefig(path, metadata=_SAME.get(path.suffix.lower()), dpi=_DPI, facecolor="white")
    except OSError as error:
        raise ActsearchError(f"'{path}' can't be written: {error.strerror}") from None


def file_bytes(figure: Figure, ending: str) -> bytes:
    """Return a figure as a file of its own, on white, the same bytes each time.

    Args:
        figure: What to write.
        ending: One of ``FORMATS``.
    """
    file = io.BytesIO()
    with drawing():
        figure.savefig(
            file, format=ending[1:], metadata=_SAME.get(ending), dpi=_DPI, facecolor="white"
        )
    return file.getvalue()


def svg_text(figure: Figure, prefix: str, label: str = "") -> str:
    """Return a figure as an SVG element to stand within a page.

    It has no background and takes the page's text colour for its ink, so light and dark pages can
    show it; it holds no style sheet and no ``style`` attribute, so the strictest content-security
    policy lets it be. Dense parts are images in ``data:`` addresses.

    Args:
        figure: What to write.
        prefix: Begins each id within, so that several can stand in one page.
        label: What the picture shows, for those who can't see it.
    """
    file = io.StringIO()
    with drawing():
        figure.savefig(file, format="svg", metadata={"Date": None}, dpi=_DPI, transparent=True)
    return embeddable(file.getvalue(), prefix, INK, printable(label))

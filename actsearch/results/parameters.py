"""What a formula's parameters became, as the rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from actsearch.results.hall import with_error
from actsearch.results.tables import Column, number

if TYPE_CHECKING:
    from actsearch.runs.learned import Learned


def _spread(deviation: float | None) -> str:
    return "" if deviation is None else f"± {number(deviation)}"


_COLUMNS = (
    Column("task", "task"),
    Column("parameter", "parameter"),
    Column("layer", "layer", right=True),
    Column("start", "start", right=True, show=number),
    Column("mean", "learned"),
    Column("channel_deviation", "over channels", show=_spread),
    Column("n", "n", right=True),
)
#: Shown where there is something to show in them alone.
_OPTIONAL = ("task", "channel_deviation")

#: What the numbers are, in a sentence below the table.
NOTE = "learned: mean ± standard deviation over n seeds"
NOTE_ON_CHANNELS = "; over channels: standard deviation, mean over the seeds"


def parameter_rows(found: Sequence[Learned]) -> tuple[list[Column], list[dict[str, Any]], str]:
    """Return the columns, rows and note of the table of learned parameters.

    Args:
        found: what was learned, in the order of the rows.
    """
    rows = [
        {
            "task": one.task,
            "parameter": one.parameter,
            "layer": one.layer,
            "start": one.start,
            "mean": with_error(one.mean, one.deviation),
            "channel_deviation": one.channel_deviation,
            "n": one.n,
        }
        for one in found
    ]
    empty = {key for key in _OPTIONAL if not any(row[key] not in ("", None) for row in rows)}
    columns = [column for column in _COLUMNS if column.key not in empty]
    return columns, rows, NOTE + ("" if "channel_deviation" in empty else NOTE_ON_CHANNELS)

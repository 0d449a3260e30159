"""By how much the leading finalist beats each known activation with fresh seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from actsearch.plots.cast import label
from actsearch.plots.style import BLUE, GREY, INK, ORANGE
from actsearch.results.looks import BETTER, NO_TRAINING, UNDECIDED, WORSE
from actsearch.results.units import Unit, are_shares, unit_of
from actsearch.results.verdict import KNOWN, Row
from actsearch.trials.account import Account

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LACKS = "no confirmation has had a first look at its trainings yet (actsearch confirm)"
#: Of the span of the differences, that intervals may reach out of it.
_BEYOND = 0.35
#: What was decided -> colour, marker, in words.
_DECIDED = {
    BETTER: (BLUE, "o", "the leader is better"),
    UNDECIDED: (GREY, "D", "undecided"),
    WORSE: (ORANGE, "s", "the leader is worse"),
}


def draw(account: Account) -> Figure | None:
    """Draw the differences to the known activations with their 95 % intervals."""
    from matplotlib.figure import Figure

    if account.trials is None:
        return None
    verdict = account.trials.verdict
    rows = [row for row in verdict.rows if row.kind == KNOWN and row.difference is not None]
    if not rows:
        return None
    rows.sort(key=lambda row: row.difference or 0.0)
    lost = [label(row.name) for row in verdict.rows if row.decided == NO_TRAINING]
    unit = unit_of(verdict.score_name)
    if not are_shares(score for of in account.trials.scores.values() for score in of.values()):
        unit = Unit()  # no shares of 1, as a user's accuracy in percent
    figure = Figure(figsize=(6.6, 1.5 + 0.2 * len(rows)))
    axes = figure.subplots()
    for decided, (color, marker, what) in _DECIDED.items():
        for place, row in enumerate(rows):
            if row.decided != decided:
                continue
            low, high = (row.difference if end is None else end for end in (row.low, row.high))
            axes.plot(
                [unit.scale * (low or 0.0), unit.scale * (high or 0.0)], [place] * 2, color=color
            )
            axes.plot(
                unit.scale * (row.difference or 0.0), place, marker, color=color, markersize=5,
                label=what, linestyle="none",
            )  # fmt: skip
    axes.axvline(0, color=INK, linewidth=1)
    axes.set_yticks(range(len(rows)), [f"{label(row.name, 30)} ({row.n_pairs})" for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(*_limits(rows, unit.scale))
    axes.tick_params(axis="y", length=0, labelsize=8)
    axes.grid(axis="x", color=GREY, alpha=0.2)
    lead = label(verdict.judgement.leader or "", 60)
    word = unit.word.strip()
    axes.set_xlabel(
        f"{label(verdict.score_name, 60)}: {lead} less the known one"
        + (f", in {word}" if word else "")
        + ("" if verdict.judgement.n_looks else "\nnothing is decided before the first look")
        + (f"\nnot shown, as they do not train: {label(', '.join(lost), 90)}" if lost else "")
    )
    lines, names = axes.get_legend_handles_labels()
    by_name = dict(zip(names, lines, strict=True))
    axes.legend(
        by_name.values(), by_name.keys(), loc="lower center", ncols=3, bbox_to_anchor=(0.5, 1.0)
    )
    return figure


def _limits(rows: Sequence[Row], scale: int) -> tuple[float, float]:
    """Return what the picture spans: intervals of two or three seeds may be far wider."""
    differences = [0.0, *(row.difference for row in rows if row.difference is not None)]
    beyond = _BEYOND * (max(differences) - min(differences))
    low = max(
        min(differences) - beyond, min([0.0, *(row.low for row in rows if row.low is not None)])
    )
    high = min(
        max(differences) + beyond, max([0.0, *(row.high for row in rows if row.high is not None)])
    )
    margin = 0.04 * (high - low) or 0.01
    return scale * (low - margin), scale * (high + margin)

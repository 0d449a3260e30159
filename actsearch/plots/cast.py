"""Who stands in the pictures of a run: its finalists, the best known activation, ReLU.

Each has the same name, colour and line in every picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from actsearch.errors import ActsearchError, shorten
from actsearch.expressions import Candidate, parse_candidate
from actsearch.plots.style import COLORS, GREY, LINES
from actsearch.results.hall import BASELINE, best_known
from actsearch.results.tables import printable
from actsearch.runs import TrainingRow
from actsearch.trials.account import Account
from actsearch.trials.forward import put_forward


@dataclass(frozen=True)
class Player:
    """A formula in the pictures; ``birth_id`` is the birth whose trainings are its own."""

    name: str
    formula: str
    birth_id: int
    color: str
    line: str


def finalists(account: Account) -> list[Player]:
    """Return the formulas that a run puts forward, the best first, those with a score."""
    by_formula = {row["formula"]: row for row in reversed(account.run.ranked)}
    rows = [by_formula[one] for one in put_forward(account) if one in by_formula]
    return [
        _player(row, label(row["formula"]), COLORS[place], LINES[0])
        for place, row in enumerate(rows)
    ]


def rivals(account: Account) -> list[Player]:
    """Return the best known activation of a run and ReLU, those of them that have a score."""
    ranked = account.run.ranked
    best = best_known(ranked) if ranked else None
    baseline = next((row for row in ranked if row["known"] == BASELINE), None)
    found = []
    if best is not None and best is not baseline:
        found.append(_player(best, f"{label(best['known'])} (best known)", COLORS[3], LINES[1]))
    if baseline is not None:
        name = f"{BASELINE} (best known)" if best is baseline else BASELINE
        found.append(_player(baseline, name, GREY, LINES[3]))
    return found


def _player(row: dict[str, Any], name: str, color: str, line: str) -> Player:
    return Player(name, row["formula"], row["id"], color, line)


def label(text: str, limit: int = 44) -> str:
    """Return a text from outside as it may stand in a picture: one line, nothing but print."""
    return shorten(printable(text), limit)


def candidate(formula: str) -> Candidate | None:
    """Return what a stored formula says; None where this version can't read it."""
    try:
        return parse_candidate(formula)
    except ActsearchError:
        return None


def list_below(figure: Any, formulas: Sequence[str], limit: int = 48) -> None:
    """Say below a picture which formulas the numbers in it stand for, from 1 on."""
    from matplotlib.lines import Line2D

    names = [f"{number}  {label(one, limit)}" for number, one in enumerate(formulas, start=1)]
    nothing = [Line2D([], [], linestyle="none") for _ in names]
    if names:
        figure.legend(nothing, names, loc="outside lower center", ncols=2, handlelength=0)


def last_trainings(account: Account, birth_id: int) -> list[TrainingRow]:
    """Return the trainings of a birth at the longest rung that have a score, by seed."""
    rung = account.run.ladder[-1] if account.run.ladder else ""
    rows = (row for row in account.run.trainings if row.birth_id == birth_id)
    return sorted(
        (row for row in rows if row.rung == rung and row.score is not None),
        key=lambda row: row.seed,
    )


def first_rung(ladder: Sequence[str]) -> str:
    """Return the shortest rung, at which all that are trained have a score to compare."""
    return ladder[0] if ladder else ""

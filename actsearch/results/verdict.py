"""The verdict on the finalists of a search: whether one beats every known activation.

``looks`` decides; here the decisions become rows for a table, a winner, and one sentence that says
what was shown, or plainly that nothing was. A pure function of the scores, as the looks are.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from actsearch.results.looks import (
    BETTER,
    FAILED,
    LOOKS,
    NO_TRAINING,
    OUT,
    UNDECIDED,
    WINS,
    WORSE,
    Replay,
    replay,
    within,
)
from actsearch.results.statistics import Scores, mean_and_error, paired
from actsearch.results.units import Unit, are_shares, unit_of

FINALIST, KNOWN = "finalist", "known"
#: kind -> what was decided, as tables say it of that row; what is not here is said as it is.
DECIDED: Mapping[str, Mapping[str, str]] = {
    FINALIST: {UNDECIDED: "open"},
    KNOWN: {BETTER: "beaten", WORSE: "is better", UNDECIDED: "open"},
}
_MOST_NAMES = 3


@dataclass(frozen=True)
class Row:
    """One formula, and how the leading finalist compares with it.

    ``mean``, ``standard_error`` and ``n`` are of its own scores; ``difference`` (the leader's
    score minus this one's), its interval ``low`` to ``high``, ``t_p``, ``wilcoxon_p`` and
    ``effect_size`` (Cohen's d_z) are of the ``n_pairs`` seeds that both have, of a known one up to
    the look that decided, and the interval and these two p-values are those of the single
    comparison, as if there were no other. ``holm_p``, of the same seeds, is what decides
    (``looks.replay`` says how it is adjusted): at most ``alpha`` exactly where ``decided`` is
    "better" or "worse". For a finalist, ``decided`` is what became of it, and ``n_failed`` counts
    all its failed trainings; for a known one, those within the looks.
    """

    name: str
    formula: str
    kind: str
    mean: float | None
    standard_error: float | None
    n: int
    n_failed: int
    decided: str
    n_pairs: int = 0
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    t_p: float | None = None
    wilcoxon_p: float | None = None
    holm_p: float | None = None
    effect_size: float | None = None


@dataclass(frozen=True)
class Judgement:
    """The verdict.

    ``winner`` is a formula or None, ``leader`` the winner or else the finalist that came furthest.
    ``rows`` begin with the leader; what it leads by least comes next. ``needed`` is what to train
    for the next look, empty when all ``is_clear``.
    """

    winner: str | None
    leader: str | None
    rows: tuple[Row, ...]
    needed: dict[str, tuple[int, ...]]
    is_clear: bool
    n_looks: int
    alpha: float
    sentence: str


def judge(
    scores: Mapping[str, Scores],
    finalists: Sequence[str],
    known: Mapping[str, str],
    *,
    seeds: Sequence[int],
    failed: Mapping[str, Collection[int]] | None = None,
    earlier: Sequence[str] = (),
    looks: Sequence[int] = LOOKS,
    alpha: float = 0.05,
    score_name: str = "score",
) -> Judgement:
    """Judge the finalists against the known activations.

    Args:
        scores: formula -> seed -> score, higher for better.
        finalists: formulas, none of them known; the earlier one leads where means are equal.
        known: formula -> name; at least one.
        seeds: fresh seeds in the order in which they are used.
        failed: formula -> the seeds at which its training gave no score.
        earlier: formulas that were finalists before and are none now; they count in the correction,
            as the choice of the present ones may have seen their scores.
        looks: numbers of seeds at which the data are looked at, rising; those beyond ``seeds`` are
            left out.
        alpha: the chance of any false claim, in all comparisons and looks together.
        score_name: as the task calls it; differences of accuracies are written in points, those of
            standardised scores in standard deviations.

    Returns:
        The verdict, with all that a table needs. Clear when a finalist is better than all known
        activations, when none can be any more, or when the looks are used up.

    Raises:
        ValueError: the arguments do not go together, or a score is not finite.
    """
    failed = failed or {}
    looked = replay(
        scores,
        finalists,
        known,
        seeds=seeds,
        failed=failed,
        earlier=earlier,
        looks=looks,
        alpha=alpha,
    )
    had = {f: within(scores.get(f, {}), looked.looked_at) for f in (*finalists, *known)}
    leader = _leader(finalists, looked.standing, had)
    rows = [
        _row(
            formula,
            known.get(formula),
            leader,
            had,
            _n_failed(failed, formula, known, looked),
            looked,
        )
        for formula in had
    ]
    rows.sort(key=lambda row: _place(row, leader))
    winner = leader if leader is not None and looked.standing[leader] == WINS else None
    unit = unit_of(score_name)
    if unit.scale > 1 and not are_shares(
        score for by_seed in had.values() for score in by_seed.values()
    ):
        unit = Unit()  # a user's accuracy in percent, say
    return Judgement(
        winner=winner,
        leader=leader,
        rows=tuple(rows),
        needed=looked.needed,
        is_clear=looked.is_clear,
        n_looks=looked.n_looks,
        alpha=alpha,
        sentence=_sentence(rows, looked, _Amounts(unit)),
    )


def _row(
    formula: str,
    name: str | None,
    leader: str | None,
    had: Mapping[str, Scores],
    n_failed: int,
    looked: Replay,
) -> Row:
    mean, error = mean_and_error(list(had[formula].values())) if had[formula] else (None, None)
    pair = (leader or "", formula)
    comparison = None
    if leader is not None and formula != leader:
        # At the seeds of the p-value that decided: later ones were trained for other finalists.
        at = looked.tested_at.get(pair, looked.looked_at)
        comparison = paired(within(had[leader], at), within(had[formula], at))
    return Row(
        name=formula if name is None else name,
        formula=formula,
        kind=FINALIST if name is None else KNOWN,
        mean=mean,
        standard_error=error,
        n=len(had[formula]),
        n_failed=n_failed,
        decided=looked.standing[formula] if name is None else looked.decided.get(pair, UNDECIDED),
        n_pairs=comparison.n if comparison else 0,
        difference=comparison.mean if comparison else None,
        low=comparison.low if comparison else None,
        high=comparison.high if comparison else None,
        t_p=comparison.t_p if comparison else None,
        wilcoxon_p=comparison.wilcoxon_p if comparison else None,
        holm_p=looked.adjusted.get(pair),
        effect_size=comparison.effect_size if comparison else None,
    )


def _leader(
    finalists: Sequence[str], standing: Mapping[str, str], had: Mapping[str, Scores]
) -> str | None:
    """Return who came furthest; among equals in that, the one with the highest mean."""
    order = (WINS, UNDECIDED, OUT, FAILED)

    def place(finalist: str) -> tuple[int, float]:
        values = list(had[finalist].values())
        return order.index(standing[finalist]), -mean_and_error(values)[0] if values else math.inf

    return min(finalists, key=place, default=None)


def _place(row: Row, leader: str | None) -> tuple[bool, bool, float]:
    if row.difference is not None:
        return row.formula != leader, False, row.difference
    return row.formula != leader, True, math.inf if row.mean is None else -row.mean


def _n_failed(
    failed: Mapping[str, Collection[int]], formula: str, known: Collection[str], looked: Replay
) -> int:
    lost = set(failed.get(formula, ()))
    return len(lost & set(looked.looked_at) if formula in known else lost)


def _sentence(rows: Sequence[Row], looked: Replay, amounts: _Amounts) -> str:
    """Write the verdict in words; ``rows`` begin with the leader and what it leads by least."""
    known = [row for row in rows if row.kind == KNOWN]
    if not looked.standing:
        return (
            f"Nothing new was found: no formula was bred that could be held against {_all(known)}"
        )
    if set(looked.standing.values()) == {FAILED}:
        return f"Nothing was shown to beat {_all(known)}: every finalist failed in a training"
    n_missing = sum(map(len, looked.needed.values()))
    if not looked.n_looks:
        return (
            f"Nothing can be said yet: {_counted(n_missing, 'training')} missing to the first "
            f"look, which takes {len(looked.looked_at)} seeds"
        )
    leader, best = rows[0], next((row for row in known if row.difference is not None), None)
    if best is None:  # none of the known activations trains: then whatever does has won
        return f"{leader.name} beats {_all(known)}; {leader.n} seeds"
    by_how_much = f"{amounts.difference(best)} {{}}; {amounts.interval(best)}; {best.n_pairs} seeds"
    if leader.decided == WINS:
        if len(known) == 1:
            return f"{leader.name} beats {best.name}: {by_how_much.format('on average')}"
        return f"{leader.name} beats {_all(known)}: " + by_how_much.format(
            f"over the best of them, {best.name}"
        )
    worse = [row.name for row in known if row.decided == WORSE]
    undecided = [row.name for row in known if row.decided == UNDECIDED]
    says = [f"is worse than {_names(worse)}"] if worse else []
    says += [f"is not shown to beat {_names(undecided)}"] if undecided else []
    text = (
        f"Nothing {'was shown' if looked.is_clear else 'is shown yet'} to beat {_all(known)}; "
        f"{leader.name} leads the finalists and {' and '.join(says)}: "
        + by_how_much.format(f"against the best of the known, {best.name}")
    )
    if looked.is_clear:
        return text
    return f"{text}; {_counted(n_missing, 'training')} missing to the next look"


def _all(known: Sequence[Row]) -> str:
    if len(known) == 1:
        return f"the known activation {known[0].name}"
    text = f"all {len(known)} known activations"
    n_lost = sum(row.decided == NO_TRAINING for row in known)
    lost = "1 of them does" if n_lost == 1 else f"{n_lost} of them do"
    return f"{text} ({lost} not train)" if n_lost else text


def _names(names: Sequence[str]) -> str:
    """List at most three names and count the rest."""
    shown = list(names[:_MOST_NAMES])
    if len(names) > _MOST_NAMES:
        shown.append(f"{len(names) - _MOST_NAMES} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _counted(n: int, noun: str) -> str:
    return f"1 {noun} is" if n == 1 else f"{n} {noun}s are"


@dataclass(frozen=True)
class _Amounts:
    """How differences are written."""

    unit: Unit

    def difference(self, row: Row) -> str:
        """Write a difference with its sign, to the digits that its interval allows."""
        assert row.difference is not None
        return self._number(row.difference, row, "+") + self.unit.word

    def interval(self, row: Row) -> str:
        """Write the interval of a difference."""
        assert row.low is not None
        assert row.high is not None
        return f"95 % interval {self._number(row.low, row)} to {self._number(row.high, row)}"

    def _number(self, value: float, row: Row, sign: str = "-") -> str:
        assert row.low is not None
        assert row.high is not None
        width = self.unit.scale * (row.high - row.low)
        digits = 1 - math.floor(math.log10(width)) if width > 0 else 4
        digits = max(1, min(digits, 9))
        # An end next to 0 must show on which side of it it lies.
        ends = [self.unit.scale * one for one in (row.low, row.difference or 0.0, row.high)]
        more = range(digits, min(digits + 3, 10))
        digits = next((n for n in more if all(round(end, n) for end in ends if end)), digits)
        text = f"{self.unit.scale * value:{sign}.{digits}f}"
        return text if value else text.lstrip("+-")

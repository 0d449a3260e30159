"""Tables of a report: the comparison, what was rejected, where time went."""

from __future__ import annotations

from collections import Counter

from actsearch.durations import format_duration
from actsearch.report.reasons import plainly
from actsearch.report.values import (
    Cell,
    Head,
    Measure,
    Table,
    count,
    decimal,
    formula,
    probability,
    trainings,
    words,
)
from actsearch.report.verdict import measure_of_trials
from actsearch.results.looks import LOOKS
from actsearch.results.reasons import reason_counts
from actsearch.results.verdict import DECIDED, KNOWN, Row
from actsearch.runs.records import OK, REJECTED, SCREENED
from actsearch.trials.account import Account

#: So many reasons for turning births away.
MOST_REASONS = 15


def comparison(account: Account) -> Table | None:
    """Return the statistics of the confirmation: the leader against each other formula."""
    trials = account.trials
    if trials is None or not trials.verdict.n_trials:
        return None
    measure = measure_of_trials(trials)
    unit = f" ({measure.of_differences})" if measure.of_differences else ""
    judgement = trials.verdict.judgement
    level = 100 * judgement.alpha
    heads = (
        Head("activation", "", "formula"),
        Head("decided", f"What the corrected p-value decides at the level of {level:g} %."),
        Head(measure.name, "Mean ± standard error of all its trainings.", "number"),
        Head("n", "Trainings that gave a score.", "number"),
        Head(f"difference{unit}", "The leader's score minus this one's, seed by seed.", "number"),
        Head("95 % interval", "Of that difference, of this one comparison.", "number"),
        Head("pairs", "Seeds that both were trained with.", "number"),
        Head("p, corrected", "Holm's correction over all pairs and looks: decides.", "number"),
        Head("p (t)", "Paired t test of this one comparison.", "number"),
        Head("p (Wilcoxon)", "Signed-rank test of this one comparison.", "number"),
        Head("effect", "The difference in its own standard deviations (d_z).", "number"),
    )
    rows = tuple(_compared(row, measure) for row in trials.verdict.rows)
    notes: tuple[str, ...] = (
        (
            "The first row is the leader; the others are in the order of their distance to it. "
            "Marked rows are finalists of this search, all others known activations."
        ),
        (
            f"{trainings(trials.verdict.n_trials)}, {format_duration(trials.verdict.time_s)} of "
            f"training time, scored on the {trials.verdict.split} split."
        ),
    )
    if not judgement.n_looks:
        notes = (
            (
                "Nothing is decided before the first look, which takes "
                f"{LOOKS[0]} seeds of all functions: intervals and p-values of fewer say little, "
                "and the order may change."
            ),
            *notes,
        )
    marked = tuple(k for k, row in enumerate(trials.verdict.rows) if row.kind != KNOWN)
    return Table(
        "comparison", "The leader against every other function", heads, rows, notes, marked
    )


def _compared(row: Row, measure: Measure) -> tuple[Cell, ...]:
    failed = f"{row.n_failed} more failed" if row.n_failed else ""
    return (
        formula(row.name) if row.kind != KNOWN else words(row.name),
        Cell(DECIDED[row.kind].get(row.decided, row.decided)),
        measure.score(row.mean, row.standard_error),
        count(row.n, failed),
        measure.difference(row.difference),
        measure.interval(row.low, row.high),
        count(row.n_pairs) if row.n_pairs else Cell(""),
        probability(row.holm_p),
        probability(row.t_p),
        probability(row.wilcoxon_p),
        decimal(row.effect_size),
    )


def rejected(account: Account) -> Table | None:
    """Return why births were turned away or passed over, each reason with examples."""
    found = reason_counts(account.run.births, plainly)
    if not found:
        return None
    heads = (
        Head("births", "", "number"),
        Head("what became of them", "Rejected by a check, or passed over for one more promising."),
        Head("reason"),
        Head("for example", "", "formula"),
    )
    said = {REJECTED: "rejected", SCREENED: "passed over"}
    rows = [
        (
            count(row["births"]),
            Cell(said[row["status"]]),
            words(row["kind"]),
            formula(*row["formulas"]),
        )
        for row in found[:MOST_REASONS]
    ]
    rest = len(found) - len(rows)
    notes: tuple[str, ...] = (f"And {rest:,} rarer reasons.",) if rest else ()
    if any(row["status"] == SCREENED for row in found):
        notes += (
            (
                "Formulas are bred several at a time, as siblings, and the most promising of them "
                "is trained: its nearest functions, of those trained before, scored best."
            ),
        )
    caption = "Formulas that were not trained, by reason"
    return Table("rejected", caption, heads, tuple(rows), notes)


def time_spent(account: Account) -> Table | None:
    """Return where the time of training went, rung by rung, and the confirmation."""
    stages = [_stage(account, rung) for rung in account.run.ladder]
    if account.trials is not None:
        on = account.trials.verdict  # trainings of finalists that were dropped are left out there
        stages.append(("confirmation", on.n_trials, on.n_failed, on.time_s))
    total = sum(time_s for *_, time_s in stages)
    heads = (
        Head("stage"),
        Head("trainings", "", "number"),
        Head("without a score", "Diverged, ended early, failed.", "number"),
        Head("training time", "Of all workers together.", "number"),
        Head("share", "", "number"),
    )
    rows = []
    for name, n, n_failed, time_s in stages:
        if n:
            share = 100 * time_s / total if total else 0.0
            time = Cell(format_duration(time_s), time_s, f"{time_s:.3f} s", "number")
            shown_share = Cell(f"{share:.0f} %", share, "", "number")
            rows.append((words(name), count(n), count(n_failed), time, shown_share))
    return Table("time", "Where the training time went", heads, tuple(rows)) if rows else None


def _stage(account: Account, rung: str) -> tuple[str, int, int, float]:
    """Return a rung's name, its trainings, those without a score, and their time."""
    rows = [row for row in account.run.trainings if row.rung == rung]
    n_failed = sum(row.status != OK for row in rows)
    return f"search, rung {rung}", len(rows), n_failed, sum(row.time_s for row in rows)


def failures(account: Account) -> Table | None:
    """Return how trainings ended that gave no score."""
    counts = Counter(row.status for row in account.run.trainings if row.status != OK)
    if not counts:
        return None
    messages = {row.status: row.message for row in account.run.trainings if row.message}
    heads = (Head("how it ended"), Head("trainings", "", "number"), Head("for example"))
    rows = tuple(
        (words(status), count(n), words(messages.get(status, "")))
        for status, n in counts.most_common()
    )
    return Table("failures", "Trainings of the search that gave no score", heads, rows)

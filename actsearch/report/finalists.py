"""The functions that a run puts forward, and what there is to know of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actsearch.durations import format_duration
from actsearch.errors import ActsearchError
from actsearch.expressions import Layered, parse_candidate
from actsearch.report.properties import everything, properties
from actsearch.report.values import (
    MOST_CHARS_IN_FULL,
    Cell,
    Fact,
    Finalist,
    Head,
    Step,
    Table,
    clean,
    words,
)
from actsearch.report.verdict import math_of, measure_of, measure_of_trials
from actsearch.results.commands import command
from actsearch.results.hall import BASELINE, SEEDED
from actsearch.results.lineage import lineage
from actsearch.results.parameters import parameter_rows
from actsearch.results.verdict import DECIDED, Row
from actsearch.runs import Birth, learned
from actsearch.trials.account import Account

MOST_FINALISTS = 3
#: Of a lineage, so many steps are told; the picture and ``inspect`` have more.
MOST_STEPS = 8

_OPERATORS = {
    "crossover": "part of one parent put into the other",
    "insert": "a new operation put around a part",
    "replace": "one operation exchanged for another",
    "regrow": "a part grown anew",
    "perturb": "a constant changed a little",
    "delete": "a part taken out",
    "open": "a named function written out and changed inside",
    "random": "grown at random",
    "added seed": "given by hand",
    "add_parameter": "a learned parameter added",
    "drop_parameter": "a learned parameter taken out",
    "free": "a constant made a learned parameter",
    "freeze": "a learned parameter made a constant",
}


def finalists(account: Account) -> tuple[Finalist, ...]:
    """Return what a run puts forward: those confirmed, the leader first, or else its best new."""
    by_formula = {row["formula"]: row for row in reversed(account.run.rows)}
    rows = {row.formula: row for row in account.trials.verdict.rows} if account.trials else {}
    if account.trials is not None and account.trials.finalists:
        chosen = [formula for formula in rows if formula in account.trials.finalists]
        chosen += [f for f in account.trials.finalists if f not in chosen]
    else:
        chosen = [row["formula"] for row in account.run.ranked if not row["known"]]
    return tuple(
        _finalist(account, place, formula, by_formula.get(formula), rows.get(formula))
        for place, formula in enumerate(dict.fromkeys(chosen[:MOST_FINALISTS]))
    )


def _finalist(
    account: Account, place: int, formula: str, row: Mapping[str, Any] | None, tried: Row | None
) -> Finalist:
    path = account.run.path
    id_ = None if row is None else int(row["id"])
    try:
        candidate = parse_candidate(formula)
    except (ActsearchError, RecursionError):
        candidate = None
    names = [] if id_ is None else [str(id_)]
    said: tuple[Fact, ...] = ()
    all_said: tuple[tuple[str, tuple[Fact, ...]], ...] = ()
    steps = () if id_ is None else _origin(account.run.births, id_)
    if candidate is not None and not isinstance(candidate, Layered):
        found = candidate.analyze()
        said, all_said = properties(found), everything(candidate, found)
    return Finalist(
        title=("The leader", "Second", "Third")[place] + ("" if id_ is None else f": birth {id_}"),
        formula=clean(formula, MOST_CHARS_IN_FULL),
        mathml=math_of(formula),
        derivative=math_of(formula, "f'(x)", derivative=True),
        is_readable=candidate is not None,
        facts=_facts(account, row, tried),
        properties=said,
        sections=all_said,
        origin=steps[:MOST_STEPS],
        further=max(0, len(steps) - MOST_STEPS),
        parameters=None if id_ is None else _parameters(account, id_, formula, place),
        export=command("export", path, *names),
    )


def _facts(account: Account, row: Mapping[str, Any] | None, tried: Row | None) -> tuple[Fact, ...]:
    facts = []
    if tried is not None and account.trials is not None:
        measure = measure_of_trials(account.trials)
        cell = measure.score(tried.mean, tried.standard_error)
        facts.append(Fact(f"{measure.name}, confirmed", f"{cell.text} ({tried.n} trainings)"))
        facts.append(Fact("verdict", DECIDED[tried.kind].get(tried.decided, tried.decided)))
    if row is not None:
        measure = measure_of(account)
        cell = measure.score(row["score"], row["standard_error"])
        facts.append(Fact(f"{measure.name}, in the search", f"{cell.text} ({row['n']} trainings)"))
        gains = {
            BASELINE: (row["gain_over_relu"], row["gain_standard_error"]),
            row["best_known"]: (row["gain_over_best_known"], row["gain_over_best_known_error"]),
        }
        for name, (gain, error) in gains.items():
            if gain is not None:
                text = f"{measure.difference(gain, error).text} {measure.of_differences}".strip()
                facts.append(Fact(f"gain over {clean(name, 40)} in the search", text))
        facts.append(Fact("rank in the search", f"{row['rank']} of {len(account.run.ranked):,}"))
        facts.append(Fact("size", f"{row['size']} numbers, inputs and operations"))
        facts.append(Fact("found again", _times(row["rediscoveries"])))
        if row["born_s"] is not None:
            facts.append(Fact("born", f"{format_duration(row['born_s'])} into the search"))
    return tuple(facts)


def _times(n: int) -> str:
    return "never" if not n else "once, in other words" if n == 1 else f"{n} times, in other words"


def _origin(births: Sequence[Birth], id_: int) -> tuple[Step, ...]:
    """Tell where a birth comes from, the birth itself first."""
    found = []
    for step in lineage(births, id_):
        operator = str(step["operator"])
        how = "known at the start" if operator in SEEDED else _OPERATORS.get(operator, "")
        made = clean(operator, 40) + (f": {how}" if how else "")
        again = ", as above" if step["seen"] else ""
        found.append(Step(f"birth {step['id']}", clean(step["formula"]), made + again))
    return tuple(found)


def _parameters(account: Account, id_: int, formula: str, place: int) -> Table | None:
    """Return what the learned parameters of a formula became, None where it has none."""
    own = [row for row in account.run.trainings if row.birth_id == id_]
    try:
        found = learned(own, parse_candidate(formula), account.run.ladder)
    except (ActsearchError, RecursionError):
        return None
    if not found:
        return None
    columns, rows, note = parameter_rows(found)
    heads = tuple(
        Head(column.title, "", "number" if column.right else "text") for column in columns
    )
    cells = tuple(
        tuple(
            Cell(column.show(row.get(column.key)), None, "", "number")
            if column.right
            else words(column.show(row.get(column.key)))
            for column in columns
        )
        for row in rows
    )
    return Table(f"parameters-{place}", "Its learned parameters", heads, cells, (note,))

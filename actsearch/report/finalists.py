"""The functions that a run puts forward, and what there is to know of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actsearch.durations import format_duration
from actsearch.errors import ActsearchError
from actsearch.expressions import Candidate, Layered, parse_candidate
from actsearch.paths import command
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
    trainings,
    words,
)
from actsearch.report.verdict import math_of, measure_of, measure_of_trials
from actsearch.results.hall import BASELINE, SEEDED, was_given
from actsearch.results.lineage import lineage
from actsearch.results.parameters import parameter_rows
from actsearch.results.verdict import DECIDED, Row
from actsearch.runs import Birth, learned
from actsearch.trials.account import Account
from actsearch.trials.forward import is_led, put_forward
from actsearch.trials.judged import GIVEN

Sections = tuple[tuple[str, tuple[Fact, ...]], ...]

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
    """Return what there is to know of each function that a run puts forward."""
    by_formula = {row["formula"]: row for row in reversed(account.run.rows)}
    rows = {row.formula: row for row in account.trials.verdict.rows} if account.trials else {}
    return tuple(
        _finalist(account, place, formula, by_formula.get(formula), rows.get(formula))
        for place, formula in enumerate(put_forward(account))
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
    steps = () if id_ is None else _origin(account.run.births, id_)
    said, all_said = _portraits(candidate)
    return Finalist(
        title=_title(account, place, row) + ("" if id_ is None else f": birth {id_}"),
        formula=clean(formula, MOST_CHARS_IN_FULL),
        mathml=math_of(formula),
        derivative=math_of(formula, "f'(x)", derivative=True),
        is_readable=candidate is not None,
        inputs="" if candidate is None else " and ".join(candidate.inputs[1:]),
        facts=_facts(account, row, tried),
        portraits=said,
        sections=all_said,
        origin=steps[:MOST_STEPS],
        further=max(0, len(steps) - MOST_STEPS),
        parameters=None if id_ is None else _parameters(account, id_, formula, place),
        export=command("export", path, *names),
    )


def _title(account: Account, place: int, row: Mapping[str, Any] | None) -> str:
    """Say who it is: nobody leads by the scores that the search chose by."""
    if is_led(account):
        return ("The leader", "Second", "Third")[place]
    who = ("Best new function", "Second new function", "Third new function")[place]
    if account.trials is not None:
        who = "Finalist"
    rank = None if row is None else row.get("rank")
    return who if rank is None else f"{who}, rank {rank}"


def _portraits(candidate: Candidate | None) -> tuple[Sections, Sections]:
    """Return what a formula is like, and all that the analysis says; by groups if it has them."""
    if candidate is None:
        return (), ()
    named = candidate.formulas if isinstance(candidate, Layered) else (("", candidate),)
    portraits, all_said = [], []
    for group, part in named:
        found = part.analyze()
        others = " and ".join(f"{name} = 1" for name in part.inputs[1:])
        where = [f"group {group}"] if group else []
        where += [f"with {others}"] if others else []
        portraits.append((", ".join(where), properties(found, only_x=not others)))
        before = f"{group}: " if group else ""
        all_said += [(before + title, facts) for title, facts in everything(part, found)]
    return tuple(portraits), tuple(all_said)


def _facts(account: Account, row: Mapping[str, Any] | None, tried: Row | None) -> tuple[Fact, ...]:
    facts = []
    if row is not None and was_given(account.run.births, row["formula"]):
        facts.append(Fact("origin", GIVEN))
    if tried is not None and account.trials is not None:
        measure = measure_of_trials(account.trials)
        cell = measure.score(tried.mean, tried.standard_error)
        facts.append(Fact(f"{measure.name}, fresh seeds", f"{cell.text} ({trainings(tried.n)})"))
        facts.append(Fact("verdict", DECIDED[tried.kind].get(tried.decided, tried.decided)))
    if row is not None:
        measure = measure_of(account)
        cell = measure.score(row["score"], row["standard_error"])
        n, rung = trainings(row["n"]), clean(row["rung"], 40)
        at = f"rung {rung}" if rung else "its rung"
        text = f"{cell.text} ({n} at the {at})" if rung else f"{cell.text} ({n})"
        facts.append(Fact(f"{measure.name}, in the search", text))
        gains = {
            BASELINE: (row["gain_over_relu"], row["gain_standard_error"]),
            row["best_known"]: (row["gain_over_best_known"], row["gain_over_best_known_error"]),
        }
        for name, (gain, error) in gains.items():
            if gain is not None:
                text = f"{measure.difference(gain, error).text} {measure.of_differences}".strip()
                name_of_gain = f"gain over {clean(name, 40)} in the search"
                facts.append(Fact(name_of_gain, f"{text}, both at the {at}"))
        facts.append(Fact("rank in the search", _rank(account, row)))
        facts.append(Fact("size", f"{row['size']} numbers, inputs and operations"))
        facts.append(Fact("found again", _times(row["rediscoveries"])))
        if row["born_s"] is not None:
            facts.append(Fact("born", f"{format_duration(row['born_s'])} into the search"))
    return tuple(facts)


def _rank(account: Account, row: Mapping[str, Any]) -> str:
    """Write a rank; a higher score may stand below, and why is said where there are rungs."""
    ranked = account.run.ranked
    some_rungs = len({one["rung"] for one in ranked}) > 1
    order = "; longer rungs come first, then several seeds before one" if some_rungs else ""
    return f"{row['rank']} of {len(ranked):,}{order}"


def _times(n: int) -> str:
    return "never" if not n else "once" if n == 1 else f"{n} times"


def _origin(births: Sequence[Birth], id_: int) -> tuple[Step, ...]:
    """Tell where a birth comes from, the birth itself first."""
    found = []
    for step in lineage(births, id_):
        operator = str(step["operator"])
        how = "given" if operator in SEEDED else _OPERATORS.get(operator, "")
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

"""`actsearch inspect RUN ID`: all that is known of one birth."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actsearch.cli.confirm import difference_cell
from actsearch.durations import format_duration
from actsearch.errors import BadInput
from actsearch.results.charts import beside, chart, sparkline
from actsearch.results.hall import BASELINE, cost_cell, with_error
from actsearch.results.tables import (
    Column,
    Format,
    number,
    printable,
    spelled,
    write_json,
    write_record,
    write_rows,
)

if TYPE_CHECKING:
    from actsearch.expressions import Candidate
    from actsearch.results.view import RunView
    from actsearch.runs import RunStore

_LINEAGE_LINES = 40
_INDENTED_COLUMNS = 40
_MOST_RELATIVES = 12
_TREE_LINES = 60
# Two charts stand beside each other in 80 columns; wider ones say no more.
_MOST_CHART_COLUMNS, _LEAST_CHART_COLUMNS, _CHART_GAP = 38, 24, 4
_CHART_ROWS = 8

TRAINING_COLUMNS = (
    Column("rung", "rung"),
    Column("seed", "seed", right=True),
    Column("status", "status"),
    Column("score", "score", right=True, show=number),
    Column("by_task", "by task"),
    Column("time_s", "seconds", right=True, show=lambda time_s: f"{time_s:.2f}"),
    Column("device", "device", leaves=1),
    Column("curve", "score, step by step"),
    Column("message", "message", long=True),
)


def show_birth(path: Path, birth_id: int, fmt: Format) -> None:
    """Print what a run knows of a birth.

    Raises:
        BadInput: there is no such birth.
    """
    from actsearch.results.individual import birth_record
    from actsearch.results.view import view_of
    from actsearch.runs import RunStore

    with RunStore.open(path) as store, store.reading():
        view = view_of(store)
        record = birth_record(view, birth_id)
        record["confirmation"] = _confirmation(store, view, record)
    if fmt is Format.TABLE:
        _print(view, record)
    else:
        record["properties"] = spelled(_properties(record))
        write = write_json if fmt is Format.JSON else lambda r, out: write_record(r, fmt, out)
        write(record, sys.stdout)


def _confirmation(
    store: RunStore, view: RunView, record: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return what the trials say of a birth's formula, None where it is in none."""
    from actsearch.results.individual import trial_record

    if not any(session.info.get("kind") == "confirm" for session in view.sessions):
        return None  # before anything of the trials is imported
    from actsearch.results.unscored import unscored
    from actsearch.results.verdict import KNOWN
    from actsearch.trials.stored import stored_verdict

    found = stored_verdict(store)
    if found is None:
        return None
    trained_as = record["id"] if record["same_as"] is None else record["same_as"]
    formula = next((birth.formula for birth in view.births if birth.id == trained_as), "")
    known = {row.formula: row.name for row in found.verdict.rows if row.kind == KNOWN}
    trial = trial_record(formula, found.scores, known, found.failed)
    verdict = found.verdict
    own = (
        row
        for row in store.trials()
        if (row.task, row.split, row.formula) == (verdict.task, verdict.split, formula)
    )
    return trial and {
        "task": verdict.task,
        "split": verdict.split,
        "score_name": verdict.score_name,
        "is_finalist": formula in found.finalists,
        **trial,
        "unscored": unscored(own, lambda _row: ""),
    }


def _properties(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what there is to say of a birth's formula, or of one for each group of layers."""
    from actsearch.cli.analyze import properties
    from actsearch.expressions import Layered

    candidate = _candidate(record)
    if candidate is None:
        return {}
    if not isinstance(candidate, Layered):
        return properties(candidate, record["known_as"])
    return {group: properties(part, None) for group, part in candidate.formulas}


def _candidate(record: Mapping[str, Any]) -> Candidate | None:
    from actsearch.expressions import parse_candidate

    try:
        return parse_candidate(record["formula"])
    except BadInput:  # what was rejected need not be a formula
        return None


def _print(view: RunView, record: dict[str, Any]) -> None:
    """Print a record as a person reads it, and the properties last: they take a second."""
    out = sys.stdout
    write_record(_facts(record), Format.TABLE, out)
    _section("tree", record["tree"] or (), _TREE_LINES)
    from actsearch.results.lineage import lineage_text

    _section("lineage", lineage_text(record["lineage"], _INDENTED_COLUMNS), _LINEAGE_LINES)
    _section("children", _relatives(record["children"]), _MOST_RELATIVES)
    _section("the same function", _relatives(record["same_function"]), _MOST_RELATIVES)
    if record["learned"]:
        from actsearch.results.parameters import parameter_rows

        columns, cells, what = parameter_rows(record["learned"])
        out.write("\nlearned parameters\n")
        write_rows(columns, cells, Format.TABLE, out)
        out.write(f"\n{what}\n")
    _print_trainings(view, record["trainings"])
    _section("confirmation", _confirmed(record["confirmation"]))
    out.flush()
    _print_properties(record)


def _print_properties(record: Mapping[str, Any]) -> None:
    """Print what there is to say of a formula, as ``actsearch analyze`` does."""
    from actsearch.cli.analyze import write_sections
    from actsearch.expressions import Layered
    from actsearch.results.properties import NOTE, sections

    candidate = _candidate(record)
    if candidate is None:
        return
    groups = {"": candidate} if not isinstance(candidate, Layered) else dict(candidate.formulas)
    for group, part in groups.items():
        known = record["known_as"] if not group else None
        sys.stdout.write(f"\nproperties{f' of {group}' if group else ''}\n\n")
        write_sections(sections(part, part.analyze(), known), sys.stdout)
    sys.stdout.write(f"\n{NOTE}\n")


def _facts(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands on top, numbers beside their errors; what there is nothing of is left."""
    born = record["born_s"]
    best = record["best_known"]
    rivals = {BASELINE: ("gain_over_relu", "gain_standard_error")}
    if best not in (None, BASELINE):
        rivals[best] = ("gain_over_best_known", "gain_over_best_known_error")
    facts = {
        "id": record["id"],
        "formula": record["formula"],
        "derivative": record["derivative"],
        "known as": record["known_as"],
        "status": record["status"],
        "reason": record["reason"],
        "same as": record["same_as"],
        "rank": record["rank"],
        "score": with_error(record["score"], record["standard_error"]),
        "trainings": f"{record['n']} at the rung {record['rung']}" if record["n"] else "",
        "penalty": record["penalty"] or None,
        **{
            f"gain over {name}": with_error(record[gain], record[error], signed=True)
            for name, (gain, error) in rivals.items()
        },
        "cost": f"{cost_cell(record['cost_ns'])} ns an element (model)"
        if record["cost_ns"]
        else "",
        "size": record["size"],
        "operator": record["operator"],
        "parents": record["parents"],
        "born at": None if born is None else format_duration(born),
        "fingerprint": record["fingerprint"],
    }
    return {key: value for key, value in facts.items() if value not in (None, "", [])}


def _section(title: str, lines: Sequence[str], most: int = 10_000) -> None:
    if not lines:
        return
    sys.stdout.write(f"\n{title}\n")
    sys.stdout.writelines(f"  {printable(line)}\n" for line in lines[:most])
    if len(lines) > most:
        sys.stdout.write(f"  and {len(lines) - most} more (--format json has all)\n")


def _relatives(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"{row['id']}  {row['formula']}  ({row['operator']}; {row['status']}"
        + (f", {number(row['score'])})" if row["score"] is not None else ")")
        for row in rows
    ]


def _print_trainings(view: RunView, trainings: Sequence[Mapping[str, Any]]) -> None:
    sys.stdout.write("\ntrainings\n")
    if not trainings:
        sys.stdout.write("none\n")
        return
    rows = [_training_cells(row) for row in trainings]
    shown = [c for c in TRAINING_COLUMNS if c.key != "by_task" or any(row[c.key] for row in rows)]
    write_rows(shown, rows, Format.TABLE, sys.stdout)
    from actsearch.results.individual import curves_by_rung

    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else 80
    width = min(_MOST_CHART_COLUMNS, max(_LEAST_CHART_COLUMNS, (columns - _CHART_GAP) // 2))
    score = str(view.config.get("score_name", "score"))
    for rung, n, losses, scores in curves_by_rung(trainings, view.ladder):
        what = "1 seed" if n == 1 else f"{n} seeds: the median, and from the least to the highest"
        left = chart("training loss", losses, width, _CHART_ROWS)
        right = chart(score, scores, width, _CHART_ROWS)
        lines = beside(left, right, _CHART_GAP)
        sys.stdout.write(f"\n{printable(f'curves at the rung {rung}' if rung else 'curves')}")
        sys.stdout.write(f", by step, {what}\n")
        sys.stdout.writelines(f"{printable(line)}\n" for line in lines)


def _training_cells(training: Mapping[str, Any]) -> dict[str, Any]:
    parts = (
        f"{key.removesuffix(': score')} {number(value)}"
        for key, value in training["metrics"].items()
        if key.endswith(": score")  # of a joint task
    )
    curve = sparkline([point[2] for point in training["curve"]])
    return {**training, "curve": curve, "by_task": ", ".join(parts)}


def _confirmed(found: Mapping[str, Any] | None) -> list[str]:
    if found is None:
        return []
    failed = f", {found['n_failed']} failed" if found["n_failed"] else ""
    seeds = f"{found['n']} fresh seeds{failed}"
    score = with_error(found["score"], found["standard_error"]) or "no score"
    lines = [f"{found['score_name']} {score}; {seeds}, task {found['task']}"]
    if found["difference"] is not None:
        difference = difference_cell(found["difference"], found["low"], found["high"])
        lines.append(
            f"{difference} to {found['best_known']}, the best of the known activations beside it; "
            f"95 % interval, {found['n_pairs']} common seeds"
        )
    if found["unscored"]:
        lines.append(found["unscored"])
    if not found["is_finalist"]:
        lines.append("it was no finalist of the last confirmation")
    return lines

"""`actsearch inspect`: the hall of fame of a run, its front, or all that is known of one birth."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actsearch.cli.options import RUNS_DIR, FormatOption, RunsDirOption, find_run
from actsearch.errors import BadInput
from actsearch.results.tables import (
    Column,
    Format,
    number,
    printable,
    write_json,
    write_record,
    write_rows,
)

if TYPE_CHECKING:
    from actsearch.expressions import Candidate

_LINEAGE_LINES = 40
_INDENTED_COLUMNS = 40

REJECTED_COLUMNS = (
    Column("id", "id", right=True),
    Column("status", "status"),
    Column("reason", "reason"),
    Column("operator", "operator"),
    Column("parents", "parents"),
    Column("formula", "formula", long=True),
)
TRAINING_COLUMNS = (
    Column("rung", "rung"),
    Column("seed", "seed", right=True),
    Column("status", "status"),
    Column("score", "score", right=True, show=number),
    Column("by_task", "by task"),
    Column("time_s", "seconds", right=True, show=lambda time_s: f"{time_s:.2f}"),
    Column("device", "device"),
    Column("curve", "score, step by step"),
    Column("message", "message", long=True),
)


def inspect(
    run: Annotated[str, typer.Argument(help="The run (see: actsearch runs).", metavar="RUN")],
    birth: Annotated[
        int | None, typer.Argument(help="The id of a birth in that run.", metavar="[ID]", min=0)
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="How many to list (hall of fame: 10, others: all)."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="List all that were trained.")] = False,
    rejected: Annotated[
        bool,
        typer.Option("--rejected", help="List what was turned away before training, and why."),
    ] = False,
    front: Annotated[
        bool, typer.Option("--front", help="List the best trade-offs of score, cost and size.")
    ] = False,
    runs_dir: RunsDirOption = RUNS_DIR,
    output: FormatOption = "table",
) -> None:
    """Show a run's hall of fame, or with ID one formula: properties, lineage, curves."""
    fmt = Format.named(output)
    if front and (birth is not None or every or rejected):
        other = "--rejected" if rejected else "--all" if every else f"the id {birth}"
        raise BadInput(f"--front and {other} ask for different answers; give one of them")
    path = find_run(run, runs_dir)
    if front:
        _show_front(path, fmt)
    elif birth is not None:
        _show_birth(path, birth, fmt)
    elif rejected:
        _show_rejected(path, top, fmt)
    else:
        _show_hall(path, every, top, fmt)


def _show_hall(path: Path, every: bool, top: int | None, fmt: Format) -> None:
    from actsearch.cli.hall import DEFAULT_TOP, print_hall, print_next
    from actsearch.results.hall import HALL_COLUMNS, table_columns, table_rows
    from actsearch.results.view import config_facts, read_run

    view = read_run(path)
    top = None if every else top or DEFAULT_TOP
    if fmt is not Format.TABLE:
        rows = view.rows if top is None else view.ranked[:top]
        write_rows(HALL_COLUMNS, rows, fmt, sys.stdout)
        return
    facts = (f"{key} {value}" for key, value in config_facts(view.config).items())
    sys.stdout.write(f"{view.name}: {printable(', '.join(facts))}\n\n")
    if top is None:
        write_rows(table_columns(view.rows), table_rows(view.rows), fmt, sys.stdout)
        sys.stdout.write(f"\n{view.totals.sentence()}\n")
    else:
        print_hall(view, top)
        print_next(view)


def _show_front(path: Path, fmt: Format) -> None:
    from actsearch.expressions import parse_candidate
    from actsearch.expressions.cost import modelled_cost
    from actsearch.expressions.layered import mean_over_parts
    from actsearch.results.front import FRONT_COLUMNS, FRONT_TABLE, NOTE, front_rows, front_table
    from actsearch.results.view import read_run

    ranked = read_run(path).ranked
    cost = mean_over_parts(modelled_cost)
    rows = front_rows(ranked, measured_costs, lambda formula: cost(parse_candidate(formula)))
    if fmt is not Format.TABLE:
        write_rows(FRONT_COLUMNS, rows, fmt, sys.stdout)
    elif rows:
        write_rows(FRONT_TABLE, front_table(rows), fmt, sys.stdout)
        sys.stdout.write(f"\n{NOTE}\n")
    else:
        sys.stdout.write("no formula has a score yet\n")


def measured_costs(formulas: Sequence[str]) -> list[float]:
    """Return what each formula costs here and now, forward and backward, in ns an element."""
    from actsearch import kernels
    from actsearch.expressions import parse_candidate, parts_of
    from actsearch.expressions.layered import mean_over_parts
    from actsearch.kernels.cost import measured_cost

    candidates = [parse_candidate(formula) for formula in formulas]
    kernels.prepare([part for one in candidates for part in parts_of(one)])
    return [mean_over_parts(measured_cost)(one) for one in candidates]


def _show_rejected(path: Path, top: int | None, fmt: Format) -> None:
    from actsearch.runs import RunStore
    from actsearch.runs.records import REJECTED, SCREENED

    with RunStore.open(path) as store:
        rows = [
            {
                "id": b.id,
                "status": b.status,
                "reason": b.reason,
                "operator": b.operator,
                "parents": list(b.parents),
                "formula": b.formula,
            }
            for b in store.births()
            if b.status in (REJECTED, SCREENED)
        ]
    write_rows(REJECTED_COLUMNS, rows[:top], fmt, sys.stdout)


def _show_birth(path: Path, birth_id: int, fmt: Format) -> None:
    record = _birth_record(path, birth_id)
    if fmt is Format.JSON:
        write_json(record, sys.stdout)
        return
    if fmt is Format.CSV:
        write_record(record, fmt, sys.stdout)
        return
    from actsearch.results.lineage import lineage_text

    ancestry, trainings = record.pop("lineage"), record.pop("trainings")
    learned = record.pop("learned")
    write_record(
        {key: value for key, value in record.items() if value not in (None, "", [])},
        fmt,
        sys.stdout,
    )
    sys.stdout.write("\nlineage\n")
    lines = lineage_text(ancestry, _INDENTED_COLUMNS)
    sys.stdout.writelines(f"  {text}\n" for text in lines[:_LINEAGE_LINES])
    if len(lines) > _LINEAGE_LINES:
        sys.stdout.write(f"  and {len(lines) - _LINEAGE_LINES} more (--format json has all)\n")
    if learned:
        from actsearch.results.parameters import parameter_rows

        columns, cells, what = parameter_rows(learned)
        sys.stdout.write("\nlearned parameters\n")
        write_rows(columns, cells, fmt, sys.stdout)
        sys.stdout.write(f"\n{what}\n")
    sys.stdout.write("\ntrainings\n")
    if not trainings:
        sys.stdout.write("none\n")
        return
    rows = [_training_cells(row) for row in trainings]
    shown = [c for c in TRAINING_COLUMNS if c.key != "by_task" or any(row[c.key] for row in rows)]
    write_rows(shown, rows, fmt, sys.stdout)


def _birth_record(path: Path, birth_id: int) -> dict[str, Any]:
    from actsearch.expressions import parse_candidate
    from actsearch.results.lineage import lineage
    from actsearch.results.view import all_rows, known_names
    from actsearch.runs import RunStore, learned

    with RunStore.open(path) as store:
        births, trainings, ladder = store.births(), store.trainings(), store.ladder
        known = known_names(store.config)
    birth = next((b for b in births if b.id == birth_id), None)
    if birth is None:
        raise BadInput(
            f"unknown id {birth_id}: run '{path.name}' has "
            + (f"births {births[0].id} to {births[-1].id}" if births else "no births yet")
        )
    trained_as = birth_id if birth.same_as is None else birth.same_as
    rows = all_rows(births, trainings, ladder, known)
    score = next((row for row in rows if row["id"] == trained_as), {})
    own = [row for row in trainings if row.birth_id == trained_as]
    try:
        facts = _properties(parse_candidate(birth.formula), score.get("known"))
    except BadInput:  # what was rejected need not be a formula
        facts = {"formula": birth.formula}
    formula = next((b.formula for b in births if b.id == trained_as), "")
    return {
        "id": birth.id,
        "status": birth.status,
        "reason": birth.reason,
        "same_as": birth.same_as,
        "operator": birth.operator,
        "parents": list(birth.parents),
        "rank": score.get("rank"),
        "score": score.get("score"),
        "standard_error": score.get("standard_error"),
        "n": score.get("n"),
        "rung": score.get("rung"),
        "penalty": score.get("penalty") or None,
        "gain_over_relu": score.get("gain_over_relu"),
        "gain_standard_error": score.get("gain_standard_error"),
        **facts,
        "lineage": lineage(births, birth_id),
        "learned": learned(own, parse_candidate(formula), ladder) if own else (),
        "trainings": [_training_record(row) for row in own],
    }


def _properties(candidate: Candidate, known: str | None) -> dict[str, Any]:
    """Return what there is to say of a birth's formula, or of one for each group of layers."""
    from actsearch.cli.analyze import properties
    from actsearch.expressions import Layered

    if not isinstance(candidate, Layered):
        return properties(candidate, known)
    whole = {"formula": str(candidate), "fingerprint": candidate.fingerprint()}
    groups = {group: properties(part, None) for group, part in candidate.formulas}
    return {**whole, "size": candidate.size, "latex": candidate.latex(), **groups}


def _training_record(row: Any) -> dict[str, Any]:
    keys = ("rung", "seed", "status", "score", "time_s", "device", "message", "metrics", "curve")
    return {key: getattr(row, key) for key in keys}


def _training_cells(training: dict[str, Any]) -> dict[str, Any]:
    from actsearch.results.charts import sparkline

    parts = (
        f"{key.removesuffix(': score')} {number(value)}"
        for key, value in training["metrics"].items()
        if key.endswith(": score")  # of a joint task
    )
    curve = sparkline([point[2] for point in training["curve"]])
    return {**training, "curve": curve, "by_task": ", ".join(parts)}

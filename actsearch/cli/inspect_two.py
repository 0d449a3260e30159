"""`actsearch inspect A B`: two runs side by side."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from actsearch.durations import format_duration
from actsearch.errors import shorten
from actsearch.results.hall import cost_cell, score_cell, with_error
from actsearch.results.tables import (
    Column,
    Format,
    number,
    printable,
    write_json,
    write_record,
    write_rows,
)

_MOST_BOTH = 12
_MOST_FRONT = 8
_MOST_DIFFERENCES = 40
_MOST_KEYS = 4

#: Keys of the totals -> what a person calls them; the order is that of the table.
_TOTALS = {
    "births": "births",
    "trained": "trained",
    "duplicates": "the same as one seen before",
    "rejected": "rejected before training",
    "screened": "passed over",
    "trained_new": "with a score, no known activation",
    "trainings": "trainings",
    "trainings_ok": "trainings with a score",
    "births_a_minute": "births a minute",
    "elapsed_s": "time of search",
    "training_time_s": "time of training",
    "ended": "ended",
}


def show_two(first: Path, second: Path, fmt: Format) -> None:
    """Print what two runs differ in and what each found."""
    from actsearch.results.two_runs import compare_runs
    from actsearch.trials.account import readable_account

    accounts = readable_account(first), readable_account(second)
    a, b = (one.run for one in accounts)
    said = (one.sentence or None for one in accounts)
    found = {**compare_runs(a, b), "verdict": dict(zip("ab", said, strict=True))}
    if fmt is Format.JSON:
        write_json(found, sys.stdout)
    elif fmt is Format.CSV:
        write_record(found, fmt, sys.stdout)
    else:
        names = (a.name, b.name) if a.name != b.name else (str(first), str(second))
        for view, name in zip((a, b), names, strict=True):
            if view.writer:
                sys.stdout.write(f"{name}: {view.at_work}\n")
        _print(found, names)
        for name, text in zip(names, found["verdict"].values(), strict=True):
            if text:
                sys.stdout.write(f"\nverdict on {printable(name)}: {printable(text)}\n")


def _print(found: Mapping[str, Any], names: tuple[str, str]) -> None:
    from actsearch.results.two_runs import short, side_columns

    out = sys.stdout
    out.write("configurations\n")
    differs = [
        {"key": row["key"], "a": short(row["a"]), "b": short(row["b"])} for row in found["differs"]
    ]
    if differs:
        columns = side_columns(*names, "key", "setting")
        write_rows(columns, differs[:_MOST_DIFFERENCES], Format.TABLE, out)
        _more(len(differs) - _MOST_DIFFERENCES)
    else:
        out.write("the same in all\n")
    totals = {row["what"]: row for row in found["totals"]}
    rows = [
        {"what": what, "a": _total(key, totals[key]["a"]), "b": _total(key, totals[key]["b"])}
        for key, what in _TOTALS.items()
    ]
    out.write("\ntotals\n")
    write_rows(side_columns(*names), rows, Format.TABLE, out)
    out.write("\nbest formulas\n")
    _print_bests(found, names)
    if not found["compares"]:
        keys = found["why_not"]
        more = f" and {len(keys) - _MOST_KEYS} more" if len(keys) > _MOST_KEYS else ""
        listed = printable(", ".join(keys[:_MOST_KEYS]))
        out.write(f"the scores do not compare, as these settings differ: {listed}{more}\n")
    _print_both(found["both"], names)
    _print_times(found["times"], names)
    for side, name in zip("ab", names, strict=True):
        _print_front(found["front"][side], name)


def _total(key: str, value: Any) -> str:
    if value is None:
        return ""
    if key.endswith("_s"):
        return format_duration(value)
    return f"{value:.0f}" if isinstance(value, float) else shorten(str(value), 50)


def _print_bests(found: Mapping[str, Any], names: Sequence[str]) -> None:
    columns = (
        Column("run", "run"),
        Column("what", ""),
        Column("id", "id", right=True),
        Column("formula", "formula", long=True),
        Column("score", "score (n)"),
        Column("rung", "rung", leaves=2),
        Column("gain", "gain over ReLU", leaves=1),
        Column("born", "born at", right=True, leaves=3),
        Column("known", "known as", leaves=4),
    )
    rows: list[dict[str, Any]] = []
    for side, name in zip("ab", names, strict=True):
        for what, title in (("best", "best"), ("best_new", "best new one")):
            row = found[what][side]
            if row is None or (what == "best_new" and row == found["best"][side]):
                continue
            gain = with_error(row["gain_over_relu"], row["gain_standard_error"], signed=True)
            born = None if row["born_s"] is None else format_duration(row["born_s"])
            score = score_cell(row["score"], row["standard_error"], row["n"])
            rows.append(
                {**row, "run": name, "what": title, "score": score, "gain": gain, "born": born}
            )
    if rows:
        write_rows(columns, rows, Format.TABLE, sys.stdout)
    else:
        sys.stdout.write("no formula has a score yet\n")


def _print_both(both: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    sys.stdout.write(f"\nfound by both: {len(both)} functions with a score\n")
    if not both:
        return
    columns = (
        Column("formula", "formula", long=True),
        Column("known", "known as", leaves=1),
        *(
            column
            for side, name in zip("ab", names, strict=True)
            for column in (
                Column(f"rank_{side}", "rank", right=True, leaves=3),
                Column(f"score_{side}", name),
                Column(f"rung_{side}", "rung", leaves=2),
            )
        ),
    )
    rows = [
        {
            **row,
            **{
                f"score_{side}": score_cell(
                    row[f"score_{side}"], row[f"standard_error_{side}"], row[f"n_{side}"]
                )
                for side in "ab"
            },
        }
        for row in both[:_MOST_BOTH]
    ]
    write_rows(columns, rows, Format.TABLE, sys.stdout)
    _more(len(both) - _MOST_BOTH)


def _print_times(times: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    if not times:
        return
    sys.stdout.write("\nwhen the first new formula was born that came to a score\n")
    columns = (
        Column("what", "score of"),
        Column("score", "score", right=True, show=number),
        *(Column(side, name) for side, name in zip("ab", names, strict=True)),
    )
    rows = [{**row, **{side: _born(row, side) for side in "ab"}} for row in times]
    write_rows(columns, rows, Format.TABLE, sys.stdout)


def _born(row: Mapping[str, Any], side: str) -> str:
    if row[f"id_{side}"] is None:
        return "none did"
    born = row[f"born_s_{side}"]
    at = "" if born is None else f"{format_duration(born)}, "
    return f"{at}birth {row[f'id_{side}']}"


def _print_front(front: Sequence[Mapping[str, Any]], name: str) -> None:
    sys.stdout.write(f"\nfront of {printable(name)}: {len(front)} trade-offs, costs by a model\n")
    if not front:
        return
    columns = (
        Column("pick", "", show=lambda pick: "*" if pick else ""),
        Column("id", "id", right=True),
        Column("formula", "formula", long=True),
        Column("score", "score (n)"),
        Column("cost_ns", "cost ns", right=True, show=cost_cell),
        Column("size", "size", right=True),
        Column("known", "known as", leaves=1),
    )
    rows = [
        {**row, "score": score_cell(row["score"], row["standard_error"], row["n"])}
        for row in front[:_MOST_FRONT]
    ]
    write_rows(columns, rows, Format.TABLE, sys.stdout)
    _more(len(front) - _MOST_FRONT)


def _more(n: int) -> None:
    if n > 0:
        sys.stdout.write(f"and {n} more (--format json has all)\n")

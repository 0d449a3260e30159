"""`actsearch runs check RUN`: whether a run is sound, and making it so."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actsearch.cli.options import RUNS_DIR, FormatOption, RunsDirOption, find_run
from actsearch.paths import command
from actsearch.results.tables import Format, printable, write_record

if TYPE_CHECKING:
    from actsearch.runs.checking import Findings
    from actsearch.runs.repair import Repaired


def check(
    context: typer.Context,
    run: Annotated[str, typer.Argument(help="The run (see: actsearch runs).", metavar="RUN")],
    full: Annotated[
        bool, typer.Option("--full", help="Fingerprint every formula, not a sample of them.")
    ] = False,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Where it is damaged, keep the longest beginning that holds together; the damaged "
            "file stays beside it.",
        ),
    ] = False,
    runs_dir: RunsDirOption = RUNS_DIR,
    output: FormatOption = "table",
) -> None:
    """Look whether a run is what was written, and whole; exit code 0 if so, 1 if not.

    The digest is that of the log of all births, decisions and results: two executions of one run
    have the same, on any machine and with any workers.
    """
    from actsearch.runs.checking import check as check_run
    from actsearch.runs.lock import WriterLock
    from actsearch.runs.repair import repair as repair_run

    fmt = Format.named(_said(context, "output", output))
    folder = find_run(run, _said(context, "runs_dir", runs_dir))
    if repair:
        WriterLock(folder).release()  # who writes it is told of before anything else is
    found = check_run(folder, full=full)
    repaired = repair_run(folder) if repair and found.damage else None
    after = check_run(folder, full=full) if repaired else found
    if fmt is Format.TABLE:
        _tell(folder, found, repaired, after)
    else:
        write_record(_record(folder.name, found, repaired, after), fmt, sys.stdout)
    if after.damage:
        raise typer.Exit(1)


def _said(context: typer.Context, name: str, value: Any) -> Any:
    """Return an option's value; what stands before ``check`` counts where none stands behind it."""
    source = context.get_parameter_source(name)
    if context.parent is None or (source is not None and source.name == "COMMANDLINE"):
        return value
    return context.parent.params[name]


def _record(
    name: str, found: Findings, repaired: Repaired | None, after: Findings
) -> dict[str, Any]:
    return {
        "run": name,
        "state": "damaged" if after.damage else "repaired" if repaired else "sound",
        "format": after.format,
        "rows": after.counts,
        "fingerprinted": after.n_fingerprints,
        "digest": after.digest,
        "damage": found.damage,
        "notes": after.notes,
        "repair": None
        if repaired is None
        else {
            "kept": dict(repaired.kept),
            "lost": dict(repaired.lost),
            "lost_at_least": list(repaired.uncounted),
            "trainings_set_aside": repaired.n_aside,
            "damaged_file": str(repaired.damaged),
            "remarks": list(repaired.remarks),
        },
    }


def _tell(folder: Path, found: Findings, repaired: Repaired | None, after: Findings) -> None:
    state = "damaged" if found.damage else "sound: no damage found"
    lines = [f"run '{folder.name}' is {state}"]
    lines += [f"  damage: {one}" for one in found.damage]
    if repaired is not None:
        lines.append("repaired: the longest beginning that holds together was kept")
        for table, n in repaired.kept.items():
            least = " at least" if table in repaired.uncounted else ""
            lines.append(f"  {table}: {n} kept,{least} {repaired.lost[table]} lost")
        if repaired.n_aside:
            lines.append(
                f"  of the others {repaired.n_aside} trainings are whole: they are taken when the "
                "search comes to them again, and not made again"
            )
        lines += [f"  {one}" for one in repaired.remarks]
        lines.append(f"  the damaged file: {repaired.damaged}")
        if after.damage:
            lines += [f"  damage that is left: {one}" for one in after.damage]
    if after.digest is not None:
        rows = ", ".join(f"{table} {n}" for table, n in after.counts.items())
        lines.append(f"  format {after.format}: {rows}")
        lines.append(f"  formulas fingerprinted again: {after.n_fingerprints}")
        lines.append(f"  digest of its log: {after.digest}")
    lines += [f"  note: {one}" for one in after.notes]
    if repaired is not None and not after.damage:
        lines.append(f"go on with it: {command('resume', folder)}")
    elif after.damage:
        lines.append(
            "restore its folder from a copy, or keep what can be kept: "
            f"{command('runs check', folder, '--repair')}"
        )
    for line in lines:
        sys.stdout.write(f"{printable(line)}\n")

"""Options that several commands share, and the small checks of their values."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from actsearch.durations import parse_duration
from actsearch.errors import BadInput, shorten
from actsearch.paths import RUNS_DIR as RUNS_DIR

FormatOption = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="table|json|csv",
        help="How to write the answer; JSON and CSV go to standard output alone.",
    ),
]
RunsDirOption = Annotated[
    Path,
    typer.Option(
        "--runs-dir", metavar="DIR", envvar="ACTSEARCH_RUNS", help="The folder that holds the runs."
    ),
]
TaskOption = Annotated[
    str,
    typer.Option(
        "--task",
        metavar="TASK",
        help="A task (see: actsearch tasks) or path/to/file.py:make_task.",
    ),
]
TaskAgainOption = Annotated[
    str | None,
    typer.Option(
        "--task",
        metavar="TASK",
        help="The run's task once more, where it is a file that was not named here yet, or moved.",
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        envvar="ACTSEARCH_DATA",
        help="Read the data sets in place from this folder (torchvision's layout); for keywords "
        "perhaps a sparse matrix FILE.npz.",
    ),
]
BudgetOption = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="How long to search: 90s, 5m, 1h30m."),
]
BirthsOption = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="How many candidates to breed at most.")
]
SeedFormulaOption = Annotated[
    list[str] | None,
    typer.Option(
        "--seed-formula", metavar="FORMULA", help="Start from this formula too; may be repeated."
    ),
]
SeedRunOption = Annotated[
    str | None,
    typer.Option("--seed-run", metavar="RUN", help="Start from the best of this run too."),
]
TensorboardOption = Annotated[
    bool,
    typer.Option(
        "--tensorboard", help="Write event files for TensorBoard into the folder of the run."
    ),
]
TensorboardDirOption = Annotated[
    Path | None,
    typer.Option(
        "--tensorboard-dir",
        metavar="DIR",
        help="Write them into a folder DIR/RUN, to see several runs side by side.",
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the result.")]

ConfirmOption = Annotated[
    str | None,
    typer.Option(
        "--confirm",
        metavar="TIME|none",
        help="How long to confirm the best with fresh seeds on held-out data, beside all known "
        "activations. [default: as long as the run was searched; 3m15s after the default search]",
    ),
]


def checked_budget(text: str | None) -> str | None:
    """Return the budget as it was given, after making sure that it is a duration.

    Raises:
        BadInput: it is none.
    """
    if text is not None:
        parse_duration(text)
    return text


def find_run(name: str, runs_dir: Path) -> Path:
    """Return the folder of the run ``name``, which may also be given as the path of its folder.

    Raises:
        BadInput: there is no such run; the message names the nearest.
    """
    from actsearch.paths import typed_path
    from actsearch.runs import existing_run, run_names
    from actsearch.runs.folder import lacks_store, misnamed

    given = typed_path(name)
    if len(given.parts) > 1 and given.name and given.parent.is_dir():
        name, runs_dir = given.name, given.parent
    if not run_names(runs_dir) and not misnamed(runs_dir) and not lacks_store(runs_dir / name):
        raise BadInput(
            f"unknown run '{shorten(name)}': there are no runs in {runs_dir} "
            "(start one: actsearch search; or name the folder that holds it: --runs-dir DIR)"
        )
    return existing_run(name, runs_dir)


def as_words(options: Mapping[str, object]) -> list[str]:
    """Return options, by their names, as words of a command."""
    pairs = ((f"--{name.replace('_', '-')}", str(value)) for name, value in options.items())
    return [word for pair in pairs for word in pair]


def note(message: str) -> None:
    """Write a remark to standard error, where it does not mix with the answer."""
    from actsearch.results.tables import printable

    lines = (printable(line) for line in message.split("\n"))
    sys.stderr.write("\n".join(lines) + "\n")

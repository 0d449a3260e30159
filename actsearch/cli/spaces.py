"""`actsearch spaces`: the search spaces that ship, what is in one, and a check of one's own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actsearch.cli.options import FormatOption, note
from actsearch.errors import BadInput
from actsearch.results.tables import Column, Format, printable, write_record, write_rows

if TYPE_CHECKING:
    from actsearch.search.portrait import Sample
    from actsearch.search.space import SearchSpace
    from actsearch.search.space.conditions import ConditionModel

app = typer.Typer(invoke_without_command=True)

COLUMNS = (
    Column("space", "space"),
    Column("description", "what it is", long=True),
    Column("expressions", "expressions"),
    Column("file", "file", long=True),
)
SAMPLES = (
    Column("formula", "formula", long=True),
    Column("curve", "f on [-4, 4]"),
    Column("fault", "turned away before training", long=True),
)
N_SAMPLES = 10
_WINDOW, _N_BARS = 4.0, 33
_OTHERS = 1.0  # what u and o are where functions of x are drawn


@app.callback()
def spaces(context: typer.Context, output: FormatOption = "table") -> None:
    """List the search spaces that ship; `show NAME` describes one, `check FILE` checks your own."""
    if context.invoked_subcommand is not None:
        return
    from actsearch.search import load_space, space_files
    from actsearch.search.portrait import size_of

    fmt = Format.named(output)
    rows = []
    for name, path in space_files().items():
        space = load_space(name)
        size: Any = size_of(space)
        if fmt is Format.TABLE:
            size = amount(size)
        rows.append(
            {
                "space": name,
                "description": space.description,
                "expressions": size,
                "file": str(path),
            }
        )
    write_rows(COLUMNS, rows, fmt, sys.stdout)


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(help="A space that ships, or a space file.", metavar="NAME|FILE")
    ],
    toml: Annotated[
        bool, typer.Option("--toml", help="Print the file itself, as a start for one's own.")
    ] = False,
    n_samples: Annotated[
        int, typer.Option("--samples", metavar="N", min=0, max=1000, help="Formulas to draw.")
    ] = N_SAMPLES,
    seed: Annotated[int, typer.Option(metavar="S", help="Decides which are drawn.")] = 0,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the samples, into a .png, .svg or .pdf file."),
    ] = None,
    output: FormatOption = "table",
) -> None:
    """Describe a space: what it consists of, how many expressions it has, random samples of it."""
    from actsearch.search import load_space
    from actsearch.search.portrait import samples
    from actsearch.search.space import read_space, space_path

    if toml:
        if plot is not None or output != "table":
            raise BadInput("--toml prints the file as it is; leave out --plot and --format")
        sys.stdout.write(read_space(space_path(name)))
        return
    fmt = Format.named(output)
    space = load_space(name)
    drawn = samples(space, n_samples, seed)
    if plot is not None:
        from actsearch.plots.functions import plot_functions

        candidates = [one.expression for one in drawn]
        plot_functions(candidates, plot, f"{space.name}, seed {seed}{_at(space)}")
        note(f"drawn: {plot}")
    if fmt is Format.CSV:
        write_rows(SAMPLES, [_row(one) for one in drawn], fmt, sys.stdout)
        return
    record = _record(space, whole=fmt is Format.JSON)
    if fmt is Format.JSON:
        record["samples"] = [_row(one) for one in drawn]
        write_record(record, fmt, sys.stdout)
        return
    record["expressions"] = amount(record["expressions"])
    if space.conditions:
        record["conditions"] = "; ".join(_condition(one) for one in space.conditions)
    for key in ("unary", "binary", "ternary", "seeds"):  # in full, as they are what is asked for
        if key in record:
            record[key] = ", ".join(record[key])
    write_record(record, fmt, sys.stdout)
    if drawn:
        sys.stdout.write(f"\n{len(drawn)} random formulas (seed {seed}{_at(space)})\n")
        write_rows(SAMPLES, [_row(one) for one in drawn], fmt, sys.stdout)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A space file of your own.", metavar="FILE")],
) -> None:
    """Check a space file; all that is wrong with it comes at once."""
    from actsearch.search import load_space
    from actsearch.search.portrait import N_TRIED, barren_seeds, faulty_seeds, reasons, size_of
    from actsearch.search.space.idle import idle_settings
    from actsearch.search.walk import begins_as_walk, check_searchable

    space = load_space(str(file))
    check_searchable(space)
    tried, faulty = reasons(space), faulty_seeds(space)
    passed = tried.pop("", 0)
    verdict = "fine" if passed else f"none of {N_TRIED} random births would be trained"
    about = printable(space.description) or "no description"
    sys.stdout.write(f"{file}: {verdict} ({about})\n")
    sys.stdout.write(f"expressions: {amount(size_of(space))}; seeds: {len(space.seeds)}\n")
    sys.stdout.write(f"of {N_TRIED} random births {passed} pass the checks before training\n")
    for reason, n in tried.most_common():
        sys.stdout.write(f"  {n:4d}  {reason}\n")
    is_walked = begins_as_walk(space)
    for idle in idle_settings(space, is_walked=is_walked):
        note(idle)
    barren = [] if is_walked else barren_seeds(space)
    if barren:
        note(
            f"{len(barren)} of {len(space.seeds)} seeds have not the form of the space; they are "
            f"trained and have no offspring: {', '.join(map(str, barren))}"
        )
    for seed in faulty:
        note(f"seed {seed.expression} will not be trained: {seed.fault}")
    if not passed:
        note(
            "a search would see its seeds and perhaps little else: loosen what turns most away, or "
            "give seeds and primitives that meet it"
        )


def amount(size: int | None) -> str:
    """Write how many expressions there are."""
    return "no end: constants are drawn" if size is None else f"{size:,}"


def _record(space: SearchSpace, *, whole: bool) -> dict[str, Any]:
    """Return what a space says; where it is not to be whole, without what is as by default."""
    from actsearch.search.portrait import size_of

    settings = space.model_dump(mode="json", exclude_defaults=not whole)
    always: dict[str, Any] = {
        "name": space.name,
        "description": space.description,
        "source": space.source,
    }
    always |= {"expressions": size_of(space), "inputs": list(space.inputs)}
    rest = ("unary", "binary", "ternary", "seeds")
    first = always | {key: list(getattr(space, key)) for key in rest if getattr(space, key)}
    return first | {key: value for key, value in settings.items() if key not in first and value}


def _condition(model: ConditionModel) -> str:
    """Write a condition in words, with what it costs where it is a wish."""
    wish = "" if model.penalty is None else f" (a wish: penalty {model.penalty:g})"
    return f"{model.plain}{wish}"


def _at(space: SearchSpace) -> str:
    """Say what other inputs are where functions are drawn over x."""
    return "".join(f", {name} = {_OTHERS:g}" for name in space.inputs[1:])


def _row(sample: Sample) -> dict[str, Any]:
    import numpy as np

    from actsearch.expressions import parts_of
    from actsearch.results.charts import sparkline

    parts = parts_of(sample.expression)
    x = np.linspace(-_WINDOW, _WINDOW, _N_BARS // len(parts))
    curves = []
    for part in parts:
        values = part.evaluate(x, dict.fromkeys(part.inputs[1:], _OTHERS))
        curves.append(sparkline([float(value) for value in values]))
    formula, curve = str(sample.expression), " ".join(curves)
    return {"formula": formula, "curve": curve, "fault": sample.fault or ""}

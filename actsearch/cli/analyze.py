"""`actsearch analyze`: what a formula does, without training it."""

from __future__ import annotations

import dataclasses
import json
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from actsearch.cli.options import RUNS_DIR, FormatOption, RunsDirOption, note
from actsearch.errors import BadInput
from actsearch.results.tables import Format, jsonable, printable, spelled, write_record

if TYPE_CHECKING:
    from actsearch.expressions import Expression
    from actsearch.results.properties import Section


#: The table's width: names of properties, and what there is to say beside them.
_NAME_COLUMNS, _TEXT_COLUMNS = 22, 58
#: One that no line is broken at.
_SPACE = "\N{NO-BREAK SPACE}"


def analyze(
    formula: Annotated[
        str,
        typer.Argument(
            metavar="FORMULA|NAME|RUN:ID",
            help="As in 'x*tanh(softplus(x))', a known name such as GELU, or a birth of a run.",
        ),
    ],
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw it too, into a .png, .svg or .pdf file."),
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Compile it too and measure what an element costs.")
    ] = False,
    runs_dir: RunsDirOption = RUNS_DIR,
    output: FormatOption = "table",
) -> None:
    """Show the properties of a formula: shape, limits, dead zone, saturation, mean field, hazards.

    A formula that begins with a minus goes behind two: actsearch analyze -- '-x'
    """
    fmt = Format.named(output)
    expression, name = read_formula(formula, runs_dir)
    if plot is not None:
        from actsearch.plots.functions import plot_function

        plot_function(expression, plot)
        note(f"drawn: {plot}")
    cost = None
    if measure:
        from actsearch.kernels.cost import measured_cost

        cost = measured_cost(expression)
    if fmt is Format.TABLE:
        from actsearch.results.properties import NOTE, sections

        write_sections(sections(expression, expression.analyze(), name, cost), sys.stdout)
        sys.stdout.write(f"\n{NOTE}\n")
    else:
        record = told(properties(expression, name), fmt)
        write_record(record | ({} if cost is None else {"measured_ns": cost}), fmt, sys.stdout)


def told(record: dict[str, Any], fmt: Format) -> dict[str, Any]:
    """Return properties as JSON or CSV tell them: infinities by their names, null is undefined."""
    found: dict[str, Any] = spelled(record)
    if fmt is Format.JSON:
        return found
    return {  # what is of several parts stays one cell
        key: json.dumps(jsonable(value)) if isinstance(value, dict) and key != "starts" else value
        for key, value in found.items()
    }


def write_sections(found: Iterable[Section], out: TextIO) -> None:
    """Write sections, 80 columns wide."""
    for index, section in enumerate(found):
        out.write(("\n" if index else "") + f"{section.title}\n")
        for name, text in section.rows:
            whole = printable(text).replace(" %", _SPACE + "%")  # a number keeps its unit
            first, *more = textwrap.wrap(whole, _TEXT_COLUMNS, break_on_hyphens=False)
            lines = [f"  {name:<{_NAME_COLUMNS - 2}}{first}"]
            lines += [f"{'':{_NAME_COLUMNS}}{line}" for line in more]
            out.writelines(line.replace(_SPACE, " ") + "\n" for line in lines)


def read_formula(text: str, runs_dir: Path | None = None) -> tuple[Expression, str | None]:
    """Return the expression that ``text`` writes or names, and the known name of that function.

    Args:
        text: a formula, the name of a known activation in any case (``gelu``), or ``RUN:ID``.
        runs_dir: the folder of the runs.

    Raises:
        BadInput: it is none of these.
    """
    from actsearch.expressions import Layered, parse_candidate
    from actsearch.expressions.known import NAMED, formula_of
    from actsearch.results.view import known_fingerprints

    if ":" in text and "|" not in text:  # else formulas for groups of layers
        from actsearch.trials.saved import formula_in_run

        text = formula_in_run(text.strip(), runs_dir)
    expression = parse_candidate(formula_of(text))
    if isinstance(expression, Layered):
        raise BadInput(
            f"'{expression}' is a formula for each group of layers; give that of one group, as "
            f"'{expression.parts[0]}'"
        )
    return expression, known_fingerprints(NAMED).get(expression.fingerprint())


def _inputs(expression: Expression) -> dict[str, Any]:
    """Return where further inputs stand, of an expression that has such."""
    if len(expression.inputs) == 1:
        return {}
    return {"as a function of x at": ", ".join(f"{name} = 1" for name in expression.inputs[1:])}


def properties(expression: Expression, known: str | None) -> dict[str, Any]:
    """Return what there is to say of an expression: values that show as texts and as JSON."""
    found = expression.analyze()
    return {
        "formula": str(expression),
        "known_as": known,
        "derivative": str(expression.derivative()),
        "latex": expression.latex(),
        "parameters": list(expression.parameters),
        "starts": {name: expression.start_of(name) for name in expression.parameters},
        "per_channel": expression.per_channel if expression.parameters else None,
        **_inputs(expression),
        "size": expression.size,
        "depth": expression.depth,
        "complexity": expression.complexity,
        "fingerprint": expression.fingerprint(),
        **{field.name: getattr(found, field.name) for field in dataclasses.fields(found)},
    }

"""`actsearch analyze`: what a formula does, without training it."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actsearch.cli.options import FormatOption, note
from actsearch.errors import BadInput
from actsearch.results.tables import Format, write_record

if TYPE_CHECKING:
    from actsearch.expressions import Expression


MEASURED = (
    "range, zeros, kinks, steps, dead stretches, symmetry and slopes: on [-10, 10]; mean,\n"
    "variance, shares and distance: under N(0, 1); gain: the factor of He's formula; parameters\n"
    "stand where they start"
)


def analyze(
    formula: Annotated[
        str,
        typer.Argument(
            metavar="FORMULA", help="As in 'x*tanh(softplus(x))', or a known name such as GELU."
        ),
    ],
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw it too, into a .png, .svg or .pdf file."),
    ] = None,
    output: FormatOption = "table",
) -> None:
    """Show the properties of a formula: range, limits, kinks, dead zone, saturation, cost.

    A formula that begins with a minus goes behind two: actsearch analyze -- '-x'
    """
    fmt = Format.named(output)
    expression, name = read_formula(formula)
    if plot is not None:
        from actsearch.plots.functions import plot_function

        plot_function(expression, plot)
        note(f"drawn: {plot}")
    write_record(properties(expression, name), fmt, sys.stdout)
    if fmt is Format.TABLE:
        sys.stdout.write(f"\n{MEASURED}\n")


def read_formula(text: str) -> tuple[Expression, str | None]:
    """Return the expression that ``text`` writes or names, and the known name of that function.

    Args:
        text: a formula, or the name of a known activation in any case (``gelu``).

    Raises:
        BadInput: it is neither.
    """
    from actsearch.expressions import Layered, parse_candidate
    from actsearch.expressions.known import NAMED, formula_of
    from actsearch.results.view import known_fingerprints

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
    """Return what there is to say of an expression, for showing."""
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
        **dataclasses.asdict(expression.analyze()),
    }

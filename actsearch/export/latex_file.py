r"""Write a formula as LaTeX to be read with ``\input``: the mathematics, and tables of the facts.

All that is asked of the document is the package amsmath. What people wrote, such as the name of a
run, goes through ``escaped``; of the formula the printer of expressions makes mathematics.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from actsearch.export.activation import LICENCE, Activation

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "[": "{[}",  # behind the end of a row it would be an option of that, as a star would be
    "*": "{*}",
    "±": r"$\pm$",
}
#: What an analysis says of a limit -> mathematics; a number is one.
_LIMITS = {
    "inf": r"\infty",
    "-inf": r"-\infty",
    "oscillates": r"\text{oscillates}",
    "undefined": r"\text{undefined}",
}
_PARAMETER = re.compile(r"p([0-9]+)\Z")


def latex_files(activation: Activation) -> dict[str, str]:
    """Return the file ``NAME.tex``."""
    return {f"{activation.name}.tex": latex_text(activation)}


def formulas(activation: Activation) -> list[str]:
    """Return the displayed mathematics: the value, then the derivative by each argument."""
    arguments = ", ".join(map(_symbol, activation.inputs))
    several = len(activation.arguments) > 1
    rows = [f"f({arguments}) = {activation.expression.bare().latex()}"]
    for wrt, derivative in activation.derivatives.items():
        left = rf"\frac{{\partial f}}{{\partial {_symbol(wrt)}}}" if several else "f'(x)"
        rows.append(f"{left} = {derivative.bare().latex()}")
    return rows


def latex_text(activation: Activation) -> str:
    """Return the text of a file that a document reads."""
    parts = [
        _comments(activation),
        *(f"\\[\n  {formula}\n\\]" for formula in formulas(activation)),
        *_signs(activation),
        _properties(activation),
        *_measured(activation.measured),
    ]
    return "\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Make text safe in a paragraph or a cell of a table, with any engine of TeX."""
    printable = (ch if ch.isprintable() else "?" for ch in text)
    return "".join(_ESCAPES.get(ch, ch if ch.isascii() else "?") for ch in printable)


def _comments(activation: Activation) -> str:
    facts = {
        "Activation function": activation.name,
        "Formula": activation.expression,
        **activation.provenance,
        "Licence": LICENCE,
        "Made by": r"actsearch; read it with \input in a document that has \usepackage{amsmath}",
    }
    return "\n".join(_comment(f"{key}: {value}") for key, value in facts.items())


def _comment(text: str) -> str:
    return "% " + "".join(ch if ch.isprintable() else "?" for ch in text)


def _symbol(name: str) -> str:
    return _PARAMETER.sub(r"\\theta_{\1}", name)


def _signs(activation: Activation) -> list[str]:
    """Say what signs mean that not everyone uses."""
    text = " ".join(formulas(activation))
    said = []
    if "H\\left(" in text:
        said.append("$H$ is Heaviside's step function, $H(0) = 1/2$")
    if "\\left[" in text:
        said.append("$[\\cdot]$ is 1 where the condition holds, else 0")
    return [f"\\noindent Here {', and '.join(said)}.\n"] if said else []


def _properties(activation: Activation) -> str:
    seen, expression = activation.analysis, activation.expression
    low, high = (_number(value) for value in seen.window_range)
    rows = [
        (rf"${_symbol(p)}$ starts at", f"${_number(v)}$") for p, v in activation.parameters.items()
    ]
    if activation.parameters:
        rows.append(("parameters", "one a channel" if expression.per_channel else "one a layer"))
    rows += [(rf"${_symbol(p)}$ learned", f"${_number(v)}$") for p, v in activation.learned.items()]
    if len(activation.inputs) > 1:
        others = ", ".join(f"${name} = 1$" for name in activation.inputs[1:])
        rows.append(("below, further inputs at", others))
    rows += [
        ("range on $[-10, 10]$", f"${low}$ to ${high}$"),
        (r"limit at $-\infty$", f"${_limit(seen.limits[0])}$"),
        (r"limit at $\infty$", f"${_limit(seen.limits[1])}$"),
        (
            "kinks on $[-10, 10]$",
            ", ".join(f"${_number(kink.x)}$" for kink in seen.kinks) or "none",
        ),
    ]
    if activation.gain is not None:
        rows.append(("gain of initial weights", f"${_number(activation.gain)}$"))
    return _table("ll", rows)


def _limit(text: str) -> str:
    return _LIMITS.get(text, text)


def _measured(measured: Mapping[str, Any]) -> list[str]:
    rows: Sequence[Mapping[str, Any]] = measured.get("rows", ())
    if not rows:
        return []
    head = (
        "activation",
        escaped(str(measured.get("score", "score"))),
        "$n$",
        r"difference [95 \%]",
    )
    cells = [
        (
            escaped(str(row["activation"])),
            _spread(row.get("mean"), row.get("standard_error")),
            str(row.get("n", "")),
            ""
            if row.get("difference") is None
            else f"${row['difference']:+.4g}$ $[{row['low']:+.4g}, {row['high']:+.4g}]$",
        )
        for row in rows
    ]
    said = escaped(str(measured.get("sentence", "")))
    return [f"\n\\noindent {said}\n", _table("lrrr", [head, *cells], ruled=True)]


def _spread(mean: float | None, error: float | None) -> str:
    if mean is None:
        return ""
    return f"${mean:.4g}" + (r"$" if error is None else rf" \pm {error:.2g}$")


def _table(columns: str, rows: Iterable[tuple[str, ...]], *, ruled: bool = False) -> str:
    lines = [f"  {' & '.join(row)} \\\\" for row in rows]
    if ruled:
        lines.insert(1, r"  \hline")
    return "\n".join([rf"\noindent\begin{{tabular}}{{{columns}}}", *lines, r"\end{tabular}"])


def _number(value: float) -> str:
    """Write a number as mathematics: 1.5e-05 as 1.5 times a power of ten."""
    text = f"{value:.6g}"
    if text in ("inf", "-inf", "nan"):
        return {"inf": r"\infty", "-inf": r"-\infty", "nan": r"\text{undefined}"}[text]
    mantissa, _, exponent = text.partition("e")
    return mantissa if not exponent else rf"{mantissa} \cdot 10^{{{int(exponent)}}}"

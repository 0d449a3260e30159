"""What all exported Python files have in common: the docstring, functions, the points of the test.

The pieces are text. Whatever comes from outside goes through ``text.commented`` or
``text.literal`` here, so that a writer can put them together as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from actsearch.export.activation import Activation
from actsearch.export.points import Point
from actsearch.export.text import WIDTH, commented, indented, literal, template, wrapped

_FURTHER = {
    "u": "u is a second projection of the layer's input, with weights of its own",
    "o": "o is the overlap of the layer's input and the weights, between 0 and 1",
}
_ENDS = ("-infinity", "infinity")


def docstring(activation: Activation, uses: str) -> str:
    """Return the docstring that a file begins with: all that is known of the function.

    Args:
        activation: The function.
        uses: What the file needs and how it is used, in plain paragraphs of our own.
    """
    head = f"The activation function {activation.name}, written by actsearch."
    blocks = [head, *facts(activation)]
    blocks += [_paragraph(part) for part in uses.strip().split("\n\n")]
    return '"""' + "\n\n".join(block for block in blocks if block) + '\n"""'


def facts(activation: Activation) -> list[str]:
    """Return what is known of a function, in blocks safe inside a docstring."""
    return [_formula(activation), _scale(activation), _provenance(activation), _scores(activation)]


def constants(activation: Activation) -> str:
    """Return ``METADATA`` and ``GAIN`` as literals."""
    return f"METADATA = {literal(activation.metadata)}\n\nGAIN = {activation.gain!r}"


def signature(activation: Activation, kind: str = "") -> str:
    """Return the arguments of the function: the inputs, then the parameters with their starts.

    Args:
        activation: The function.
        kind: The type hint of all of them, if there is one.
    """
    hint, equals = (f": {kind}", " = ") if kind else ("", "=")
    parts = [f"{name}{hint}" for name in activation.inputs]
    parts += [f"{name}{hint}{equals}{start!r}" for name, start in activation.parameters.items()]
    return ", ".join(parts)


def function(
    name: str,
    arguments: str,
    body: Sequence[str],
    what: str,
    *,
    returns: str = "",
    decorators: Sequence[str] = (),
) -> str:
    """Return a function; ``what`` is its docstring, and may hold text from outside.

    Args:
        name: Its name.
        arguments: Its arguments, as they stand in the parentheses.
        body: Its lines, without indentation.
        what: Its docstring.
        returns: The type hint of what it returns, if there is one.
        decorators: Lines above it, with the ``@``.
    """
    head = f"def {name}({arguments}){f' -> {returns}' if returns else ''}:"
    if len(head) > WIDTH:
        head = head.replace(f"({arguments})", f"(\n    {arguments}\n)")
    return "\n".join([*decorators, head, quoted(what), indented(list(body))])


def quoted(what: str, levels: int = 1) -> str:
    """Return a docstring, indented; ``what`` may hold text from outside."""
    indent = "    " * levels
    text = wrapped(f'"""{commented(what)}"""', indent, "")
    if "\n" not in text:
        return text
    return f'{text.removesuffix(chr(34) * 3)}\n{indent}"""'  # quotes alone on their line


def about(activation: Activation) -> str:
    """Return the docstring's line for the function itself."""
    return f"Compute {activation.expression}."


def about_derivative(activation: Activation, wrt: str) -> str:
    """Return the docstring's line for a derivative."""
    return f"Compute the derivative with respect to {wrt}: {activation.derivatives[wrt]}."


def expected(activation: Activation) -> str:
    """Return the constants of the self-test, and ``_misses``, which compares with them."""
    points = activation.points
    return (
        "# Arguments; the true value and its derivatives by the arguments, computed from the\n"
        "# mathematical definition in high precision; by how many units of rounding, of the type\n"
        "# that is computed in, each may be off.\n"
        f"_EXPECTED = {_rows(points.common)}\n"
        "# The same, where the steps of the formula need the range or the digits of float64.\n"
        f"_WIDE = {_rows(points.wide)}\n\n" + template("python_points.txt").substitute().rstrip()
    )


def main(activation: Activation) -> str:
    """Return the end of a file, which runs its tests."""
    name = activation.name
    return (
        'if __name__ == "__main__":\n'
        "    for _name, _test in list(globals().items()):\n"
        '        if _name.startswith("test_"):\n'
        "            _test()\n"
        f"    print(f\"{name}: {{METADATA['formula']}}: all tests passed\")"
    )


def tuple_of(names: Iterable[str]) -> str:
    """Return names as they stand between the parentheses of a tuple."""
    return "".join(f"{name}, " for name in names).rstrip()


def joined(parts: Iterable[str]) -> str:
    """Return the parts of a file with two empty lines between them."""
    return "\n\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _rows(points: Sequence[Point]) -> str:
    rows = [
        f"    ({point.arguments!r}, {(point.value, *point.slopes)!r}, {point.slack!r}),"
        for point in points
    ]
    return "\n".join(["(", *rows, ")"]) if rows else "()"


def _paragraph(text: str, indent: str = "", hanging: str = "") -> str:
    return wrapped(text, indent, hanging)


def _labelled(label: str, text: str) -> str:
    return wrapped(commented(f"{label}: {text}"))


def _formula(activation: Activation) -> str:
    seen = activation.metadata
    lines = [_labelled("Formula", str(activation.expression)), _labelled("LaTeX", seen["latex"])]
    for wrt in activation.inputs:
        label = "Derivative" if wrt == "x" else f"Derivative by {wrt}"
        lines.append(_labelled(label, str(activation.derivatives[wrt])))
    others = activation.inputs[1:]
    low, high = seen["range_on_10"]
    at = f", where {', '.join(others)} = 1" if others else ""
    lines.append(
        _labelled("Range on [-10, 10], at 20,001 points", f"{_number(low)} to {_number(high)}{at}")
    )
    ends = (f"{limit} at {end}" for limit, end in zip(seen["limits"], _ENDS, strict=True))
    lines.append(_labelled("Limits", ", ".join(ends)))
    kinks = ", ".join(map(_number, seen["kinks_on_10"])) or "none"
    lines.append(_labelled("Kinks on [-10, 10]", kinks))
    if seen["steps_on_10"]:
        steps = ", ".join(map(_number, seen["steps_on_10"]))
        lines.append(_labelled("Steps or poles on [-10, 10]", steps))
    lines += [_labelled("Further input", _FURTHER[name]) for name in others]
    return "\n".join(lines)


def _scale(activation: Activation) -> str:
    lines = []
    if activation.parameters:
        starts = _listed(activation.parameters)
        shared = "channel" if activation.expression.per_channel else "layer"
        lines.append(
            _labelled("Learned parameters, where they start", f"{starts} (one value a {shared})")
        )
        if activation.learned:
            lines.append(_labelled("What they became, on average", _listed(activation.learned)))
    if activation.gain is not None:
        lines.append(
            _labelled(
                "Gain",
                f"{activation.gain:.6g}: searches train it with initial weights of standard "
                "deviation gain / sqrt(fan_in)",
            )
        )
    return "\n".join(lines)


def _provenance(activation: Activation) -> str:
    lines = [_labelled(str(key), str(value)) for key, value in activation.provenance.items()]
    return "\n".join([*lines, "Licence: " + activation.metadata["licence"]])


def _scores(activation: Activation) -> str:
    """Return the measured scores: a sentence, and a table of what stood beside it."""
    measured = activation.measured
    if not measured:
        return ""
    lines = [_labelled("Measured", str(measured.get("sentence", "")))]
    rows = measured.get("rows") or ()
    if rows:
        lines.append(_labelled("Scores", str(measured.get("score", ""))))
        lines += scores_table(rows)
    return "\n".join(lines)


def scores_table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return measured scores as aligned lines, safe inside a docstring."""
    table = [("activation", "mean ± standard error", "n", "difference [low, high]")]
    for row in rows:
        error = row.get("standard_error")
        mean = _number(row.get("mean"), 5) + ("" if error is None else f" ± {_number(error, 2)}")
        apart = ""
        if row.get("difference") is not None:
            low, high = _number(row.get("low"), 3), _number(row.get("high"), 3)
            apart = f"{_number(row['difference'], 3)} [{low}, {high}]"
        table.append((str(row.get("activation", "")), mean, str(row.get("n", "")), apart))
    safe = [tuple(map(commented, cells)) for cells in table]
    widths = [max(map(len, column)) for column in zip(*safe, strict=True)]
    return [
        "    " + "  ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)).rstrip()
        for cells in safe
    ]


def _listed(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} = {_number(value)}" for name, value in values.items())


def _number(value: Any, digits: int = 6) -> str:
    """Write a number, and no -0; what is none stays as it is."""
    return f"{value + 0.0:.{digits}g}" if isinstance(value, int | float) else str(value)

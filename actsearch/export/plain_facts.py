"""What is known of a function as plain text, for places where nothing needs escaping."""

from __future__ import annotations

from actsearch.export.activation import Activation
from actsearch.export.python_text import facts


def plain_facts(activation: Activation, *, latex: bool = True) -> str:
    """Return what is known of a function, in paragraphs of printable lines.

    Args:
        activation: The function.
        latex: Keep the formula in LaTeX.
    """
    blocks = [f"The activation function {activation.name}, written by actsearch."]
    for block in facts(activation):
        rows = block.split("\n")
        blocks.append("\n".join(rows if latex else _without_latex(rows)))
    # Back from what is safe in a docstring.
    return "\n\n".join(block for block in blocks if block).replace('\\"', '"').replace("\\\\", "\\")


def _without_latex(rows: list[str]) -> list[str]:
    kept, inside = [], False
    for row in rows:
        inside = row.startswith("LaTeX: ") or (inside and row.startswith("    "))
        if not inside:
            kept.append(row)
    return kept

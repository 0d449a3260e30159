"""What a function does: range, ends, places, shape, moments, mean field, hazards.

``Expression.analyze()`` is the door to ``measure.analyze``. Here are the values that it returns;
``grid`` has what the conditions of search spaces share with it.
"""

from __future__ import annotations

from actsearch.expressions.analysis.value import (
    Analysis,
    Asymptote,
    End,
    Extremum,
    Hazard,
    Kink,
    MeanField,
    Piece,
    Saturation,
    Zero,
)

__all__ = [
    "Analysis",
    "Asymptote",
    "End",
    "Extremum",
    "Hazard",
    "Kink",
    "MeanField",
    "Piece",
    "Saturation",
    "Zero",
]

"""Poles that lie between the points of a grid.

A network whose pre-activations come near one gets huge values, and no grid is fine enough to see
it. So the arguments of bare primitives are looked at, which are infinite or steep at zero: where
one of them is zero the function may have a pole, or not (``sin(x)/x``), and its values tell.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from actsearch.expressions.expression import Expression
from actsearch.expressions.fingerprint import others
from actsearch.expressions.node import INPUTS, Node
from actsearch.expressions.zeros import Array, Lines, Places

#: Which argument of a bare primitive must not be zero; all others are defined everywhere.
AT_ZERO = {"div": 1, "log": 0, "pow": 0, "sqrt": 0}
#: Parameters start as they do, and training takes them to either side of it.
_FACTORS = (1.0, 0.5, 1.5)
_N_SLICES = 8
#: Distances from a zero, and how much a function with a pole grows at least from the first to the
#: last, or from 1 if that is more, and from the last but one: 1/sqrt(|x|), whose pole is mild, by
#: 30,000 and by 30.
_DISTANCES = np.array([1e-3, 1e-9, 1e-12])
_GROWS, _GROWS_AT_LAST = 100.0, 3.0


class Suspects(NamedTuple):
    """Where a function or its slope may have a pole, and what its other inputs are there.

    Attributes:
        x: Ascending, shape (places,).
        given: Values of further inputs and parameters by name, each of shape (places,).
    """

    x: Array
    given: dict[str, Array]


def suspects(expression: Expression) -> Suspects | None:
    """Return where an argument of a bare primitive is zero, None where none is.

    Parameters are where they start, at half of it and at one and a half times it; further inputs
    are looked at in slices.
    """
    targets = _targets(expression.root)
    if not targets:
        return None
    settings, n_rows = _settings(expression)
    found: Places = Lines(targets, settings, n_rows).dips()
    order = np.argsort(found.x, kind="stable")
    rows = found.rows[order]
    given = {name: values[rows] for name, values in settings.items()}
    return Suspects(found.x[order], given) if len(rows) else None


def first_pole(function: Expression, at: Suspects) -> float | None:
    """Return the least x of the suspected ones at which a function has a pole.

    Args:
        function: That of the suspects, or its derivative.
        at: Where to look.
    """
    steps = _DISTANCES[:, None] * np.maximum(1.0, np.abs(at.x))
    sides = np.stack([at.x - steps, at.x + steps])  # (sides, distances, places)
    sizes = np.abs(function.evaluate(sides, at.given))
    far, near, nearest = np.where(np.isnan(sizes), np.inf, sizes).max(axis=0)
    grows = (nearest > _GROWS * np.maximum(far, 1.0)) & (nearest > _GROWS_AT_LAST * near)
    poles = at.x[grows | np.isinf(nearest)]
    return float(poles[0]) if poles.size else None


def _targets(root: Node) -> list[Node]:
    """Return the arguments that vary and must not be zero."""
    found: dict[Node, None] = {}
    for node in root.walk():
        if node.op in AT_ZERO and not _is_harmless_power(node):
            found[node.args[AT_ZERO[node.op]]] = None
    return [target for target in found if any(leaf.op in INPUTS for leaf in target.walk())]


def _is_harmless_power(node: Node) -> bool:
    """Tell whether it is a power of 1 at least, whose slope is finite at zero as well."""
    exponent = node.args[-1].value
    return node.op == "pow" and exponent is not None and exponent >= 1


def _settings(expression: Expression) -> tuple[dict[str, Array], int]:
    """Return each combination of a slice and a factor of the parameters as a row."""
    n_slices = _N_SLICES if len(expression.inputs) > 1 else 1
    factors = _FACTORS if expression.parameters else _FACTORS[:1]
    slices = others(expression, np.empty(n_slices))
    settings = {name: np.tile(slices[name], len(factors)) for name in expression.inputs[1:]}
    for name in expression.parameters:
        settings[name] = expression.start_of(name) * np.repeat(factors, n_slices)
    return settings, n_slices * len(factors)

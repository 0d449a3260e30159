"""How a computed value is judged against the truth, and what a formula's conditioning allows.

The figure: the computed value is within a tolerance, relative, of the true one (1e-5 in float32,
1e-12 in float64) wherever the true one is a normal number of the format. Formulas made of several
primitives carry the rounding of their parts, and one of them may subtract two of nearly the same
size. What such conditioning amounts to is bounded node by node:

    error(node) = most that the value moves when each argument moves by its own error
                  + the rounding of the node itself, ROUNDING units of it

and a point passes where the computed value is within ``tolerance * |true| + error(root)``. Points
are left out only where the true value of some node, give or take its error, is not a normal number
of the format (nor 0), so that no arithmetic in that format can go on, and right on a kink of a
derivative.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import torch

from actsearch.expressions import Node, reference
from actsearch.expressions.parser import parse_tree
from actsearch.expressions.primitive import FORMALS

#: Digits of a first, fast look; what does not pass is looked at again in more.
FAST_DIGITS = 64


@dataclass(frozen=True)
class Format:
    """A floating-point format, the tolerance promised in it, and digits to know its truth by.

    log(1 + exp(x)) must hold the smallest number of the format, and some more, beside the 1.
    """

    dtype: torch.dtype
    tolerance: float
    digits: int

    @property
    def unit(self) -> float:
        """The largest relative error of one rounding."""
        return torch.finfo(self.dtype).eps / 2

    def normal(self, value: Any) -> bool:
        """Tell whether a number is a normal one of the format."""
        info = torch.finfo(self.dtype)
        return bool(mp.isfinite(value)) and info.tiny <= abs(value) <= info.max

    def round(self, values: list[float]) -> list[float]:
        """Round numbers to the format."""
        rounded: list[float] = torch.tensor(values, dtype=self.dtype).double().tolist()
        return rounded


FLOAT32 = Format(torch.float32, 1e-5, 128)
FLOAT64 = Format(torch.float64, 1e-12, reference.DIGITS)

#: Rounding of a node in units, where it is more than four: exponentials of squares, Bessel
#: functions, products of many factors. Each row by itself stays within the tolerance all the same.
ROUNDING = {
    "gauss": 90,
    "gelu": 90,
    "gelu_d1": 110,
    "gpow_da": 150,
    "i0e_d1": 110,
    "i1e": 24,
    "i1e_d1": 110,
    "i1e_ratio": 24,
    "silu": 6,
    "silu_d1": 8,
    "mish": 8,
    "normal_tail": 8,
    "mish_d1": 10,
    "i0e": 8,
    "sech2": 6,
    "gate": 6,
    "gate_da": 8,
    "aq_db": 12,
    "pow": 24,
}

#: Rows of three arguments are formulas of other rows and are judged as such.
_SPELLED_OUT = {
    name: parse_tree(text, FORMALS)
    for name, text in {
        "rbf": "exp(-(c*(a - b)**2))",
        "laplace": "exp(-(c*abs(a - b)))",
        "mix": "c*a + (1 - c)*b",
        "clip": "min(max(a, b), c)",
    }.items()
}


def spelled_out(node: Node) -> Node:
    """Replace the rows of three arguments by formulas of other rows."""
    args = tuple(spelled_out(arg) for arg in node.args)
    if node.op in _SPELLED_OUT:
        return _substituted(_SPELLED_OUT[node.op], dict(zip(FORMALS, args, strict=True)))
    return Node(node.op, args, node.value)


def _substituted(node: Node, values: Mapping[str, Node]) -> Node:
    if node.op in values:
        return values[node.op]
    return Node(node.op, tuple(_substituted(arg, values) for arg in node.args), node.value)


def passes(computed: float, true: Any, form: Format, extra: Any = 0) -> bool:
    """Tell whether a computed value is as close to the true one as is promised."""
    if not mp.isfinite(computed):
        return bool(mp.isinf(extra))
    return bool(abs(mp.mpf(computed) - true) <= form.tolerance * abs(true) + extra)


_SWINGS = ("sin", "cos", "sinc", "sinc_d1", "sinc_d2")


class LeftOut(Exception):
    """Some node's true value is outside the format."""


def error_bound(root: Node, values: Mapping[str, float], form: Format) -> Any:
    """Return what conditioning and rounding of the nodes may add to the error of ``root``.

    Raises:
        LeftOut: The true value of some node is not a normal number of the format.
    """
    found: dict[Node, tuple[Any, Any]] = {}
    with mp.workdps(reference.DIGITS):
        for node in _upwards(spelled_out(root)):
            if node not in found:
                found[node] = _node_error(node, [found[arg] for arg in node.args], values, form)
    return found[spelled_out(root)][1]


def _upwards(node: Node) -> Iterator[Node]:
    for arg in node.args:
        yield from _upwards(arg)
    yield node


def _node_error(
    node: Node, args: list[tuple[Any, Any]], values: Mapping[str, float], form: Format
) -> tuple[Any, Any]:
    if node.value is not None:
        (rounded,) = form.round([node.value])
        return mp.mpf(node.value), abs(mp.mpf(rounded) - node.value)
    if not node.args:
        return mp.mpf(values[node.op]), mp.mpf(0)
    centre = _apply(node.op, [value for value, _ in args])
    if centre != 0 and not form.normal(centre):
        raise LeftOut
    rounding = ROUNDING.get(node.op, 4) * form.unit * abs(centre)
    if node.op in ("sinc_d1", "sinc_d2"):  # a difference inside: its terms, not the result, count
        rounding = 8 * form.unit * terms_of_sinc(node.op, abs(args[0][0]))
    error = _moved(node.op, args, centre, form) + rounding
    if abs(centre) + error > torch.finfo(form.dtype).max:
        raise LeftOut
    return centre, error


def terms_of_sinc(op: str, size: Any) -> Any:
    """Return how large the terms are whose difference is a slope of sinc."""
    return (size if op == "sinc_d1" else 1) / max(1, size * (size if op == "sinc_d1" else 1))


def _moved(op: str, args: list[tuple[Any, Any]], centre: Any, form: Format) -> Any:
    """Return how far a node moves while its arguments move within their errors."""
    if op in _SWINGS and args[0][1] > 1:  # no few places show what lies between
        value, error = args[0]
        return abs(centre) + (1 if op in ("sin", "cos") else 1 / max(abs(value) - error, 1))
    ends = _most(op, [(v - e, v + e) if e else (v,) for v, e in args], centre)
    if ends <= 1e-3 * abs(centre):
        return ends
    # Far from a straight line: look between the ends too, and at both sides of a singularity.
    tiny = torch.finfo(form.dtype).tiny
    places = []
    for value, error in args:
        inside = [value + error * mp.mpf(k) / 8 for k in range(-8, 9)] if error else [value]
        if error > abs(value):
            inside += [mp.mpf(0), mp.mpf(tiny), -mp.mpf(tiny)]
        places.append(tuple(inside))
    return _most(op, places, centre)


def _most(op: str, places: list[tuple[Any, ...]], centre: Any) -> Any:
    most = mp.mpf(0)
    for args in itertools.product(*places):
        value = _apply(op, list(args))
        if not mp.isfinite(value):
            return mp.inf
        most = max(most, abs(value - centre))
    return most


def _apply(op: str, args: list[Any]) -> Any:
    names = FORMALS[: len(args)]
    program = reference.definition(Node(op, tuple(Node(name) for name in names)), names)
    return reference.evaluate(program, args)


def on_a_kink(node: Node, values: Mapping[str, float], wrt: str) -> bool:
    """Tell whether the slopes on both sides of a point differ."""
    digits = 2 * reference.DIGITS
    with mp.workdps(digits):
        h = abs(mp.mpf(values[wrt])) * mp.mpf(10) ** -250
        left, middle, right = (
            reference.value(node, {**values, wrt: values[wrt] + shift}, digits=digits)
            for shift in (-h, 0, h)
        )
        return bool(abs(right - 2 * middle + left) > 1e-3 * abs(right - left))

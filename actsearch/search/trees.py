"""DEAP's view of a formula: the primitive set of a space, and trees to and from nodes.

Kept apart from the operators because two of DEAP's ways need care: its typed generator asks for a
primitive wherever it may not stop, and its crossover picks among types in the order of a set.
"""

from __future__ import annotations

import math
import random
from typing import Any

from deap import gp

from actsearch.expressions import PRIMITIVES, Node, parse
from actsearch.expressions.node import const, is_parameter
from actsearch.search.space import SearchSpace


class _FixedHash(type):
    """Types that sit in sets in the same order in every process; else a seed means nothing."""

    def __hash__(cls) -> int:
        return len(cls.__name__)


class Value(metaclass=_FixedHash):
    """Type of what a node computes from x."""


class Scalar(metaclass=_FixedHash):
    """Type of an argument that must be a constant or a learnable parameter."""


#: Leaves to be replaced by drawn constants. The scalar one is a primitive without arguments, as
#: DEAP's generator takes one of those where the tree has not yet reached its depth.
_OPEN_VALUE = gp.Terminal("constant", True, Value)
_OPEN_SCALAR = gp.Primitive("constant", [], Scalar)


#: What primitives consist of, for an operator that replaces a part of them; GELU as its publication
#: approximates it. Left out is what has no parts that may be replaced to any purpose (`x*x`).
_FORMS = {
    "abs": "max(x, -x)",
    "elu": "max(x, expm1(min(x, 0)))",
    "gauss": "exp(-x**2)",
    "gelu": "x*sigmoid(1.7*x)",
    "hardswish": "x*hardsigmoid(x)",
    "leaky_relu": "max(x, 0.01*x)",
    "mish": "x*tanh(softplus(x))",
    "silu": "x*sigmoid(x)",
}


def primitive(name: str) -> gp.Primitive:
    """Return the DEAP primitive of a row of the table."""
    row = PRIMITIVES[name]
    operands = row.arity - row.n_scalars
    return gp.Primitive(name, [Value] * operands + [Scalar] * row.n_scalars, Value)


def primitive_set(space: SearchSpace) -> gp.PrimitiveSetTyped:
    """Build the primitive set of a space."""
    pset = gp.PrimitiveSetTyped(space.name, [], Value)
    for name in (*space.unary, *space.binary):
        pset.primitives[Value].append(primitive(name))
    # DEAP draws leaves evenly from a list, so shares are repetitions.
    n_constants = round(12 * space.constants.share)
    inputs = [gp.Terminal(name, True, Value) for name in space.inputs]
    n_each = len(inputs)
    pset.terminals[Value] = inputs * (12 - n_constants) + [_OPEN_VALUE] * (n_constants * n_each)
    pset.primitives[Scalar] = [_OPEN_SCALAR]
    pset.terminals[Scalar] = [_OPEN_SCALAR]
    # `grow` stops early with the probability terms / (terms + primitives).
    pset.terms_count, pset.prims_count = 1, 3
    return pset


def round_constant(value: float) -> float:
    """Round to three significant digits: formulas are for people to read."""
    return float(f"{value:.3g}") if math.isfinite(value) else 1.0


def draw_constant(space: SearchSpace) -> float:
    """Draw a constant with the global generator, as DEAP's own operators do."""
    values = space.constants.values
    if values and random.random() < 0.5:
        return random.choice(values)
    return round_constant(random.gauss(0, space.constants.scale))


def constant_leaf(value: float, kind: type) -> gp.Terminal:
    """Return a leaf that holds a number."""
    return gp.Terminal(value, False, kind)


def fill(tree: list[Any], space: SearchSpace) -> None:
    """Replace the open leaves of a tree by drawn constants, in place."""
    for index, node in enumerate(tree):
        if node is _OPEN_VALUE or node is _OPEN_SCALAR:
            tree[index] = constant_leaf(draw_constant(space), node.ret)


def opened_forms(space: SearchSpace) -> dict[str, list[Any]]:
    """Return what primitives consist of as trees, x in place of the argument.

    Only those are there which consist of what the space offers.
    """
    offered = {*space.unary, *space.binary, "x"}
    if space.constants.share > 0:
        offered.add("const")
    forms = {name: parse(text).root for name, text in _FORMS.items()}
    return {
        name: from_node(root)
        for name, root in forms.items()
        if all(node.op in offered for node in root.walk())
    }


def to_node(tree: list[Any]) -> Node:
    """Turn a tree of DEAP (in prefix order, filled) into a node."""
    stack: list[Node] = []
    for item in reversed(tree):
        if item.arity:
            args = tuple(stack.pop() for _ in range(item.arity))
            stack.append(Node(item.name, args))
        elif isinstance(item.value, float | int):
            stack.append(const(item.value))
        else:
            stack.append(Node(item.value))
    (root,) = stack
    return root


def from_node(node: Node, kind: type = Value) -> list[Any]:
    """Turn a node into DEAP's prefix order; primitives outside the space are kept as they are."""
    if node.value is not None:
        return [constant_leaf(node.value, kind)]
    if not node.args:
        leaf = gp.Terminal(node.op, True, Scalar if is_parameter(node.op) else kind)
        leaf.ret = kind
        return [leaf]
    item = primitive(node.op)
    result = [item]
    for arg, arg_kind in zip(node.args, item.args, strict=True):
        result += from_node(arg, arg_kind)
    return result

"""Formulas as DEAP's trees and back: leaves, the primitives of a space, learned parameters.

A tree is typed. What reads the input has a type of the space's shape (``Value`` in free trees); a
``Scalar`` is a number or a learned parameter, a ``Learned`` is a parameter. So ``rbf(a, b, c)``
keeps a constant for ``c`` whatever the operators do. Trees become nodes and formulas directly:
DEAP's own compilation and parsing execute text, and its crossover picks among types in the order
of a set.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from deap import gp

from actsearch.expressions import Candidate, Expression, Node, parse
from actsearch.expressions.layered import candidate_of
from actsearch.expressions.node import INPUTS, const, is_parameter
from actsearch.search.evolution_draws import draws
from actsearch.search.space import SearchSpace
from actsearch.search.space.primitives import FORMALS, Entry, entry, filled, row_entry


class FixedHash(type):
    """Types that sit in sets in the same order in every process; else a seed means nothing."""

    def __hash__(cls) -> int:
        return len(cls.__name__)


class Value(metaclass=FixedHash):
    """Type of what a node of a free tree computes from x."""


class Scalar(metaclass=FixedHash):
    """Type of an argument that must be a constant or a learnable parameter."""


class Learned(metaclass=FixedHash):
    """Type of an argument that must be a learnable parameter."""


class Parameter(NamedTuple):
    """A learned parameter as a leaf's value; leaves of one key are one parameter.

    ``name`` is what the formula that it was read from calls it, "" where it was read from none.
    """

    start: float
    key: Hashable
    name: str = ""


class Layers(metaclass=FixedHash):
    """Type of a candidate that has a formula for each group of layers."""


#: Leaves to be replaced by what is drawn. Those of scalars are primitives without arguments, as
#: DEAP's generator takes one of those where the tree has not yet reached its depth.
_OPEN_VALUE = gp.Terminal("constant", True, Value)
_OPEN_SCALAR = gp.Primitive("constant", [], Scalar)
_OPEN_LEARNED = gp.Primitive("parameter", [], Learned)
_OPEN_PARAMETER = gp.Terminal("parameter", True, Value)
_OPEN = (_OPEN_VALUE, _OPEN_SCALAR, _OPEN_LEARNED, _OPEN_PARAMETER)


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


class EntryPrimitive(gp.Primitive):
    """A primitive of a space, with its entry."""

    def __init__(self, item: Entry, operands: Sequence[type], ret: type) -> None:
        kinds = [Learned if item.learned else Scalar] * len(item.slots)
        super().__init__(item.name, [*operands, *kinds], ret)
        self.entry = item


#: A factor on an edge, learned or not; it is there whatever the space offers.
FACTOR = Entry("factor", 1, Node("mul", (Node("s0"), Node("x"))), ("s0",))


def factor(ret: type) -> EntryPrimitive:
    """Return the primitive that puts a factor on an edge of a type."""
    return EntryPrimitive(FACTOR, [ret], ret)


def is_factor(item: Any) -> bool:
    """Tell whether an item of a tree is a factor on an edge."""
    return isinstance(item, EntryPrimitive) and item.entry is FACTOR


@dataclass(frozen=True)
class Offered:
    """The entries of a space by what they take, with how often each stands in a list to draw from.

    DEAP draws evenly from a list, so weights are repetitions.
    """

    entries: tuple[Entry, ...]
    repeats: tuple[int, ...]

    def of(self, n_operands: int) -> list[tuple[Entry, int]]:
        """Return those of so many operands, with their repetitions."""
        pairs = zip(self.entries, self.repeats, strict=True)
        return [(one, n) for one, n in pairs if one.n_operands == n_operands]


def offered(space: SearchSpace) -> Offered:
    """Return the entries of a space."""
    lists = ((1, space.unary), (2, space.binary), (3, space.ternary))
    entries, repeats = [], []
    for n_operands, texts in lists:
        for text in texts:
            weight = space.weights.get(text, 1.0)
            if weight > 0:
                entries.append(entry(text, n_operands))
                repeats.append(max(1, round(10 * weight)) if space.weights else 1)  # in tenths
    return Offered(tuple(entries), tuple(repeats))


def row_primitive(name: str, ret: type = Value) -> EntryPrimitive:
    """Return the primitive of a row of the table, whether or not a space offers it."""
    item = row_entry(name)
    return EntryPrimitive(item, [ret] * item.n_operands, ret)


def round_constant(value: float) -> float:
    """Round to three significant digits: formulas are for people to read."""
    return float(f"{value:.3g}") if math.isfinite(value) else 1.0


def draw_constant(space: SearchSpace) -> float:
    """Draw a constant with the global generator, as DEAP's own operators do."""
    values = space.constants.values
    if values and (space.constants.scale == 0 or draws.random() < 0.5):
        return draws.choice(values)
    return round_constant(draws.gauss(0, space.constants.scale))


def constant_leaf(value: float, kind: type) -> gp.Terminal:
    """Return a leaf that holds a number."""
    return gp.Terminal(value, False, kind)


def parameter_leaf(parameter: Parameter, kind: type) -> gp.Terminal:
    """Return a leaf that holds a learned parameter."""
    return gp.Terminal(parameter, False, kind)


def input_leaf(name: str, kind: type) -> gp.Terminal:
    """Return a leaf that reads an input."""
    return gp.Terminal(name, True, kind)


def is_number(node: Any) -> bool:
    """Tell whether a leaf holds a number."""
    return not node.arity and isinstance(getattr(node, "value", None), float | int)


def is_learned(node: Any) -> bool:
    """Tell whether a leaf holds a learned parameter."""
    return not node.arity and isinstance(getattr(node, "value", None), Parameter)


def primitive_set(space: SearchSpace) -> gp.PrimitiveSetTyped:
    """Build the primitive set of a space of free trees."""
    pset = gp.PrimitiveSetTyped(space.name, [], Value)
    entries = offered(space)
    for n_operands in (1, 2, 3):
        for one, n in entries.of(n_operands):
            pset.primitives[Value] += [EntryPrimitive(one, [Value] * n_operands, Value)] * n
    # DEAP draws leaves evenly from a list, so shares are repetitions.
    n_constants = round(12 * space.constants.share)
    n_parameters = round(12 * space.parameters.share) if space.parameters.max else 0
    n_inputs = max(1, 12 - n_constants - n_parameters)
    inputs = [input_leaf(name, Value) for name in space.inputs]
    pset.terminals[Value] = [
        *inputs * n_inputs,
        *[_OPEN_VALUE] * (n_constants * len(inputs)),
        *[_OPEN_PARAMETER] * (n_parameters * len(inputs)),
    ]
    for kind, leaf in ((Scalar, _OPEN_SCALAR), (Learned, _OPEN_LEARNED)):
        pset.primitives[kind] = [leaf]
        pset.terminals[kind] = [leaf]
    # `grow` stops early with the probability terms / (terms + primitives).
    pset.terms_count, pset.prims_count = 1, 3
    return pset


_keys = itertools.count()
_CLIP = "clip"
#: What a parameter is called in a node until it has its number; no primitive begins so.
_UNNUMBERED = "?"


def fill(tree: list[Any], space: SearchSpace) -> None:
    """Replace the open leaves of a tree by what is drawn for them, in place."""
    for index, node in enumerate(tree):
        if node is _OPEN_VALUE or node is _OPEN_SCALAR:
            tree[index] = constant_leaf(draw_constant(space), node.ret)
        elif node is _OPEN_LEARNED or node is _OPEN_PARAMETER:
            tree[index] = parameter_leaf(draw_parameter(space), node.ret)


def order_bounds(tree: list[Any]) -> None:
    """Put the bounds of each clip into order, in place: the other way round it is a constant."""
    for place, item in enumerate(tree):
        if item.name != _CLIP or not item.arity:
            continue
        high = gp.PrimitiveTree(tree).searchSubtree(place).stop - 1
        leaves = tree[high - 1], tree[high]
        if all(map(is_number, leaves)) and leaves[0].value > leaves[1].value:
            tree[high - 1], tree[high] = leaves[1], leaves[0]


def as_new(tree: list[Any]) -> list[Any]:
    """Return a tree whose learned leaves are parameters of their own, each another one."""
    return [
        parameter_leaf(Parameter(node.value.start, ("new", next(_keys))), node.ret)
        if is_learned(node)
        else node
        for node in tree
    ]


def draw_parameter(space: SearchSpace) -> Parameter:
    """Return a parameter that is none of those there are."""
    starts = space.parameters.starts
    start = starts[0] if len(starts) == 1 else draws.choice(starts)
    return Parameter(start, ("new", next(_keys)))


def open_leaf(kind: type) -> Any:
    """Return the leaf that stands for a number or a parameter still to be drawn."""
    return _OPEN_LEARNED if kind is Learned else _OPEN_SCALAR


def opened_forms(space: SearchSpace) -> dict[str, list[Any]]:
    """Return what primitives consist of as trees, x in place of the argument.

    Only those are there which consist of what the space offers.
    """
    offers = {*space.unary, *space.binary, "x"}
    if space.constants.share > 0:
        offers.add("const")
    forms = {name: parse(text).root for name, text in _FORMS.items()}
    return {
        name: from_node(root)
        for name, root in forms.items()
        if all(node.op in offers for node in root.walk())
    }


def to_node(tree: Sequence[Any]) -> Node:
    """Turn a tree of DEAP (in prefix order, filled) into a node; parameters by first occurrence."""
    return _numbered(tree)[0]


class LayersItem(EntryPrimitive):
    """The root of a tree that has a formula for each group of layers."""

    def __init__(self, groups: tuple[str, ...], kind: type) -> None:
        formals = FORMALS[len(groups)]
        body = Node("layers", tuple(map(Node, formals)))
        super().__init__(Entry("layers", len(groups), body), [kind] * len(groups), Layers)
        self.groups = groups


def subtrees(tree: Sequence[Any]) -> list[list[Any]]:
    """Return the trees below a root that is one of layers, else the tree itself."""
    if not isinstance(tree[0], LayersItem):
        return [list(tree)]
    parts, begin, whole = [], 1, gp.PrimitiveTree(tree)
    for _ in tree[0].groups:
        stretch = whole.searchSubtree(begin)
        parts.append(list(whole[stretch]))
        begin = stretch.stop
    return parts


def to_candidate(tree: Sequence[Any], *, per_channel: bool = False) -> Candidate:
    """Turn a filled tree into a formula, or into one for each group of layers."""
    found = [to_expression(part, per_channel=per_channel) for part in subtrees(tree)]
    if not isinstance(tree[0], LayersItem):
        return found[0]
    return candidate_of(list(zip(tree[0].groups, found, strict=True)))


def to_expression(tree: Sequence[Any], *, per_channel: bool = False) -> Expression:
    """Turn a filled tree into a formula, with where its parameters start."""
    node, parameters = _numbered(tree)
    starts = tuple((f"p{k}", one.start) for k, one in enumerate(parameters))
    return Expression(node, starts, per_channel)


def extent(tree: Sequence[Any]) -> tuple[int, int]:
    """Return how many nodes the formula of a tree has, and how deep it is, without making it."""
    stack: list[tuple[int, int]] = []
    for item in reversed(tree):
        args = [stack.pop() for _ in range(item.arity)]
        stack.append(item.entry.extent(args) if args else (1, 0))
    (found,) = stack
    return found


def parameters_of(tree: Sequence[Any]) -> list[Parameter]:
    """Return the parameters of a tree's formula in the order of their numbers there."""
    return _numbered(tree)[1] if any(map(is_learned, tree)) else []


def _numbered(tree: Sequence[Any]) -> tuple[Node, list[Parameter]]:
    """Return the node of a tree and its parameters, numbered by first occurrence in the node.

    What a function makes no use of, such as the operand of the constant 0, is not in the node.
    """
    leaves: dict[Hashable, Parameter] = {}
    stack: list[Node] = []
    for item in reversed(tree):
        if item.arity:
            args = [stack.pop() for _ in range(item.arity)]
            stack.append(item.entry.applied(args))
        elif isinstance(item.value, Parameter):
            leaves.setdefault(item.value.key, item.value)
            stack.append(Node(f"{_UNNUMBERED}{list(leaves).index(item.value.key)}"))
        elif isinstance(item.value, float | int):
            stack.append(const(item.value))
        else:
            stack.append(Node(item.value))
    (root,) = stack
    if not leaves:
        return root, []
    used = dict.fromkeys(node.op for node in root.walk() if node.op.startswith(_UNNUMBERED))
    names = {old: Node(f"p{k}") for k, old in enumerate(used)}
    by_number = list(leaves.values())
    return filled(root, names), [by_number[int(old.removeprefix(_UNNUMBERED))] for old in used]


def leaf_of(node: Node, kind: type, expression: Expression | None = None) -> gp.Terminal:
    """Return the leaf of a node without arguments.

    Args:
        node: A number, an input or a parameter.
        kind: Type of the leaf.
        expression: What the node is of: it tells where its parameters start, and parameters of
            different expressions are different ones.
    """
    if node.value is not None:
        return constant_leaf(node.value, kind)
    if is_parameter(node.op):
        start = 1.0 if expression is None else expression.start_of(node.op)
        return parameter_leaf(Parameter(start, (str(expression), node.op), node.op), kind)
    assert node.op in INPUTS
    return input_leaf(node.op, kind)


def from_node(node: Node, kind: type = Value, expression: Expression | None = None) -> list[Any]:
    """Turn a node into DEAP's prefix order; primitives outside the space are kept as they are."""
    if not node.args:
        return [leaf_of(node, kind, expression)]
    item = row_primitive(node.op)
    result: list[Any] = [item]
    for arg, arg_kind in zip(node.args, item.args, strict=True):
        result += from_node(arg, arg_kind, expression)
    return result

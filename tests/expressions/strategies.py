"""Random trees: hypothesis strategies for the algebra, a plain seeded generator for the figures.

Both draw from every public row of the table; where a row wants a scalar it gets a constant or a
learnable parameter, as the grammar asks.
"""

from __future__ import annotations

import random

from hypothesis import strategies as st

from actsearch.expressions import PRIMITIVES, Expression, Node
from actsearch.expressions.node import const
from actsearch.expressions.parser import MAX_CONSTANT
from actsearch.expressions.primitive import Primitive

PUBLIC = tuple(row for row in PRIMITIVES.values() if not row.internal)
LEAVES = ("x", "u", "p0", "p1")

#: Every magnitude that a formula may hold, both signs, and the whole numbers that people write.
constants = st.one_of(
    st.integers(-20, 20).map(float),
    st.floats(-10, 10),
    st.floats(-MAX_CONSTANT, MAX_CONSTANT, allow_nan=False),
    st.builds(
        lambda mantissa, exponent: mantissa * 10.0**exponent,
        st.floats(-9.9, 9.9),
        st.integers(-300, 29),
    ),
).map(const)

parameters = st.sampled_from(["p0", "p1"]).map(Node)


@st.composite
def trees(
    draw: st.DrawFn,
    max_size: int = 15,
    rows: tuple[Primitive, ...] = PUBLIC,
    leaves: tuple[str, ...] = LEAVES,
) -> Node:
    """Draw a tree of at most ``max_size`` nodes over ``rows``."""
    fitting = [row for row in rows if row.arity < max_size]
    if not fitting or draw(st.integers(0, 4)) == 0:
        return draw(st.one_of(st.sampled_from(leaves).map(Node), constants))
    row = draw(st.sampled_from(fitting))
    left = max_size - 1
    args = []
    for position in range(row.arity):
        behind = row.arity - position - 1
        if position >= row.arity - row.n_scalars:
            arg = draw(st.one_of(constants, parameters))
        else:
            share = left - behind if behind == 0 else draw(st.integers(1, left - behind))
            arg = draw(trees(share, rows, leaves))
        left -= arg.size
        args.append(arg)
    return Node(row.name, tuple(args))


@st.composite
def expressions(draw: st.DrawFn, max_size: int = 15) -> Expression:
    """Draw a formula, with starts of its parameters among others, one a layer or a channel."""
    drawn = constants.map(lambda node: node.value or 0.0)
    starts = st.one_of(st.sampled_from([1.0, 0.25, 0.0]), drawn)
    given = draw(st.dictionaries(st.sampled_from(["p0", "p1", "p2"]), starts))
    return Expression(draw(trees(max_size)), tuple(given.items()), draw(st.booleans()))


def node_of(row: Primitive, leaves: tuple[str, ...] = ("x", "u", "o")) -> Node:
    """Return a row applied to plain variables; its scalars are ``p0`` and ``p1``."""
    n_plain = row.arity - row.n_scalars
    names = [*leaves[:n_plain], *(f"p{index}" for index in range(row.n_scalars))]
    return Node(row.name, tuple(Node(name) for name in names))


def random_trees(n: int, seed: int, sizes: tuple[int, int] = (3, 15)) -> list[Node]:
    """Return ``n`` different trees that read ``x``, their sizes ramped over ``sizes``.

    The same seed gives the same trees; nothing but ``random`` is used.
    """
    source = random.Random(seed)
    low, high = sizes
    if low < 3:
        raise ValueError("there are too few trees of one or two nodes to draw many different ones")
    found: dict[Node, None] = {}
    while len(found) < n:
        tree = _tree(source, low + len(found) % (high - low + 1))
        if any(node.op == "x" for node in tree.walk()):
            found[tree] = None
    return list(found)


def _tree(source: random.Random, size: int) -> Node:
    if size == 1:
        return _leaf(source)
    row = source.choice([row for row in PUBLIC if row.arity < size])
    n_plain = row.arity - row.n_scalars
    # Scalars are single nodes; what remains is cut at random places among the other arguments.
    left = size - 1 - row.n_scalars
    cuts = sorted(source.sample(range(1, left), n_plain - 1))
    shares = [b - a for a, b in zip([0, *cuts], [*cuts, left], strict=True)]
    args = [_tree(source, share) for share in shares]
    return Node(row.name, (*args, *(_scalar(source) for _ in range(row.n_scalars))))


def _leaf(source: random.Random) -> Node:
    drawn = source.random()
    if drawn < 0.7:
        return Node("x")
    return Node(source.choice(("u", "p0", "p1"))) if drawn < 0.8 else _constant(source)


def _scalar(source: random.Random) -> Node:
    return Node(source.choice(("p0", "p1"))) if source.random() < 0.4 else _constant(source)


def _constant(source: random.Random) -> Node:
    drawn = source.random()
    if drawn < 0.4:
        return const(source.choice((-3, -2, -1, 0, 1, 2, 3, 6)))
    if drawn < 0.8:
        return const(round(source.uniform(-3, 3), 2))
    return const(float(f"{source.choice((-1, 1)) * 10 ** source.uniform(-6, 6):.3g}"))

"""The operators that change one tree: each with what it looks for in a parent.

Structure: DEAP's insertion, shrinking, node replacement and regrowing (Koza 1992; Poli, Langdon and
McPhee 2008). Learned factors on edges and their removal: Bingham and Miikkulainen 2022, Discovering
Parametric Activation Functions. *Free* and *freeze* tie learning to evolution: a constant becomes a
parameter that starts there, a parameter becomes a constant at the mean of what it was learned to
be, so constants are tuned by gradients at no extra training.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deap import gp

from actsearch.expressions import Expression
from actsearch.search.evolution_draws import draws
from actsearch.search.rounding import rounded
from actsearch.search.space import SearchSpace
from actsearch.search.trees.shapes import Shape
from actsearch.search.trees.tree import (
    Layers,
    Learned,
    Parameter,
    Scalar,
    constant_leaf,
    draw_parameter,
    factor,
    is_factor,
    is_learned,
    is_number,
    open_leaf,
    parameter_leaf,
    parameters_of,
    round_constant,
    to_expression,
)

#: A tree of DEAP with ``learned``, the values that its parameters were learned to be.
Tree = Any


@dataclass(frozen=True)
class Operator:
    """One way to change a tree in place, and whether a tree has what it works on."""

    change: Callable[[Tree], Any]
    finds: Callable[[Tree], bool] = lambda _tree: True


def operators_of(
    space: SearchSpace, shape: Shape, opened: Mapping[str, list[Any]]
) -> dict[str, Operator]:
    """Return the operators by the names that a space file has for them.

    Args:
        space: Says which constants and parameters there are.
        shape: The form of the trees.
        opened: What primitives consist of, for ``open``.
    """
    pset, is_free = shape.pset, not space.shape.template
    learns = space.parameters.max > 0
    listed = space.constants.scale == 0
    places = functools.partial(
        _numbers,
        constants=not listed or len(set(space.constants.values)) > 1,
        parameters=learns and (not listed or len(set(space.parameters.starts)) > 1),
    )
    return {
        "insert": Operator(lambda tree: gp.mutInsert(tree, pset), lambda _tree: is_free),
        "delete": Operator(gp.mutShrink, lambda _tree: is_free),
        "replace": Operator(
            lambda tree: gp.mutNodeReplacement(tree, pset) if is_free else _replace(tree, pset)
        ),
        "regrow": Operator(
            lambda tree: gp.mutUniform(tree, lambda pset, type_: shape.subtree(type_), pset)  # noqa: ARG005
        ),
        "perturb": Operator(
            lambda tree: _perturb(tree, places(tree), space), lambda tree: bool(places(tree))
        ),
        "open": Operator(
            lambda tree: _open(tree, opened, pset),
            lambda tree: any(node.name in opened for node in tree),
        ),
        "add_parameter": Operator(
            lambda tree: _add_parameter(tree, space),
            lambda tree: len(parameters_of(tree)) < space.parameters.max,
        ),
        "drop_parameter": Operator(
            lambda tree: _drop_parameter(tree, space),
            lambda tree: learns and bool(_droppable(tree)),
        ),
        "free": Operator(
            _free,
            lambda tree: len(parameters_of(tree)) < space.parameters.max and bool(_numbers(tree)),
        ),
        "freeze": Operator(
            lambda tree: _freeze(tree, space), lambda tree: learns and bool(_droppable(tree))
        ),
    }


def _numbers(tree: Tree, *, constants: bool = True, parameters: bool = False) -> list[int]:
    """Return the places of constants and of learned parameters, if they count."""
    return [
        i
        for i, node in enumerate(tree)
        if (constants and is_number(node)) or (parameters and is_learned(node))
    ]


def _droppable(tree: Tree) -> list[Parameter]:
    """Return the parameters that no primitive of the space brings with it."""
    fixed = {node.value.key for node in tree if is_learned(node) and node.ret is Learned}
    return [one for one in parameters_of(tree) if one.key not in fixed]


def _perturb(tree: Tree, places: list[int], space: SearchSpace) -> None:
    """Scale a constant, or where a parameter starts, by a log-normal factor.

    Now and then with the other sign. Where all constants are of a list, take another of it; where a
    parameter starts is then of the list of starts.
    """
    place = draws.choice(places)
    chosen = tree[place]
    old = chosen.value if is_number(chosen) else chosen.value.start
    if space.constants.scale == 0:
        listed = space.constants.values if is_number(chosen) else space.parameters.starts
        value = draws.choice([one for one in listed if one != old])
    else:
        scale = draws.lognormvariate(0, 0.5) * (-1 if draws.random() < 0.1 else 1)
        value = round_constant((old or 0.1) * scale)
    if is_number(chosen):
        tree[place] = constant_leaf(value, chosen.ret)
    else:
        _put_start(tree, chosen.value, value)


def _replace(tree: Tree, pset: gp.PrimitiveSetTyped) -> None:
    """Put another primitive for one of a template, the root among them, over the same operands."""
    place = draws.choice([i for i, node in enumerate(tree) if node.arity and not is_factor(node)])
    old, whole = tree[place], tree.searchSubtree(place)
    n = old.entry.n_operands
    alike = [one for one in pset.primitives[old.ret] if one.args[:n] == old.args[:n]]
    new = draws.choice([one for one in alike if one.entry.n_operands == n and one != old])
    end, below = place + 1, []
    for _ in range(n):
        part = tree.searchSubtree(end)
        below += tree[part]
        end = part.stop
    slots = [open_leaf(kind) for kind in new.args[n:]]
    kept = tree[end : whole.stop] if new.args[n:] == old.args[n:] else slots
    tree[whole] = [new, *below, *kept]


def _open(tree: Tree, opened: Mapping[str, list[Any]], pset: gp.PrimitiveSetTyped) -> None:
    """Write one primitive out as what it consists of, and replace a part of that."""
    place = draws.choice([i for i, node in enumerate(tree) if node.name in opened])
    whole = tree.searchSubtree(place)
    form = list(opened[tree[place].name])
    part = draws.choice([i for i, node in enumerate(form) if node.arity])
    alike = [
        one
        for one in pset.primitives[form[part].ret]
        if one.args == form[part].args and one.name != form[part].name
    ]
    form[part] = draws.choice(alike)
    argument = tree[place + 1 : whole.stop]
    tree[whole] = [below for node in form for below in (argument if node.name == "x" else [node])]


def _add_parameter(tree: Tree, space: SearchSpace) -> None:
    """Put a learned factor on an edge, the one above the root among them."""
    edges = [i for i, node in enumerate(tree) if node.ret not in (Scalar, Learned, Layers)]
    place = draws.choice(edges)
    whole, kind = tree.searchSubtree(place), tree[place].ret
    leaf = parameter_leaf(draw_parameter(space), Scalar)
    tree[whole] = [factor(kind), *tree[whole], leaf]


def _drop_parameter(tree: Tree, space: SearchSpace) -> None:
    """Take a parameter out: a factor goes, elsewhere its start stays as a constant."""
    parameter = draws.choice(_droppable(tree))
    _drop_factors(tree, parameter)
    _put_constant(tree, parameter, _constant(parameter.start, space))


def _free(tree: Tree) -> None:
    """Turn a constant into a parameter that starts there."""
    place = draws.choice(_numbers(tree))
    leaf = tree[place]
    tree[place] = parameter_leaf(Parameter(leaf.value, ("freed", place)), leaf.ret)


def _freeze(tree: Tree, space: SearchSpace) -> None:
    """Turn a parameter into a constant at what it was learned to be, rounded if that is free."""
    parameter = draws.choice(_droppable(tree))

    def learned(one: Parameter) -> float:  # a parent's are known by the names its formula has
        return tree.learned.get(one.name, one.start)

    def frozen(value: float) -> Expression:
        copy = gp.PrimitiveTree(tree)
        for other in parameters_of(tree):
            _put_start(copy, other, learned(other))
        _put_constant(copy, parameter, value)
        return to_expression(copy)

    value = rounded(learned(parameter), frozen)
    if value == 1:
        _drop_factors(tree, parameter)
    _put_constant(tree, parameter, _constant(value, space))


def _constant(value: float, space: SearchSpace) -> float:
    """Return a number that a space has for it: the nearest where all are of a list."""
    if space.constants.scale > 0:
        return value
    return min(space.constants.values, key=lambda one: abs(one - value))


def _put_start(tree: Tree, parameter: Parameter, start: float) -> None:
    """Let a parameter start elsewhere, wherever it stands."""
    for place, node in enumerate(tree):
        if is_learned(node) and node.value.key == parameter.key:
            tree[place] = parameter_leaf(node.value._replace(start=start), node.ret)


def _put_constant(tree: Tree, parameter: Parameter, value: float) -> None:
    """Put a constant for a parameter wherever it stands."""
    for place, node in enumerate(tree):
        if is_learned(node) and node.value.key == parameter.key:
            tree[place] = constant_leaf(value, node.ret)


def _drop_factors(tree: Tree, parameter: Parameter) -> None:
    """Take the factors off that are this parameter."""
    for place in reversed(range(len(tree))):  # what lies behind a place is done by then
        if is_factor(tree[place]):
            whole = tree.searchSubtree(place)
            leaf = tree[whole.stop - 1]
            if is_learned(leaf) and leaf.value.key == parameter.key:
                tree[whole] = tree[whole][1:-1]

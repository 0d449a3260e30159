"""Settings that a space file gives and that do nothing there."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

from actsearch.expressions import parse_candidate
from actsearch.search.space.model import SearchSpace
from actsearch.search.space.primitives import entry
from actsearch.search.space.template import read_template


@dataclass(frozen=True)
class _Rule:
    """Keys of one table of the file, and when they do nothing."""

    table: str
    keys: tuple[str, ...]
    holds: Callable[[SearchSpace], bool]
    why: str


def idle_settings(space: SearchSpace, *, is_walked: bool) -> list[str]:
    """Return a sentence for each group of settings that are written down and change nothing.

    What is written as 0 is meant to do nothing, and not told.

    Args:
        space: Any space.
        is_walked: Its expressions are walked through from the beginning.
    """
    found = [f"no effect: {name} (no template has a place for it)" for name in _unread(space)]
    for rule in (*_RULES, *(_WALKED if is_walked else ())):
        table = functools.reduce(getattr, rule.table.split("."), space)
        written = [
            f"{rule.table}.{key}"
            for key in rule.keys
            if key in table.model_fields_set and getattr(table, key) != 0
        ]
        if written and rule.holds(space):
            found.append(f"no effect: {', '.join(written)} ({rule.why})")
    return found


def _has_template(space: SearchSpace) -> bool:
    return bool(space.shape.template)


def _adds_no_parameters(space: SearchSpace) -> bool:
    return space.parameters.max == 0


def learns_nothing(space: SearchSpace) -> bool:
    """Return whether neither operators nor primitives bring parameters; seeds may."""
    entries = (space.unary, space.binary, space.ternary)
    offered = [entry(text, n) for n, texts in enumerate(entries, 1) for text in texts]
    brings = any(one.learned and one.slots for one in offered)
    return space.parameters.max == 0 and not brings


def _unread(space: SearchSpace) -> list[str]:
    """Return the inputs and lists of primitives that templates and seeds leave out."""
    templates = [read_template(text) for text in space.shape.template]
    if not templates:
        return []
    reads = {name for seed in space.seeds for name in parse_candidate(seed).inputs}
    reads = reads.union(*(one.inputs for one in templates))
    places = set().union(*(one.kinds for one in templates))
    any_input = any(one.n_cores for one in templates)
    inputs = [name for name in space.inputs if name not in reads and not any_input]
    lists = {1: "unary", 2: "binary", 3: "ternary"}
    return [
        *(f"the input {name}" for name in inputs),
        *(name for n, name in lists.items() if n not in places and getattr(space, name)),
    ]


_FREE = "it is for free trees, and the space has a template"
_NONE = "parameters.max is 0"
_WALK = "the space is walked through, not bred in"
_RULES = (
    _Rule(
        "shape",
        ("max_nodes", "max_depth", "min_random_depth", "max_random_depth"),
        _has_template,
        _FREE,
    ),
    _Rule("constants", ("share",), _has_template, _FREE),
    _Rule(
        "parameters",
        ("share",),
        lambda space: _has_template(space) and space.parameters.max > 0,
        _FREE,
    ),
    _Rule("evolution.operators", ("insert", "delete", "open"), _has_template, _FREE),
    _Rule("parameters", ("share",), _adds_no_parameters, _NONE),
    _Rule("parameters", ("starts", "per"), learns_nothing, f"{_NONE}, and no primitive has any"),
    _Rule(
        "evolution.operators",
        ("add_parameter", "drop_parameter", "free", "freeze"),
        _adds_no_parameters,
        _NONE,
    ),
    _Rule(
        "evolution",
        ("objectives",),
        lambda space: space.evolution.selection != "nsga2",
        'selection is not "nsga2"',
    ),
    _Rule(
        "evolution",
        ("tournament", "parsimony"),
        lambda space: space.evolution.selection == "nsga2",
        'selection is "nsga2"',
    ),
)
_WALKED = (
    _Rule(
        "evolution",
        ("population", "random_births", "selection", "objectives", "tournament", "parsimony"),
        lambda _: True,
        _WALK,
    ),
    _Rule("evolution", ("operators",), lambda _: True, _WALK),
    _Rule("screening", ("offspring", "unscreened", "twin"), lambda _: True, _WALK),
)

"""The shipped spaces by what is bred from them: all of it can be trained, and keeps to the file.

What a space promises is computed here anew, on random points, rather than by the checks that the
search itself relies on.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from actsearch import kernels
from actsearch.expressions import KNOWN, Expression, parse, parse_candidate, parts_of
from actsearch.expressions.checks import FLOAT32_MAX, GRID
from actsearch.expressions.conditions import Condition
from actsearch.expressions.cost import modelled_cost
from actsearch.expressions.fingerprint import others
from actsearch.expressions.known import formula_of
from actsearch.expressions.node import MAX_PARAMETERS
from actsearch.search.evolution import Breeder, Parent
from actsearch.search.faults import Faults
from actsearch.search.space import SearchSpace, load_space, space_files
from actsearch.search.space.conditions import plain_conditions

NAMES = sorted(space_files())
#: Of so many parents is bred; what was born takes the places of the seeds one by one.
N_PARENTS = 40
Points = NDArray[np.float64]


def births(space: SearchSpace, n: int, seed: int) -> Iterator[tuple[str, Expression, str | None]]:
    """Yield births, and why they are turned away, if so.

    A third of them is random, the others are bred from the seeds and what was born before.
    """
    breeder, faults = Breeder(space, seed), Faults(space)
    population = [Parent(k, text, -k / 1000) for k, text in enumerate(space.seeds)]
    for number in range(len(population), len(population) + n):
        if number % 3 == 0:
            born = breeder.random(number)
        else:
            born = breeder.breed(number, population)
        fault = faults.of(born.expression)
        for part in parts_of(born.expression):
            yield born.operator, part, fault
        if fault is None:
            learned = dict.fromkeys(born.expression.parameters, 0.7)
            parent = Parent(number, str(born.expression), -number / 1000, learned)
            population = [*population[-N_PARENTS:], parent]


def value_at(expression: Expression, points: Points) -> Points:
    return expression.evaluate(points, others(expression, points))


def kept_within(expression: Expression, settings: dict[str, Any], points: Points) -> bool:
    low, high = settings.get("low", -np.inf), settings.get("high", np.inf)
    values = expression.evaluate(points)
    return bool(((values >= low - 1e-6) & (values <= high + 1e-6)).all())


def no_secant_is_steeper(expression: Expression, settings: dict[str, Any], points: Points) -> bool:
    left, right = points, points + np.abs(points[::-1]) / 100 + 1e-3
    rises = np.abs(expression.evaluate(right) - expression.evaluate(left))
    return bool((rises <= settings["at_most"] * (right - left) * (1 + 1e-4) + 1e-9).all())


def rises_on_both_sides(expression: Expression, settings: dict[str, Any], points: Points) -> bool:
    """Take the mean magnitude of the slope for the total variation over the width."""
    near, far = settings.get("near", 2.0), settings.get("far", 8.0)
    places = np.linspace(near, far, 4001)
    means = [
        np.abs(np.diff(expression.evaluate(side))).sum() / (far - near)
        for side in (places, -places)
    ]
    return min(means) >= settings["at_least"] * 0.99


def is_as_cheap(expression: Expression, settings: dict[str, Any], points: Points) -> bool:
    most = settings["factor"] * modelled_cost(parse(formula_of(settings["at_most_of"])))
    return modelled_cost(expression) <= most * (1 + 1e-9)


#: Of the hard conditions in shipped spaces: whether a function meets one on points.
HOLDS: dict[str, Callable[[Expression, dict[str, Any], Points], bool]] = {
    "bounded": kept_within,
    "positive": lambda e, _, points: bool(
        (e.evaluate(points[np.abs(points) < 10], dtype=np.float32) > 0).all()
    ),
    "zero-at-zero": lambda e, _, points: abs(float(e.evaluate(0.0))) < 1e-6,
    "slope": rises_on_both_sides,
    "lipschitz": no_secant_is_steeper,
    "cost": is_as_cheap,
}


def random_points(seed: int) -> Points:
    """Return points as pre-activations lie, and some that are far out."""
    rng = np.random.default_rng(seed)
    return np.concatenate([3 * rng.standard_normal(300), rng.uniform(-12, 12, 200)])


def check_form(space: SearchSpace, expression: Expression) -> None:
    text = str(expression)
    assert parse(text) == expression, text
    assert set(expression.inputs) <= set(space.inputs), text
    most = max(
        space.parameters.max or MAX_PARAMETERS,
        *(len(parse_candidate(seed).parameters) for seed in space.seeds),
    )
    assert len(expression.parameters) <= most, text
    if expression.parameters:
        assert expression.per_channel == (space.parameters.per == "channel"), text


def check_function(expression: Expression, conditions: list[Condition], points: Points) -> None:
    text = str(expression)
    given = others(expression, GRID)
    given |= {name: given[name] * expression.start_of(name) for name in expression.parameters}
    values = expression.evaluate(GRID, given)
    slopes = expression.derivative().evaluate(GRID, given)
    assert (np.abs(values) <= FLOAT32_MAX).all(), text
    assert (np.abs(slopes) <= FLOAT32_MAX).all(), text
    tensors = [
        torch.tensor(GRID if name == "x" else given[name], dtype=torch.float32)
        for name in (*expression.inputs, *expression.parameters)
    ]
    tensors[0].requires_grad_()
    computed = expression.compile("eager")(*tensors)
    (slope,) = torch.autograd.grad(computed.sum(), tensors[0])
    assert torch.isfinite(computed).all(), text
    assert torch.isfinite(slope).all(), text
    assert not changes_sign_through_infinity(expression), text
    for condition in conditions:
        assert HOLDS[condition.kind](expression, dict(condition.settings), points), (
            f"{text} is not {condition}"
        )


def changes_sign_through_infinity(expression: Expression) -> bool:
    """Close in on every change of sign on random points: a pole is huge on both sides of it."""
    compiled = expression.compile("eager")
    held = [torch.tensor(0.37, dtype=torch.float64) for _ in expression.inputs[1:]]
    held += [
        torch.tensor(expression.start_of(p), dtype=torch.float64) for p in expression.parameters
    ]

    def at(x: torch.Tensor) -> torch.Tensor:
        return compiled(x, *(one.expand_as(x) for one in held)).detach()

    source = torch.Generator().manual_seed(zlib.crc32(str(expression).encode()))
    x = 20 * torch.rand(20_001, generator=source, dtype=torch.float64).sort().values - 10
    signs = at(x).sign()
    places = torch.nonzero(signs[1:] * signs[:-1] < 0)[:, 0]
    low, high, sign = x[places], x[places + 1], signs[places]
    for _ in range(60 if len(places) else 0):
        middle = (low + high) / 2
        same = at(middle).sign() == sign
        low, high = torch.where(same, middle, low), torch.where(same, high, middle)
    return bool(((at(low).abs() > 1e10) & (at(high).abs() > 1e10)).any())


def survey(name: str, n: int, n_native: int) -> None:
    """Look at ``n`` births of a space; ``n_native`` of those that pass are compiled to C."""
    space, seed = load_space(name), zlib.crc32(name.encode())
    conditions = [one for one in plain_conditions(space.conditions) if one.is_hard]
    passed, operators, reads = [], set(), set()
    for number, (operator, expression, fault) in enumerate(births(space, n, seed)):
        check_form(space, expression)
        operators.add(operator)
        if fault is None:
            check_function(expression, conditions, random_points(number))
            passed.append(expression)
            reads |= set(expression.inputs)
    assert len(passed) > n / 5
    assert reads == set(space.inputs)
    assert "random" in operators
    assert len(operators) >= 4
    some = passed[:: max(1, len(passed) // n_native)]
    kernels.prepare(some)
    assert [kernels.fallback(expression) for expression in some] == [None] * len(some)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_what_is_bred_can_be_trained_and_keeps_to_the_space(name: str) -> None:
    survey(name, 300, n_native=4)


@pytest.mark.nightly
@pytest.mark.parametrize("name", NAMES)
def test_so_do_ten_thousand(name: str) -> None:
    survey(name, 10_000, n_native=100)


@pytest.mark.parametrize("name", NAMES)
def test_seeds_are_worth_training_and_keep_to_the_space(name: str) -> None:
    space = load_space(name)
    conditions = [one for one in plain_conditions(space.conditions) if one.is_hard]
    for text in space.seeds:
        assert Faults(space).of(parse_candidate(text)) is None, text
        for part in parts_of(parse_candidate(text)):
            check_function(part, conditions, random_points(0))
    if set(space.seeds) != set(KNOWN.values()):  # of those two have one function, and two names
        prints = {parse_candidate(text).fingerprint() for text in space.seeds}
        assert len(prints) == len(space.seeds)


def test_the_conditions_of_shipped_spaces_are_all_looked_at() -> None:
    found = {
        condition.kind
        for name in NAMES
        for condition in plain_conditions(load_space(name).conditions)
        if condition.is_hard
    }
    assert found == set(HOLDS)

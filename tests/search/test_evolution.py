"""Breeding: deterministic in any process, within the space, with every operator doing its work."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actsearch.expressions import PRIMITIVES, Expression, parse, parse_candidate, parts_of
from actsearch.search.evolution import Breeder, Parent
from actsearch.search.space import SearchSpace, load_space, space_files, space_from
from actsearch.search.trees.tree import from_node, opened_forms, to_node

SPACE = load_space("default")
PARENTS = [Parent(i, text, 1 - 0.01 * i) for i, text in enumerate(SPACE.seeds)]


def only(operator: str, space: SearchSpace = SPACE) -> SearchSpace:
    values = space.model_dump()
    names = values["evolution"]["operators"]
    values["evolution"]["operators"] = {name: float(name == operator) for name in names}
    return space_from(values, "test")


def digest_of_births() -> str:
    breeder = Breeder(SPACE, 7)
    births = [breeder.random(k) for k in range(60)]
    births += [breeder.breed(k, PARENTS) for k in range(60, 360)]
    text = "\n".join(f"{b.operator} {b.parents} {b.expression}" for b in births)
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("hash_seed", ["0", "1", "77"])
def test_other_processes_breed_the_same(hash_seed: str) -> None:
    code = "from test_evolution import digest_of_births; print(digest_of_births())"
    path = [str(Path(__file__).parent), *sys.path]
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == digest_of_births()


def test_the_global_generator_is_left_as_it_was() -> None:
    random.seed(5)
    expected = random.random()
    random.seed(5)
    Breeder(SPACE, 0).breed(3, PARENTS)
    assert random.random() == expected


def test_what_another_thread_draws_changes_no_birth() -> None:
    """A cluster's connection draws from the global generator, and so may a user's own code."""
    digest, over = digest_of_births(), threading.Event()

    def draw() -> None:
        while not over.is_set():
            random.random()

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        assert {digest_of_births() for _ in range(5)} == {digest}
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("name", sorted(space_files()))
@settings(max_examples=150, deadline=None)
@given(number=st.integers(0, 10**6), seed=st.integers(0, 100), scratch=st.booleans())
def test_births_lie_in_the_space(name: str, number: int, seed: int, scratch: bool) -> None:
    space = load_space(name)
    parents = [Parent(i, text, 0.5) for i, text in enumerate(space.seeds)]
    breeder = Breeder(space, seed)
    born = breeder.random(number) if scratch else breeder.breed(number, parents)
    tree = breeder.shape.read(born.expression)
    assert tree is not None
    assert breeder.shape.fits(tree)
    seeds = [part for text in space.seeds for part in parts_of(parse_candidate(text))]
    seed_ops = {node.op for part in seeds for node in part.root.walk()}
    allowed = {*space.unary, *space.binary, *space.ternary, "factor", "layers"} | seed_ops
    assert {item.name for item in tree if item.arity} <= allowed
    assert parse_candidate(str(born.expression)) == born.expression


@pytest.mark.parametrize(
    "operator", ["crossover", "insert", "delete", "replace", "regrow", "perturb", "open"]
)
def test_each_operator_changes_its_parents(operator: str) -> None:
    breeder = Breeder(only(operator), 3)
    texts = ["silu(x)*sigmoid(1.5*x)", "max(abs(x), 0.25*x) + 0.5", "sin(x)*gauss(x - 1)"]
    parents = [Parent(i, text, 0.9) for i, text in enumerate(texts)]
    made: Counter[str] = Counter()
    for number in range(80):
        born = breeder.breed(number, parents)
        made[born.operator] += 1
        if born.operator != operator:
            continue
        of = [parse(texts[parent]) for parent in born.parents]
        assert isinstance(born.expression, Expression)
        assert len(of) == (2 if operator == "crossover" else 1)
        assert born.expression not in of
        sizes = [parent.size for parent in of]
        if operator == "insert":
            assert born.expression.size > sizes[0]
        if operator == "delete":
            assert born.expression.size < sizes[0]
        if operator == "perturb":
            assert born.expression.size == sizes[0]
            assert _shape(born.expression.root) == _shape(of[0].root)
        if operator == "open":
            assert born.expression.size > sizes[0]
        if operator == "replace":
            assert sum(_differences(born.expression.root, of[0].root)) == 1
    assert made[operator] >= 70


def test_opened_forms_are_what_they_stand_for() -> None:
    forms = opened_forms(SPACE)
    assert {"silu", "elu", "abs"} <= set(forms)
    assert "hardswish" not in forms  # hardsigmoid, of which it consists, is not in the space
    x = np.linspace(-6, 6, 241)
    for name, form in forms.items():
        itself = parse(f"{name}(x)").evaluate(x)
        tolerance = 0.03 if name == "gelu" else 1e-12  # the sigmoid form is an approximation
        assert Expression(to_node(form)).evaluate(x) == pytest.approx(itself, abs=tolerance), name


def test_opening_keeps_the_argument_and_all_around_it() -> None:
    breeder = Breeder(only("open"), 3)
    bred = [breeder.breed(k, [Parent(0, "tanh(silu(sin(x)) + 2)", 1.0)]) for k in range(60)]
    texts = {str(one.expression) for one in bred if one.operator == "open"}
    assert "tanh(sin(x)*tanh(sin(x)) + 2)" in texts
    assert "tanh(max(sin(x), sigmoid(sin(x))) + 2)" in texts
    assert all(text.startswith("tanh(") and text.count("sin(x)") == 2 for text in texts)


def _shape(node: object) -> object:
    return (node.op, tuple(_shape(arg) for arg in node.args))  # type: ignore[attr-defined]


def _differences(a: object, b: object) -> list[bool]:
    args = zip(a.args, b.args, strict=True)  # type: ignore[attr-defined]
    below = [same for pair in args for same in _differences(*pair)]
    return [(a.op, a.value) != (b.op, b.value), *below]  # type: ignore[attr-defined]


def test_better_and_smaller_parents_are_preferred() -> None:
    breeder = Breeder(only("insert"), 0)
    parents = [Parent(i, f"tanh({i + 1}*x)", -float(i)) for i in range(20)]
    chosen = Counter(p for k in range(300) for p in breeder.breed(k, parents).parents)
    # The best of four draws from twenty is among the first five with probability 0.68.
    assert sum(chosen[i] for i in range(5)) > 0.5 * sum(chosen.values())
    twins = [Parent(0, "relu(relu(relu(relu(x))))", 0.5), Parent(1, "relu(x)", 0.5)]
    chosen = Counter(p for k in range(300) for p in breeder.breed(k, twins).parents)
    assert chosen[1] > 1.1 * chosen[0]


def test_operators_are_drawn_among_those_that_find_something_to_work_on() -> None:
    values = SPACE.model_dump()
    shares = {"open": 0.4, "perturb": 0.4, "insert": 0.2}
    operators = values["evolution"]["operators"]
    values["evolution"]["operators"] = {name: shares.get(name, 0.0) for name in operators}
    breeder = Breeder(space_from(values, "test"), 0)
    for text, expected in (
        ("tanh(x)", {"insert"}),
        ("tanh(2*x)", {"insert", "perturb"}),
        ("silu(x)", {"insert", "open"}),
    ):
        parents = [Parent(0, text, 1.0)]
        assert {breeder.breed(k, parents).operator for k in range(60)} == expected


def test_a_space_without_constants_gets_none_by_opening() -> None:
    values = SPACE.model_dump() | {"constants": {"share": 0.0}}
    forms = opened_forms(space_from(values, "test"))
    assert "silu" in forms
    assert not {"elu", "gelu", "leaky_relu"} & set(forms)


def test_a_space_without_an_operators_material_still_breeds() -> None:
    space = space_from({"name": "t", "unary": ["relu"], "seeds": ["mix(x, 1, 0.5)"]}, "test")
    breeder = Breeder(space, 0)
    for number in range(200):
        breeder.breed(number, [Parent(0, "mix(x, 1, 0.5)", 1.0)])


@settings(max_examples=100, deadline=None)
@given(number=st.integers(0, 10**6))
def test_trees_and_nodes_round_trip(number: int) -> None:
    expression = Breeder(load_space("default"), 1).random(number).expression
    assert isinstance(expression, Expression)
    node = expression.root
    assert to_node(from_node(node)) == node


def test_every_row_has_a_deap_primitive() -> None:
    for row in PRIMITIVES.values():
        operands = row.arity - row.n_scalars
        text = f"{row.name}({', '.join(['x'] * operands + ['0.5'] * row.n_scalars)})"
        root = parse(text).root
        assert to_node(from_node(root)) == root

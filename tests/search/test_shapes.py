"""Shapes: what is drawn is in the space, is read back as it was drawn, and is counted right."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actsearch.expressions import Layered, parse, parse_candidate
from actsearch.search.evolution import Breeder, Parent
from actsearch.search.evolution_draws import seeded
from actsearch.search.space import SearchSpace, load_space, space_files, space_from
from actsearch.search.trees.shapes import Shape, shape_of
from actsearch.search.trees.tree import fill, to_candidate, to_expression
from actsearch.search.walk import check_searchable


def space(**settings: Any) -> SearchSpace:
    return space_from({"name": "t", "seeds": [], **settings}, "test")


def all_of(shape: Shape) -> list[str]:
    assert shape.size is not None
    return [str(to_expression(shape.at(k))) for k in range(shape.size)]


@pytest.mark.parametrize("name", sorted(space_files()))
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_what_is_drawn_is_read_back(name: str, seed: int) -> None:
    the_space = load_space(name)
    shape = shape_of(the_space)
    with seeded(seed):
        tree = shape.random()
        fill(tree, the_space)
    candidate = to_candidate(tree)
    again = shape.read(candidate)
    assert again is not None
    assert to_candidate(again) == candidate
    assert tree[0].ret is shape.root


def test_a_template_is_counted_and_walked_through() -> None:
    shape = shape_of(
        space(
            unary=["relu", "neg", "1"], binary=["add", "max"], shape={"template": "b(u(x), u(x))"}
        )
    )
    found = all_of(shape)
    assert shape.size == len(found) == 2 * 3 * 3
    assert set(found) >= {"relu(x) + -x", "max(1, 1)", "max(-x, relu(x))"}
    assert len(set(found)) == 18
    with pytest.raises(IndexError):
        shape.at(18)


@pytest.mark.parametrize(("n", "expected"), [(1, 4), (2, 4 + 2 * 4 * 4), (3, 36 + 5 * 4**3)])
def test_repeated_cores_are_counted(n: int, expected: int) -> None:
    # Forms of n cores are the binary trees of n nodes (1, 2, 5, ...), each core filled in 4 ways.
    shape = shape_of(
        space(
            unary=["tanh"],
            binary=["add", "sub", "max", "min"],
            shape={"template": "b(u(core), u(core))", "repeats": [1, n]},
        )
    )
    assert shape.size == expected
    assert len(set(all_of(shape))) == expected


@pytest.mark.parametrize(
    ("max_nodes", "max_depth", "expected"),
    [(1, 3, 1), (2, 3, 2), (3, 3, 2 + 1 + 1), (3, 1, 1 + 1 + 1), (4, 3, 4 + 1 + 1 + 2)],
)
def test_free_trees_are_counted(max_nodes: int, max_depth: int, expected: int) -> None:
    # x; tanh(x); tanh(tanh(x)), x + x; and with 4 nodes tanh^3, tanh(x + x), x + tanh(x), ...
    shape = shape_of(
        space(
            unary=["tanh"],
            binary=["add"],
            constants={"share": 0},
            shape={"max_nodes": max_nodes, "max_depth": max_depth},
        )
    )
    assert shape.size == expected
    assert len(set(all_of(shape))) == expected


def test_no_more_parameters_are_counted_than_may_be() -> None:
    settings: dict[str, Any] = {
        "unary": ["tanh", "p0*x"],
        "binary": ["add"],
        "shape": {"template": "b(u(x), u(x))"},
    }
    most = {n: shape_of(space(**settings, parameters={"max": n})) for n in (1, 2)}
    assert [most[n].size for n in (1, 2)] == [3, 4]
    assert "p0*x + p1*x" not in all_of(most[1])
    assert set(all_of(most[2])) - set(all_of(most[1])) == {"p0*x + p1*x"}
    free = {"unary": ["p0*x"], "constants": {"share": 0}, "shape": {"max_nodes": 6}}
    for n, expected in ((1, ["x", "p0*x"]), (2, ["x", "p0*x", "p0*(p1*x)"])):
        assert all_of(shape_of(space(**free, parameters={"max": n}))) == expected
    unread = space(**settings, parameters={"max": 0, "share": 0.5})
    assert shape_of(unread).size == 4  # none is added, and primitives bring what they bring


def test_drawn_trees_of_a_finite_space_are_among_the_counted() -> None:
    the_space = space(
        unary=["tanh", "p0*x"],
        binary=["add", "mix"],
        constants={"share": 0.2, "scale": 0, "values": [0.5, 2]},
        shape={"max_nodes": 4, "max_depth": 2, "max_random_depth": 2},
    )
    shape = shape_of(the_space)
    counted = set(all_of(shape))
    for k in range(400):
        with seeded(k):
            tree = shape.random()
            fill(tree, the_space)
        if shape.fits(tree):
            assert str(to_expression(tree)) in counted


TEMPLATES = ("b(core, core)", "u(x)", "b(u(core), u(x))", "b(u(x), x)", "u(b(u(core), core))")


@settings(max_examples=40, deadline=None)
@given(
    templates=st.lists(st.sampled_from(TEMPLATES), min_size=1, max_size=3, unique=True),
    n=st.integers(1, 3),
    seed=st.integers(0, 10**6),
)
def test_templates_count_what_they_draw_and_read_what_they_count(
    templates: list[str], n: int, seed: int
) -> None:
    repeats = [1, n if any("core" in one for one in templates) else 1]
    shape = shape_of(
        space(
            unary=["tanh", "relu"],
            binary=["add"],
            shape={"template": templates, "repeats": repeats},
        )
    )
    assert shape.size is not None
    counted = {str(to_expression(shape.at(k))) for k in range(min(shape.size, 400))}
    assert all(shape.read(parse(text)) is not None for text in counted)
    with seeded(seed):
        drawn = {str(to_expression(shape.random())) for _ in range(40)}
    assert shape.size > 400 or drawn <= counted


def test_numbers_that_are_listed_twice_are_counted_once() -> None:
    lists: dict[str, Any] = {
        "unary": ["tanh", "p0*x"],
        "binary": ["add"],
        "shape": {"max_nodes": 3, "max_depth": 2},
        "constants": {"values": [1.0, 1.0, 2.0], "scale": 0},
        "parameters": {"max": 1, "starts": [0.5, 0.5]},
    }
    found = all_of(shape_of(space(**lists)))
    assert len(found) == len(set(found)) > 10


def test_a_space_of_drawn_constants_has_no_end() -> None:
    assert shape_of(load_space("default")).size is None
    assert (
        shape_of(space(binary=["mix"], unary=["x"], shape={"template": "b(u(x), u(x))"})).size
        is None
    )
    finite = space(unary=["tanh"], constants={"share": 0})
    assert shape_of(finite).size is not None


def test_published_spaces_have_the_published_sizes() -> None:
    assert shape_of(load_space("actbench")).size == 7 * 27 * 27 == 5103
    # 1,023,524 are in the authors' data base, with the eight seeds.
    aquasurf = load_space("aquasurf")
    assert shape_of(aquasurf).size == 1_023_524 - len(aquasurf.seeds)
    assert (len(load_space("pangaea").unary), len(load_space("pangaea").binary)) == (27, 7)
    one_core = 10 * 25 * 25
    assert shape_of(load_space("swish")).size == one_core + 2 * one_core**2 + 5 * one_core**3


@pytest.mark.parametrize(
    ("formula", "name", "is_there"),
    [
        ("x*sigmoid(p0*x)", "swish", True),
        ("cos(x) - x", "swish", True),
        ("gelu(x)", "swish", False),
        ("1/x + relu(x)", "actbench", True),
        ("relu(x)", "actbench", False),
        ("tanh(tanh(tanh(x)))", "actbench", False),
    ],
)
def test_what_has_not_the_form_is_not_read(formula: str, name: str, is_there: bool) -> None:
    assert (shape_of(load_space(name)).read(parse(formula)) is not None) == is_there


def test_weights_decide_how_often_a_primitive_is_drawn() -> None:
    the_space = space(
        unary=["tanh", "relu", "sin"],
        binary=["add"],
        weights={"tanh": 3.0, "sin": 0.0},
        shape={"template": "b(u(x), u(x))"},
    )
    shape = shape_of(the_space)
    assert shape.size == 4  # what is never drawn is not in the space
    with seeded(0):
        text = " ".join(str(to_expression(shape.random())) for _ in range(400))
    assert 2.4 < text.count("tanh") / text.count("relu") < 3.7
    assert "sin" not in text


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"template": "q(x)"}, "is no template"),
        ({"template": "x"}, "is no template"),
        ({"template": "b(u(x))"}, "is no template"),
        ({"template": "t(u(x), u(x), u(x))"}, "can't be filled: there is no ternary primitive"),
        ({"template": "b(u(x), o)"}, "reads o: add it to 'inputs'"),
        ({"template": "b(u(x), u(x))", "repeats": [1, 3]}, "need a template with 'core'"),
        ({"template": "b(u(core), x)", "repeats": [3, 1]}, "the smaller first"),
        ({"template": "b(u(core), x)", "repeats": [0, 1]}, "from 1 to"),
    ],
)
def test_templates_that_cannot_be(shape: dict[str, Any], message: str) -> None:
    from actsearch.errors import BadInput

    with pytest.raises(BadInput, match=message):
        space(unary=["relu"], binary=["add"], shape=shape)


def test_layers_have_a_tree_each() -> None:
    the_space = space(
        unary=["tanh", "relu"],
        binary=["add"],
        constants={"share": 0},
        shape={"layers": ["last", "input"], "max_nodes": 2, "max_depth": 1},
    )
    shape = shape_of(the_space)
    found = [str(to_candidate(shape.at(k))) for k in range(shape.size or 0)]
    assert len(found) == len(set(found)) == 3 * 3  # x, tanh(x), relu(x) for each of two groups
    assert "input: relu(x) | last: tanh(x)" in found
    assert "tanh(x)" in found  # the same for both
    for text in found:
        tree = shape.read(parse_candidate(text))
        assert tree is not None
        assert shape.fits(tree)
        assert str(to_candidate(tree)) == text
    assert shape.read(parse_candidate("input: relu(x) | hidden: tanh(x) | last: x")) is None
    with pytest.raises(IndexError):
        shape.at(9)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shape": {"layers": ["input"]}}, "two or three of input, hidden, last"),
        ({"shape": {"layers": ["input", "middle"]}}, "layers"),
        ({"shape": {"layers": ["input", "last"]}, "parameters": {"max": 1}}, "with layers"),
        ({"shape": {"layers": ["input", "last"]}, "inputs": ["x", "u"]}, "with layers"),
    ],
)
def test_layers_that_cannot_be(settings: dict[str, Any], message: str) -> None:
    from actsearch.errors import BadInput

    with pytest.raises(BadInput, match=message):
        space(unary=["relu"], **settings)


def test_layers_are_bred_apart_and_across() -> None:
    the_space = load_space("layerwise")
    breeder = Breeder(the_space, 0)
    parents = [Parent(k, text, -float(k)) for k, text in enumerate(the_space.seeds)]
    bred = [breeder.breed(k, parents) for k in range(200)]
    assert {"crossover", "insert", "replace", "regrow"} <= {one.operator for one in bred}
    layered = [one.expression for one in bred if isinstance(one.expression, Layered)]
    assert len(layered) > 100
    assert all(len(one.parts) == 3 for one in layered)
    assert {len(set(one.parts)) for one in layered} >= {2, 3}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"unary": ["tanh"]}, "no end of its expressions: constants are drawn"),
        ({"binary": ["mix"], "constants": {"share": 0}}, "no end of its expressions"),
        (
            {"unary": ["tanh", "sin", "cos"], "binary": ["add"], "constants": {"share": 0}},
            r"expressions are more than are walked through \(2,000,000\)",
        ),
    ],
)
def test_what_cannot_be_walked_through_is_refused(settings: dict[str, Any], message: str) -> None:
    from actsearch.errors import BadInput

    check_searchable(space(**settings))
    with pytest.raises(BadInput, match=message):
        check_searchable(space(**settings, shape={"enumerate": True}))

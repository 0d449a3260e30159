"""Operators on learned parameters: on an edge and off it, from constants and back to them."""

from __future__ import annotations

from typing import Any

import pytest

from actsearch.errors import BadInput
from actsearch.expressions import parse, parts_of
from actsearch.search.evolution import Breeder, Offspring, Parent
from actsearch.search.rounding import rounded
from actsearch.search.space import SearchSpace, space_from
from actsearch.search.walk import check_searchable

N = 60


def space(operator: str, **settings: Any) -> SearchSpace:
    names = (
        "crossover insert delete replace regrow perturb open add_parameter drop_parameter".split()
    )
    operators = dict.fromkeys([*names, "free", "freeze", "fresh"], 0.0) | {operator: 1.0}
    values: dict[str, Any] = {
        "name": "t",
        "unary": ["tanh", "relu", "sigmoid"],
        "binary": ["add", "mul"],
        "seeds": [],
        "parameters": {"max": 2, "starts": [1.5]},
        "evolution": {"operators": operators},
    }
    return space_from(values | settings, "test")


def bred(operator: str, formula: str, **settings: Any) -> list[Offspring]:
    learned = settings.pop("learned", {})
    breeder = Breeder(space(operator, **settings), 1)
    parents = [Parent(0, formula, 1.0, learned)]
    return [breeder.breed(k, parents) for k in range(N)]


def texts(operator: str, formula: str, **settings: Any) -> set[str]:
    return {
        str(one.expression)
        for one in bred(operator, formula, **settings)
        if one.operator == operator
    }


def test_a_parameter_is_put_on_any_edge() -> None:
    assert texts("add_parameter", "tanh(relu(x))") == {
        "p0*tanh(relu(x)); p0=1.5",
        "tanh(p0*relu(x)); p0=1.5",
        "tanh(relu(p0*x)); p0=1.5",
    }


def test_no_more_parameters_than_the_space_allows() -> None:
    found = bred("add_parameter", "p0*tanh(p1*x)")
    assert {one.operator for one in found} == {"random"}  # the operator finds nothing to do
    again = bred("add_parameter", "p0*tanh(p0*x)")
    assert max(len(one.expression.parameters) for one in again) == 2


def test_a_value_a_channel_where_the_space_says_so() -> None:
    settings = {"max": 1, "per": "channel"}
    assert texts("add_parameter", "tanh(x)", parameters=settings) == {
        "p0*tanh(x); per channel",
        "tanh(p0*x); per channel",
    }


def test_a_parameter_is_taken_off_again() -> None:
    assert texts("drop_parameter", "p0*tanh(p1*x); p0=2") == {"tanh(p0*x)", "p0*tanh(x); p0=2"}
    assert texts("drop_parameter", "tanh(x + p0); p0=0.5") == {"tanh(x + 0.5)"}
    assert texts("drop_parameter", "p0*tanh(p0*x)") == {"tanh(x)"}


def test_a_constant_becomes_a_parameter_that_starts_there() -> None:
    assert texts("free", "0.25*relu(x + 2)") == {
        "p0*relu(x + 2); p0=0.25",
        "0.25*relu(x + p0); p0=2",
    }


def test_a_parameter_becomes_what_it_was_learned_to_be() -> None:
    learned = {"p0": 0.7312345, "p1": 1.9}
    found = texts("freeze", "p0*tanh(x + p1)", learned=learned)
    assert found == {"0.73*tanh(x + p0)", "p0*tanh(x + 1.9)"}
    # What was not learned yet stays where it starts; a factor of one is none.
    assert texts("freeze", "p0*tanh(x)") == {"tanh(x)"}
    assert texts("freeze", "p0*tanh(x); p0=3") == {"3*tanh(x)"}


def test_digits_are_free_by_what_the_others_were_learned_to_be() -> None:
    """Where p1 was learned to be nearly 0, no digit of p0 shows; at its start it would."""
    learned = {"p0": 0.7312345, "p1": 1e-6}
    found = texts("freeze", "relu(x) + p1*tanh(p0*x)", learned=learned)
    assert "relu(x) + p0*tanh(0.7*x)" in found
    found = texts("freeze", "relu(x) + p1*tanh(p0*x)", learned=learned | {"p1": 1.0})
    assert "relu(x) + p0*tanh(0.73*x)" in found


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("freeze", {"tanh(0.5*x)*relu(p0*x); p0=0.25", "tanh(p0*x)*relu(2*x); p0=1.5"}),
        ("drop_parameter", {"tanh(x)*relu(p0*x); p0=0.25", "tanh(p0*x)*relu(x); p0=1.5"}),
        (
            "perturb",
            {
                "tanh(p0*x)*relu(p1*x); p0=0.25, p1=0.25",
                "tanh(p0*x)*relu(p1*x); p0=1.5, p1=1.5",
            },
        ),
    ],
)
def test_numbers_stay_on_the_lists_of_a_space(operator: str, expected: set[str]) -> None:
    lists: dict[str, Any] = {
        "constants": {"values": [0.5, 2.0], "scale": 0},
        "parameters": {"max": 2, "starts": [1.5, 0.25]},
    }
    formula, learned = "tanh(p0*x)*relu(p1*x); p0=1.5, p1=0.25", {"p0": 0.7, "p1": 30.0}
    assert texts(operator, formula, learned=learned, **lists) == expected


def test_lists_of_one_number_leave_nothing_to_perturb() -> None:
    for formula, values in (("tanh(p0*x); p0=1.5", [0.5, 2.0]), ("tanh(2*x)", [2.0, 2.0])):
        found = bred("perturb", formula, constants={"values": values, "scale": 0})
        assert {one.operator for one in found} == {"random"}


def test_a_factor_that_was_learned_to_be_one_is_dropped_whatever_the_list() -> None:
    lists: dict[str, Any] = {"constants": {"values": [0.5, 2.0], "scale": 0}}
    assert texts("freeze", "p0*tanh(x)", learned={"p0": 1.0}, **lists) == {"tanh(x)"}
    assert texts("freeze", "p0*tanh(x)", learned={"p0": 40.0}, **lists) == {"2*tanh(x)"}


def test_parameters_that_primitives_bring_stay() -> None:
    settings: dict[str, Any] = {
        "unary": ["tanh", "p0*x"],
        "shape": {"template": "b(u(x), u(x))"},
    }
    formula = "tanh(x) + p0*x; p0=1.5"
    for operator in ("drop_parameter", "freeze"):
        assert {one.operator for one in bred(operator, formula, **settings)} == {"random"}
    assert texts("replace", formula, **settings) >= {"tanh(x)*(p0*x); p0=1.5"}


def test_factors_on_the_edges_of_a_template() -> None:
    settings = {"shape": {"template": "b(u(x), u(x))"}}
    found = texts("add_parameter", "tanh(x) + relu(x)", **settings)
    assert "tanh(p0*x) + relu(x); p0=1.5" in found
    assert "p0*(tanh(x) + relu(x)); p0=1.5" in found
    assert len(found) == 5
    frozen = texts("freeze", "tanh(p0*x) + relu(x)", learned={"p0": 0.5}, **settings)
    assert frozen == {"tanh(0.5*x) + relu(x)"}
    assert texts("perturb", "tanh(0.5*x) + relu(x)", **settings)  # and it is read back


def test_where_a_parameter_starts_is_perturbed_at_all_its_places() -> None:
    found = texts("perturb", "p0*tanh(p0*x); p0=2")
    assert len(found) > N / 2
    for text in found:
        expression = parse(text)
        assert expression.root == parse("p0*tanh(p0*x)").root
        assert expression.start_of("p0") != 2


def test_parameters_of_two_parents_stay_apart() -> None:
    breeder = Breeder(space("crossover", parameters={"max": 4}), 0)
    parents = [Parent(0, "p0*tanh(x); p0=3", 1.0), Parent(1, "relu(p0*x); p0=5", 0.9)]
    found = {str(breeder.breed(k, parents).expression) for k in range(N)}
    assert "p0*relu(p1*x); p0=3, p1=5" in found or "p0*tanh(p1*x); p0=3, p1=5" in found


@pytest.mark.parametrize(
    ("value", "expected"), [(0.998, 1.0), (0.7312, 0.73), (-2.0004, -2.0), (123456.0, 1e5)]
)
def test_values_are_rounded_where_that_costs_nothing(value: float, expected: float) -> None:
    # A factor in front counts by the logarithm of the scale.
    assert rounded(value, lambda v: parse(f"tanh(x) + {v!r}*x/10")) == pytest.approx(
        expected, rel=0.3
    )
    assert rounded(value, lambda _v: parse("tanh(x)")) == float(f"{value:.1g}")


def test_what_was_not_learned_is_rounded_to_one() -> None:
    assert rounded(float("nan"), lambda v: parse(f"{v}*tanh(x)")) == 1.0


def test_the_bounds_of_a_clip_are_in_order() -> None:
    settings: dict[str, Any] = {"unary": ["clip", "tanh"], "binary": ["add"]}
    breeder = Breeder(space("fresh", **settings), 0)
    clips = [
        node
        for number in range(300)
        for part in parts_of(breeder.random(number).expression)
        for node in part.root.walk()
        if node.op == "clip"
    ]
    assert len(clips) > 50
    bounds = [(clip.args[1].value or 0.0, clip.args[2].value or 0.0) for clip in clips]
    assert all(low <= high for low, high in bounds)
    for text in texts("perturb", "clip(tanh(x), -0.5, 0.5)", **settings):
        (clip,) = (node for node in parse(text).root.walk() if node.op == "clip")
        assert (clip.args[1].value or 0.0) <= (clip.args[2].value or 0.0)


def test_no_parameters_are_drawn_where_none_may_be_added() -> None:
    breeder = Breeder(space("fresh", parameters={"max": 0, "share": 0.9}), 0)
    drawn = [breeder.random(number).expression for number in range(50)]
    assert not any(one.parameters for one in drawn)


def test_learned_values_are_known_by_the_names_of_the_formula() -> None:
    found = texts("freeze", "p1*x + p0*tanh(x)", learned={"p0": 0.25, "p1": 0.5})
    assert found == {"0.5*x + p0*tanh(x)", "p0*x + 0.25*tanh(x)"}


def test_random_formulas_are_whole_even_where_none_fits() -> None:
    settings: dict[str, Any] = {
        "unary": ["p0*x", "x + p0"],
        "shape": {"template": "b(u(x), b(u(x), u(x)))"},
    }
    breeder = Breeder(space("fresh", **settings), 0)
    assert not breeder.can_begin()  # three parameters, and two may be there
    for number in range(20):
        text = str(breeder.random(number).expression)
        assert str(parse(text)) == text
    tight = {"shape": {"max_nodes": 3, "min_random_depth": 3, "max_random_depth": 3}}
    assert not Breeder(space("fresh", **tight), 0).can_begin()
    assert Breeder(space("fresh"), 0).can_begin()
    with pytest.raises(BadInput, match="keeps to its limits"):
        check_searchable(space("fresh", **settings))


def test_crossover_leaves_bounds_in_order() -> None:
    breeder = Breeder(space("crossover", unary=["clip", "tanh"]), 0)
    parents = [Parent(0, "clip(x, 1, 3)", 1.0), Parent(1, "clip(x, -4, -2)", 0.9)]
    for number in range(N):
        for part in parts_of(breeder.breed(number, parents).expression):
            for node in part.root.walk():
                if node.op == "clip":
                    assert (node.args[1].value or 0.0) <= (node.args[2].value or 0.0)

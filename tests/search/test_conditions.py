"""Conditions in space files: what is read, what is refused and in which words, what contradicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from actsearch.errors import BadInput
from actsearch.expressions import parse
from actsearch.expressions.condition_kinds import KINDS
from actsearch.expressions.conditions import first_broken
from actsearch.search.portrait import faulty_seeds
from actsearch.search.space import SearchSpace, load_space, space_from
from actsearch.search.space.conditions import MODELS, plain_conditions

NEEDED: dict[str, dict[str, Any]] = {
    "bounded": {"low": -1},
    "cost": {"at_most_of": "gelu"},
    "limits": {"left": "finite"},
}


def space_of(*conditions: dict[str, Any]) -> SearchSpace:
    values = {"name": "s", "unary": ["tanh"], "conditions": list(conditions)}
    return space_from(values, where="the space")


def refused(*conditions: dict[str, Any]) -> str:
    with pytest.raises(BadInput) as caught:
        space_of(*conditions)
    return str(caught.value)


def test_models_and_kinds_are_the_same_names_and_defaults() -> None:
    assert list(MODELS) == list(KINDS)
    for kind, row in KINDS.items():
        given = space_of({"is": kind} | NEEDED.get(kind, {})).conditions[0].plain
        assert given.kind == kind
        allowed = set(MODELS[kind].model_fields) - {"penalty"}
        assert {name for name, _ in row.defaults} == allowed
        for name, value in row.defaults:
            if name not in NEEDED.get(kind, {}):
                assert given.in_full[name] == value


def test_a_space_comes_back_from_what_a_run_keeps() -> None:
    tables = [{"is": kind} | NEEDED.get(kind, {}) for kind in MODELS if kind not in ("even", "odd")]
    soft = [table | {"penalty": 0.05} for table in tables]
    space = space_of(*soft, {"is": "limits", "left": float("inf"), "right": 0.5})
    kept = json.loads(json.dumps(space.model_dump(mode="json")))
    assert space_from(kept, where="the run") == space
    assert plain_conditions(space.conditions)[-1].settings == (("left", "inf"), ("right", 0.5))
    assert all(not condition.is_hard for condition in plain_conditions(space.conditions)[:-1])


def test_a_file_with_conditions(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'unary = ["tanh"]\nseeds = ["tanh", "ReLU"]\n'
        '[[conditions]]\nis = "bounded"\nlow = -1\nhigh = 1\n'
        '[[conditions]]\nis = "smooth"\npenalty = 0.1\n',
        encoding="utf-8",
    )
    space = load_space(path)
    assert [str(condition.plain) for condition in space.conditions] == [
        "bounded to [-1, 1]",
        "smooth",
    ]
    (faulty,) = faulty_seeds(space)
    assert str(faulty.expression) == "relu(x)"
    assert faulty.fault == "not bounded to [-1, 1]: 1e+08 at x = 1e+08"


def test_every_error_of_the_tables_at_once() -> None:
    assert refused(
        {"is": "bouned"},
        {"is": "bounded", "hgih": 1},
        {"is": "bounded", "low": 2, "high": 1},
        {"is": "limits", "left": "infinite"},
        {"is": "cost", "at_most_of": "geluu", "factor": -1},
        {"is": "lipschitz", "at_most": "small"},
        {"kind": "odd"},
        {"is": "slope", "near": 3, "far": 2},
        {"is": "smooth", "penalty": 0},
    ).splitlines() == [
        "the space has 9 errors:",
        "  conditions, number 1: unknown condition 'bouned'; did you mean 'bounded'? (known: "
        + ", ".join(MODELS)
        + ")",
        (
            "  conditions, number 2: bounded: unknown key 'hgih'; did you mean 'high'? "
            "(known: penalty, low, high)"
        ),
        "  conditions, number 3: bounded: low must be below high, got 2 and 1",
        (
            "  conditions, number 4: limits: left is a number from -1e6 to 1e6, 'inf', '-inf' or "
            "'finite', got 'infinite'"
        ),
        (
            "  conditions, number 5: cost: at_most_of: 'geluu' is no known activation and "
            "no formula; did you mean 'GELU'?, got 'geluu'; factor: input should be greater "
            "than 0, got -1"
        ),
        "  conditions, number 6: lipschitz: at_most: a number is needed, got 'small'",
        "  conditions, number 7: a condition is a table with 'is' (one of: "
        + ", ".join(MODELS)
        + ")",
        "  conditions, number 8: slope: near must be below far, got 3 and 2",
        "  conditions, number 9: smooth: penalty: input should be greater than 0, got 0",
    ]


CONTRADICTIONS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"is": "odd"}, {"is": "even"}, "'odd' and 'even' contradict: only 0 is both"),
    ({"is": "positive"}, {"is": "odd"}, "has both signs"),
    ({"is": "positive"}, {"is": "zero-at-zero"}, "0 is not positive"),
    ({"is": "sparse"}, {"is": "positive"}, "exact zeros are not positive"),
    ({"is": "even"}, {"is": "monotone"}, "only a constant is both"),
    ({"is": "bounded", "low": 2}, {"is": "bounded", "high": 1}, "no value lies in both"),
    (
        {"is": "bounded", "low": 0, "high": 1},
        {"is": "bounded", "low": 1, "high": 2},
        "only the constant 1 lies in both",
    ),
    ({"is": "bounded", "low": 1}, {"is": "zero-at-zero"}, "which the bounds leave out"),
    ({"is": "bounded", "high": -1}, {"is": "odd"}, "has both signs"),
    ({"is": "odd"}, {"is": "bounded", "low": 0}, "has both signs"),
    (
        {"is": "limits", "left": "inf"},
        {"is": "monotone", "direction": "increasing"},
        "a function that is increasing does not come from or end there",
    ),
    (
        {"is": "limits", "right": "inf"},
        {"is": "monotone", "direction": "decreasing"},
        "a function that is decreasing does not come from or end there",
    ),
    ({"is": "bounded", "high": 0}, {"is": "positive"}, "no value above 0 is left"),
    ({"is": "bounded", "high": 1}, {"is": "limits", "left": "inf"}, "is outside the bounds"),
    ({"is": "bounded", "high": 1}, {"is": "limits", "right": 2}, "the right, 2, is outside"),
    ({"is": "limits", "left": -1}, {"is": "positive"}, "the limit on the left, -1, is below 0"),
    ({"is": "limits", "left": 1}, {"is": "limits", "left": 0}, "there is one limit on the left"),
    (
        {"is": "limits", "left": "inf"},
        {"is": "limits", "left": "finite"},
        "there is one limit on the left",
    ),
    ({"is": "limits", "left": 1, "right": 1}, {"is": "odd"}, "on both sides do not agree"),
    ({"is": "limits", "left": "inf", "right": 0}, {"is": "even"}, "do not agree"),
    ({"is": "limits", "left": 0, "right": 0}, {"is": "monotone"}, "it is constant"),
    (
        {"is": "limits", "left": 0, "right": "inf"},
        {"is": "monotone", "direction": "decreasing"},
        "with these limits it is increasing",
    ),
    (
        {"is": "monotone", "direction": "increasing"},
        {"is": "monotone", "direction": "decreasing"},
        "only a constant is both",
    ),
    ({"is": "slope", "at_least": 2}, {"is": "lipschitz", "at_most": 1}, "above the greatest"),
]


@pytest.mark.parametrize(("one", "other", "said"), CONTRADICTIONS)
def test_contradictions_are_told_at_once(
    one: dict[str, Any], other: dict[str, Any], said: str
) -> None:
    for pair in ((one, other), (other, one)):
        message = refused(*pair)
        assert message.startswith("the space has 1 error:\n  conditions: '")
        assert said in message
    space_of(one, other | {"penalty": 0.1})  # a wish contradicts nothing


@pytest.mark.parametrize(
    "tables",
    [
        [{"is": "bounded", "low": -1, "high": 1}, {"is": "odd"}, {"is": "limits", "right": 1}],
        [{"is": "bounded", "low": 0}, {"is": "zero-at-zero"}, {"is": "sparse"}],
        [{"is": "limits", "left": -1, "right": 1}, {"is": "odd"}, {"is": "monotone"}],
        [{"is": "limits", "left": 0}, {"is": "limits", "left": "finite", "right": "inf"}],
        [{"is": "monotone"}, {"is": "monotone", "direction": "increasing"}],
        [{"is": "positive"}, {"is": "bounded", "low": -1, "high": 1}, {"is": "smooth"}],
    ],
)
def test_what_can_be_met_together_is_accepted(tables: list[dict[str, Any]]) -> None:
    assert len(space_of(*tables).conditions) == len(tables)


@pytest.mark.parametrize("name", ["bounded", "quantization-friendly"])
def test_shipped_spaces_are_not_at_odds_with_their_seeds(name: str) -> None:
    space = load_space(name)
    assert faulty_seeds(space) == []
    conditions = plain_conditions(space.conditions)
    assert {condition.is_hard for condition in conditions} == {True, False}
    for text in ("relu(x)", "sigmoid(x)", "x"):
        assert first_broken(parse(text), conditions) is not None

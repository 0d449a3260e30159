"""Walks through finite spaces: all is seen once, to the end of the race, in any number of steps."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from actsearch.runs import RunStore
from actsearch.search.ledger import Ledger, load
from actsearch.search.limits import Limits
from actsearch.search.space import space_from
from actsearch.search.trees.shapes import shape_of
from actsearch.search.trees.tree import to_expression
from tests.search.simulated import ShuffledPool
from tests.search.test_engine import RUNGS, contents, engine_on, space_with


def test_a_small_space_is_walked_through_and_its_race_is_run_to_the_end(tmp_path: Path) -> None:
    values = space_with(random_births=2, lag=4).model_dump()
    values |= {"unary": ["tanh", "sin"], "binary": ["add"]}
    values["constants"]["share"] = 0.0
    values["shape"] |= {"max_nodes": 4, "max_depth": 3, "max_random_depth": 2}
    space = space_from(values, "test")
    everything = [to_expression(shape_of(space).at(k)) for k in range(shape_of(space).size or 0)]
    rows: list[Any] = []
    for workers in (1, 3):
        with RunStore.create(tmp_path / f"run{workers}", {}, {}) as store, store.session({}):
            ended = engine_on(store, space, births=10**6).run(ShuffledPool(workers, workers))
            births = store.births()
            rows.append(contents(store))
    assert rows[0] == rows[1]
    walked = {birth.formula for birth in births if birth.operator == "enumerated"}
    assert walked == {str(one) for one in everything}
    trained = {birth.fingerprint for birth in births if birth.status == "accepted"}
    worth = {one.fingerprint() for one in everything if one.check() is None}
    assert worth <= trained
    assert ended == (
        f"the space is walked through: all of its {len(everything)} expressions were seen once; "
        f"with the seeds {len(trained)} different functions were worth training"
    )
    # Nobody is left who may go on, now that all results are known.
    with RunStore.open(tmp_path / "run1") as store:
        ledger = Ledger(RUNGS, space)
        load(ledger, store.births(), store.heats(), store.trainings())
    ledger.advance(len(ledger.heats))
    assert not ledger.missing()
    assert ledger.race.next_promotion() is None


def test_a_walk_goes_on_where_it_was_left(tmp_path: Path) -> None:
    values: dict[str, Any] = {"name": "t", "unary": ["tanh", "sin", "x"], "binary": ["add", "mul"]}
    values["seeds"] = []
    values["shape"] = {"template": "b(u(x), u(x))", "enumerate": True}
    space = space_from(values, "test")
    found = []
    for limits in ((6, 11, 10**6), (10**6,)):
        folder = tmp_path / f"run{len(limits)}"
        with RunStore.create(folder, {}, {}) as store, store.session({}):
            for births in limits:
                engine_on(store, space, births=births).run(ShuffledPool(2, 0))
            found.append(contents(store)[0])
    assert found[0] == found[1]
    assert [one.operator for one in found[0]] == ["enumerated"] * 18


def test_breeding_that_finds_nothing_new_gives_way_to_a_walk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actsearch.search.engine.EXHAUSTED_AFTER", 100)
    monkeypatch.setattr("actsearch.search.walk.SMALL", 0)
    values: dict[str, Any] = {"name": "t", "unary": ["tanh", "sin", "x"], "binary": ["add", "mul"]}
    values["seeds"] = []
    values["shape"] = {"template": "b(u(x), u(x))"}
    with RunStore.create(tmp_path / "run", {}, {}) as store, store.session({}):
        ended = engine_on(store, space_from(values, "test")).run(ShuffledPool(2, 0))
        operators = [birth.operator for birth in store.births()]
    assert operators[0] == "random"
    first = operators.index("enumerated")
    assert operators[first:] == ["enumerated"] * 18
    assert ended.startswith("the space is walked through: all of its 18 expressions were seen once")


def test_a_walk_in_which_nothing_passes_keeps_to_its_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actsearch.search.engine.WALKED_AT_ONCE", 5)
    values: dict[str, Any] = {"name": "t", "unary": ["tanh", "sin", "x"], "binary": ["add", "mul"]}
    values["seeds"] = []
    values["shape"] = {"template": "b(u(x), u(x))", "enumerate": True}
    values["conditions"] = [{"is": "bounded", "low": 5, "high": 6}]
    with RunStore.create(tmp_path / "run", {}, {}) as store, store.session({}):
        engine = engine_on(store, space_from(values, "test"))
        looks = iter([False, False, True])
        engine._limits = dataclasses.replace(engine._limits, budget_s=1.0)
        monkeypatch.setattr(Limits, "out_of_time", lambda _self: next(looks, True))
        engine.run(ShuffledPool(1, 0))
        assert len(store.births()) == 10  # two stretches, both kept


def test_a_walk_in_which_nothing_passes_says_why(tmp_path: Path) -> None:
    values: dict[str, Any] = {"name": "t", "unary": ["tanh", "sin", "x"], "binary": ["add", "mul"]}
    values["seeds"] = ["relu"]
    values["shape"] = {"template": "b(u(x), u(x))"}
    values["conditions"] = [{"is": "bounded", "low": 5, "high": 6}]
    with RunStore.create(tmp_path / "run", {}, {}) as store, store.session({}):
        cut_short = engine_on(store, space_from(values, "test"), births=8).run(ShuffledPool(1, 0))
        ended = engine_on(store, space_from(values, "test")).run(ShuffledPool(1, 0))
        assert store.trainings() == []
    assert ended.startswith(
        "the space is walked through: all of its 18 expressions were seen once; with the seeds "
        "none of 19 births was worth training: "
    )
    assert "% not bounded to [5, 6]" in ended
    assert ended.endswith(". Loosen what rejects most, or give seeds and primitives that meet it")
    assert "hardly any passes: of the last 8 births" in cut_short

"""Seeds that a search or its resumption is given: added, once, whatever came between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actsearch.errors import BadInput
from actsearch.expressions import parse
from actsearch.runs import RunStore, event_log
from actsearch.search.space import load_space
from tests.search.searches import births, go_on, start


def interrupt_at(patch: pytest.MonkeyPatch, n_litters: int) -> None:
    """Let Ctrl-C come as so many litters have been added and the next is to be."""
    add_births, n_left = RunStore.add_births, n_litters

    def interrupted(store: RunStore, *rows: Any) -> None:
        nonlocal n_left
        if n_left == 0:
            raise KeyboardInterrupt
        n_left -= 1
        add_births(store, *rows)

    patch.setattr(RunStore, "add_births", interrupted)


def test_an_added_seed_is_trained_whatever_it_resembles(tmp_path: Path) -> None:
    start(tmp_path)
    go_on(tmp_path, births=70, seed_formulas=["gelu(-x)"])
    assert births(tmp_path)[60].status == "accepted"


def test_seeds_are_added_on_resume_within_the_limit(tmp_path: Path) -> None:
    start(tmp_path)
    with pytest.raises(BadInput, match="raise --births"):
        go_on(tmp_path, seed_formulas=["x*cos(2*x)"])
    go_on(tmp_path, births=63, seed_formulas=["x*cos(2*x)"])
    added = births(tmp_path)[60]
    assert (added.operator, added.formula) == ("added seed", "x*cos(2*x)")
    assert 61 <= len(births(tmp_path)) <= 63  # a litter that does not fit is not bred
    with RunStore.open(tmp_path / "r") as store:
        assert store.sessions()[-1].info["added_seeds"] == ["x*cos(2*x)"]


def test_seeds_that_an_interruption_came_before_are_added_by_the_next_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = ["x*cos(2*x)", "x*sin(3*x)", "tanh(x) + x/7"]
    start(tmp_path / "whole")
    whole = tmp_path / "whole"
    go_on(whole, births=70, seed_formulas=seeds)

    start(tmp_path)
    with monkeypatch.context() as patch:
        interrupt_at(patch, 1)
        with pytest.raises(KeyboardInterrupt):
            go_on(tmp_path, births=70, seed_formulas=seeds)
    assert len(births(tmp_path)) == 61
    go_on(tmp_path, births=62)  # as far as there is room
    go_on(tmp_path, births=70)
    assert [(one.operator, one.formula) for one in births(tmp_path)[60:63]] == [
        ("added seed", str(parse(seed))) for seed in seeds
    ]
    with RunStore.open(tmp_path / "r") as store, RunStore.open(whole / "r") as reference:
        assert event_log(store) == event_log(reference)


def test_seeds_that_were_refused_do_not_come_back(tmp_path: Path) -> None:
    start(tmp_path)
    with pytest.raises(BadInput, match="raise --births"):
        go_on(tmp_path, seed_formulas=["x*cos(2*x)"])
    go_on(tmp_path, births=63)
    assert all(birth.operator != "added seed" for birth in births(tmp_path))


def test_the_seeds_of_the_space_need_room_too(tmp_path: Path) -> None:
    start(tmp_path, births=5)
    with RunStore.open(tmp_path / "r") as store:
        n_more = len(load_space("default").seeds) - 5
        assert all(birth.operator == "seed" for birth in store.births())
    says = f"has 5 of 7 births, {n_more} seeds of its own to come first, which leaves no room for 1"
    with pytest.raises(BadInput, match=says):
        go_on(tmp_path, births=7, seed_formulas=["x*cos(2*x)"])


def test_seeds_of_another_run(tmp_path: Path) -> None:
    best = start(tmp_path).hall_of_fame[0]
    start(tmp_path, run="second", seed_run=tmp_path / "r", births=38)
    with RunStore.open(tmp_path / "second") as store:
        assert str(best.expression) in store.config["seed_formulas"]
        seeded = [b for b in store.births() if b.operator == "seed"]
        assert len(seeded) == 38


@pytest.mark.parametrize("n_added", [0, 1, 2])
def test_a_command_may_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_added: int
) -> None:
    """With its seeds, whether an interruption came before they were added or after."""
    start(tmp_path)
    options: dict[str, Any] = {"births": 62, "seed_formulas": ["x*cos(2*x)", "x*sin(3*x)"]}
    with monkeypatch.context() as patch:
        interrupt_at(patch, n_added)
        if n_added < 2:
            with pytest.raises(KeyboardInterrupt):
                go_on(tmp_path, **options)
        else:
            go_on(tmp_path, **options)
    for _ in range(2):
        go_on(tmp_path, **options)
    added = [one.formula for one in births(tmp_path)[60:]]
    assert added == [str(parse(seed)) for seed in options["seed_formulas"]]

"""Many workers and many births: the same log, what keeps workers busy, and nothing that grows."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import actsearch
from actsearch.errors import BadInput
from actsearch.expressions import parse
from actsearch.expressions.likeness import WIDTH, curve, squared_distances
from actsearch.runs import Heat, RunStore
from actsearch.search import formulas
from actsearch.search.engine import Engine
from actsearch.search.given import Seed
from actsearch.search.lag import with_lag
from actsearch.search.ledger import Ledger
from actsearch.search.limits import Limits
from actsearch.search.neighbours import Neighbours
from actsearch.search.space import SearchSpace, load_space
from actsearch.search.translation import Bend, Scores, _bend
from actsearch.workers import Pool
from benchmarks._lag import Load, least_lag, replay, share_of
from tests.expressions.strategies import random_trees
from tests.search.simulated import ShuffledPool, SimulatedTask
from tests.search.virtual import LadderTask, VirtualPool, factor

LENGTHS = {rung.name: rung.steps / LadderTask.rungs[0].steps for rung in LadderTask.rungs}
#: A search of many candidates: of those that run a rung three in four go no further.
LOAD = Load([(7.0, 1), *[(1.0, 1)] * 3, (2.8, 1), *[(1.0, 1)] * 4, (2.8, 1), *[(1.0, 1)] * 4])


class NoStore:
    """Keeps nothing; what is compared is what the engine knows."""

    name = "none"

    def __getattr__(self, _name: str) -> Any:
        return lambda *_args, **_options: 0.0


def searched(pool: Pool, lag: int, births: int, task: Any = SimulatedTask) -> Ledger:
    """Run a search with one offspring a training and return what it came to know."""
    space = with_lag(load_space("default"), lag)
    screening = space.screening.model_copy(update={"offspring": 1})
    return engine_run(space.model_copy(update={"screening": screening}), pool, births, task)


def engine_run(
    space: SearchSpace,
    pool: Pool,
    births: int,
    task: Any = SimulatedTask,
    known_as: list[Ledger] | None = None,
) -> Ledger:
    ledger = Ledger(task.rungs, space)
    if known_as is not None:
        known_as.append(ledger)
    limits = Limits(budget_s=None, births=births, deadline=None)
    store: Any = NoStore()
    seeds = [Seed(parse(text), "seed") for text in space.seeds]
    engine = Engine(store=store, ledger=ledger, space=space, seed=0, limits=limits, seeds=seeds)
    engine.run(pool)
    return ledger


def log_of(ledger: Ledger) -> tuple[Any, ...]:
    births = [dataclasses.replace(birth, created_s=0.0) for birth in ledger.births]
    return births, ledger.heats, ledger._rows


# -- many workers ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def one_at_a_time() -> tuple[Any, ...]:
    return log_of(searched(ShuffledPool(1, 0), lag=256, births=500))


@pytest.mark.parametrize(("n_workers", "seed"), [(64, 1), (256, 2)])
def test_many_workers_in_any_order_find_the_same(
    one_at_a_time: tuple[Any, ...], n_workers: int, seed: int
) -> None:
    pool = ShuffledPool(n_workers, seed)
    assert log_of(searched(pool, lag=256, births=500)) == one_at_a_time
    assert pool.most_in_flight > 0.9 * n_workers


def test_stragglers_change_nothing(one_at_a_time: tuple[Any, ...]) -> None:
    pool = VirtualPool(64, SimulatedTask(), sigma=2.0)
    assert log_of(searched(pool, lag=256, births=500)) == one_at_a_time


def test_more_workers_than_the_lag_wait_and_change_nothing() -> None:
    alone, many = ShuffledPool(1, 0), ShuffledPool(64, 3)
    assert log_of(searched(alone, lag=4, births=120)) == log_of(searched(many, 4, births=120))
    assert many.most_in_flight < 64


def test_a_large_lag_keeps_nobody_waiting_for_the_first_training() -> None:
    bred: list[int] = []
    ledgers: list[Ledger] = []

    class Watched(ShuffledPool):
        def stream(self, next_job: Any, *, deadline: Any = None) -> Any:
            bred.append(len(ledgers[0].births))
            yield from super().stream(next_job, deadline=deadline)

    space = with_lag(load_space("default"), 2048)
    engine_run(space, Watched(4, 0), 400, known_as=ledgers)
    assert bred[0] < 150


# -- busy workers ------------------------------------------------------------------------------


def test_64_workers_are_busy_with_a_lag_of_32_times_as_many() -> None:
    assert share_of(LOAD, 64, lag=32 * 64) >= 0.95
    assert share_of(LOAD, 64, lag=64) < 0.5


def test_fewer_stragglers_need_less_lag() -> None:
    lags = [least_lag(dataclasses.replace(LOAD, sigma=sigma), 16) for sigma in (0.0, 0.3, 0.8)]
    assert None not in lags
    assert 16 <= lags[0] < lags[1] < lags[2]  # type: ignore[operator]


def test_a_driver_without_the_time_keeps_few_busy() -> None:
    load = dataclasses.replace(LOAD, driver=0.1)
    outcome = replay(load, 64, lag=4096, n_heats=20_000)
    assert outcome.rate == pytest.approx(1 / 0.1, rel=0.02)
    assert least_lag(load, 64) is None


def test_the_engine_keeps_workers_as_busy_as_the_lag_alone_says() -> None:
    pool = VirtualPool(16, LadderTask())
    ledger = searched(pool, lag=24, births=350, task=LadderTask)
    load = Load([(LENGTHS[heat.rung], len(heat.seeds)) for heat in ledger.heats])
    assert pool.n_trainings > 200
    said = replay(load, 16, lag=24, n_heats=len(load.heats)).share
    assert pool.share == pytest.approx(said, abs=0.12)


@pytest.mark.nightly
def test_64_workers_of_the_engine_are_busy() -> None:
    pool = VirtualPool(64, LadderTask())
    searched(pool, lag=2048, births=10_000, task=LadderTask)
    assert pool.n_trainings > 1.5 * 2048  # with fewer most of them wait for nothing
    assert pool.share >= 0.95


def test_times_are_log_normal() -> None:
    logs = np.log([factor(0.8, number) for number in range(4000)])
    assert np.mean(logs) == pytest.approx(0, abs=0.05)
    assert np.std(logs) == pytest.approx(0.8, rel=0.05)


# -- nothing grows -----------------------------------------------------------------------------


def test_a_formula_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    formulas.read.cache_clear()
    space = load_space("default")
    ledger = engine_run(space, ShuffledPool(2, 0), births=600)
    accepted = sum(birth.status == "accepted" for birth in ledger.births)
    faulty = sum(birth.status == "rejected" for birth in ledger.births)
    assert accepted > 40
    assert formulas.read.cache_info().misses <= accepted + faulty


def test_few_distances_are_computed_however_many_functions_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows: list[int] = []
    whole = Neighbours.squares

    def counted(self: Neighbours, one: Any, places: Any) -> Any:
        rows.append(len(places))
        return whole(self, one, places)

    monkeypatch.setattr(Neighbours, "squares", counted)
    known = Neighbours()
    for number in range(600):
        known.add(curve(parse(f"x*tanh({1 + number / 100}*x) + sin({number % 7}*x)")))
        known.nearest(curve(parse(f"x*tanh({1 + number / 90}*x)")), 5)
    assert max(rows[100:]) < 40


def test_decisions_look_at_few_heats(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    whole = Ledger._is_complete

    def counted(self: Ledger, heat: Heat) -> bool:
        looks.append(heat.id)
        return whole(self, heat)

    monkeypatch.setattr(Ledger, "_is_complete", counted)
    ledger = searched(ShuffledPool(64, 0), lag=128, births=250)
    assert len(looks) <= 2 * (len(ledger.heats) + ledger.n_trainings)


# -- what is kept is what would be computed ----------------------------------------------------

_TREES = [str(actsearch.Expression(tree)) for tree in random_trees(60, seed=5, sizes=(3, 9))]
_FORMULAS = [*_TREES, "relu(x)", "relu(-x)", "-relu(x)", "u*x", "max(x, u)", "sin(x)*u", "o*x"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from(_FORMULAS), min_size=1, max_size=40),
    st.sampled_from(_FORMULAS),
    st.integers(1, 6),
    st.data(),
)
def test_the_nearest_are_those_of_all_distances(
    known: list[str], one: str, count: int, data: st.DataObject
) -> None:
    neighbours = Neighbours()
    found = [curve(parse(text)) for text in known]
    for each in found:
        neighbours.add(each)
    among = sorted(data.draw(st.sets(st.integers(0, len(known) - 1), min_size=1)))
    width = max(WIDTH, *map(len, found))
    wide = np.array([np.tile(each, width // len(each)) for each in found])
    squares = squared_distances(wide, curve(parse(one)))
    order = [among[k] for k in np.argsort(squares[among], kind="stable")[:count]]
    places, nearest = neighbours.nearest(curve(parse(one)), count, np.array(among))
    assert places.tolist() == order
    assert nearest.tolist() == squares[order].tolist()


_SCORES = st.one_of(st.none(), st.floats(0, 1, allow_nan=False))


@given(st.lists(st.lists(_SCORES, min_size=1, max_size=3), min_size=1, max_size=80))
def test_scores_at_the_last_rung_are_what_one_by_one_gives(
    ran: list[list[float | None]],
) -> None:
    ladder = ("short", "medium", "full")
    table = Scores(ladder)
    for place, scores in enumerate(ran):
        for rung, score in zip(ladder, scores, strict=False):
            table.put(place, rung, score)
    lines = {"full": Bend(0.0, 0.0, 1.0, 1.0)}

    def at_last(scores: list[float | None]) -> float | None:
        score = scores[-1]
        return None if score is None else lines[ladder[len(scores) - 1]].at(score)

    for level in (1, 0):
        longer = [one for one in ran if len(one) > level + 1]
        pairs = [(one[level], at_last(one)) for one in longer]
        both = [(a, b) for a, b in pairs if a is not None and b is not None]
        lines[ladder[level]] = _bend([a for a, _ in both], [b for _, b in both])
    expected = [at_last(scores) for scores in ran]
    worst = min((value for value in expected if value is not None), default=0.0)
    values, found = table.at_last()
    assert found == lines
    assert values.tolist() == [worst if value is None else value for value in expected]


# -- the lag as an option ----------------------------------------------------------------------


def test_the_lag_is_part_of_the_configuration(tmp_path: Path) -> None:
    def run(name: str, births: int, **options: Any) -> tuple[int, Any]:
        task = SimulatedTask()
        actsearch.search(
            "default", task, births=births, workers=1, run=name, runs_dir=tmp_path, **options
        )
        return found(name)

    def found(name: str) -> tuple[int, Any]:
        with RunStore.open(tmp_path / name) as store:
            births = [dataclasses.replace(birth, created_s=0.0) for birth in store.births()]
            return store.config["space_settings"]["evolution"]["lag"], births

    plain, wide = run("plain", 120), run("wide", 120, lag=40)
    assert plain[0] == 16
    assert wide[0] == 40
    assert plain[1] != wide[1]
    run("begun", 70, lag=40)
    actsearch.resume(tmp_path / "begun", births=120, task=SimulatedTask(), workers=1)
    assert found("begun") == wide


@pytest.mark.parametrize("lag", [0, 10_001, True, 1.5, "16"])
def test_there_is_no_such_lag(lag: Any) -> None:
    with pytest.raises(BadInput, match="a whole number from 1 to 10000"):
        with_lag(load_space("default"), lag)


def test_too_many_workers_are_told_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"larger --lag .*: 544 keeps 17 workers busy"):
        actsearch.search(
            "default", SimulatedTask(), births=50, workers=17, run="r", runs_dir=tmp_path
        )
    with pytest.raises(BadInput, match=r"all but the last one. Use at most 1 worker, or"):
        actsearch.search("default", SimulatedTask(), births=9, lag=1, workers=2, runs_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []

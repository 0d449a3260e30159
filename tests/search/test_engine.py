"""The loop: the same births and scores for any order of results, and across interruptions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actsearch.expressions import Expression, parse
from actsearch.expressions.conditions import first_broken
from actsearch.runs import RunStore, hall_of_fame
from actsearch.runs.events import event_log
from actsearch.search.engine import Engine
from actsearch.search.given import Seed
from actsearch.search.ledger import Ledger, load
from actsearch.search.limits import Limits
from actsearch.search.space import SearchSpace, load_space, space_from
from actsearch.search.space.conditions import plain_conditions
from actsearch.tasks.protocol import Training
from actsearch.workers import Job
from tests.search.simulated import ShuffledPool, SimulatedTask, number_of, score_of

RUNGS = SimulatedTask.rungs
LADDER = tuple(rung.name for rung in RUNGS)
N_BIRTHS = 500


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


def space_with(**evolution: Any) -> SearchSpace:
    values = load_space("default").model_dump()
    # With fewer births than a search has, or few would come to the last rung.
    values["racing"] |= {"reduction": 2, "repeat_reduction": 2}
    values["screening"] |= {"offspring": 3}
    values["evolution"] |= {"random_births": 10, "population": 10, "lag": 8} | evolution
    return space_from(values, "test")


def engine_on(store: RunStore, space: SearchSpace, births: int = N_BIRTHS, seed: int = 0) -> Engine:
    ledger = Ledger(RUNGS, space)
    load(ledger, store.births(), store.heats(), store.trainings())
    limits = Limits(budget_s=None, births=births, deadline=None)
    n_seeds = sum(birth.operator == "seed" for birth in ledger.births)
    seeds = [Seed(parse(text), "seed") for text in space.seeds[n_seeds:]]
    return Engine(store=store, ledger=ledger, space=space, seed=seed, limits=limits, seeds=seeds)


def contents(store: RunStore) -> tuple[Any, ...]:
    births = [dataclasses.replace(birth, created_s=0.0) for birth in store.births()]
    best = hall_of_fame(store.births(), store.trainings(), ladder=LADDER)
    return births, store.heats(), store.trainings(), best


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ...]:
    """What one worker without interruption finds."""
    folder = tmp_path_factory.mktemp("runs") / "reference"
    with RunStore.create(folder, {}, {}) as store, store.session({}):
        engine_on(store, space_with()).run(ShuffledPool(1, 0))
        return contents(store)


def test_formulas_are_compiled_ahead_in_batches(reference: tuple[Any, ...], tmp_path: Path) -> None:
    batches: list[list[str]] = []
    started: list[str] = []

    class Watched(ShuffledPool):
        def stream(self, next_job: Any, *, deadline: Any = None) -> Any:
            def taken() -> Any:
                job = next_job()
                if isinstance(job, Job):
                    assert any(job.training.formula in batch for batch in batches)
                    started.append(job.training.formula)
                return job

            yield from super().stream(taken, deadline=deadline)

    with RunStore.create(tmp_path / "run", {}, {}) as store, store.session({}):
        engine = engine_on(store, space_with())
        engine._compile = lambda formulas: batches.append(list(formulas))
        engine.run(Watched(2, 0))
        assert contents(store) == reference
    compiled = [formula for batch in batches for formula in batch]
    assert sorted(compiled) == sorted(set(started))
    assert len(compiled) > 3 * len(batches)


def test_the_reference_run_is_a_search(reference: tuple[Any, ...]) -> None:
    births, heats, trainings, best = reference
    assert [birth.id for birth in births] == list(range(len(births)))
    assert N_BIRTHS - 20 < len(births) <= N_BIRTHS  # a litter that does not fit is not bred
    statuses = {birth.status for birth in births}
    assert statuses == {"accepted", "duplicate", "rejected", "screened"}
    assert all(birth.reason for birth in births if birth.status in ("rejected", "screened"))
    accepted = [birth for birth in births if birth.status == "accepted"]
    assert len({birth.fingerprint for birth in accepted}) == len(accepted)
    assert [heat.id for heat in heats] == list(range(len(heats)))
    assert len(trainings) == sum(len(heat.seeds) for heat in heats)
    by_rung = {rung: {h.birth_id for h in heats if h.rung == rung} for rung in LADDER}
    assert by_rung["short"] == {birth.id for birth in accepted}
    assert 5 < len(by_rung["full"]) < len(by_rung["medium"]) / 2 < len(accepted) / 4
    assert any(training.status == "pruned" for training in trainings)
    operators = {birth.operator for birth in births}
    assert {"seed", "random", "crossover", "insert"} <= operators
    for birth in births:
        assert all(parent < birth.id for parent in birth.parents)
        assert bool(birth.parents) == (birth.operator not in ("seed", "random"))
        assert str(parse(birth.formula)) == birth.formula
    assert best[0].rung == "full"
    assert 1 < best[0].n <= 4
    assert {one.n for one in best if one.rung == "full"} == {1, 2, 4}
    # The leader is among the best twentieth of all that were bred, although most ran one seed.
    quality = sorted((number_of(birth.formula) for birth in accepted), reverse=True)
    assert number_of(best[0].formula) in quality[: len(quality) // 20]


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(n_workers=st.integers(1, 8), order=st.integers(0, 10**6))
def test_any_order_of_results_gives_the_same_run(
    reference: tuple[Any, ...],
    tmp_path_factory: pytest.TempPathFactory,
    n_workers: int,
    order: int,
) -> None:
    folder = tmp_path_factory.mktemp("runs") / "run"
    pool = ShuffledPool(n_workers, order)
    with RunStore.create(folder, {}, {}) as store, store.session({}):
        engine_on(store, space_with()).run(pool)
        assert contents(store) == reference
    assert pool.most_in_flight == n_workers


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_killed_at_any_commit_and_resumed_it_is_the_same_run(
    reference: tuple[Any, ...], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("runs") / "run"
    RunStore.create(folder, {}, {}).close()
    for attempt in range(4):
        with RunStore.open(folder, write=True) as store:
            n_left = data.draw(st.integers(0, 120)) if attempt < 3 else 10**6
            _kill_after(store, n_left, before=data.draw(st.booleans()))
            try:
                engine_on(store, space_with()).run(ShuffledPool(4, attempt))
            except Killed:
                continue
    with RunStore.open(folder) as store:
        assert contents(store) == reference


def _kill_after(store: RunStore, n_commits: int, before: bool) -> None:
    """Make the store's n-th commit the last, or the first that does not happen."""
    counter = iter(range(n_commits + 1))

    def dying(method: Any) -> Any:
        def call(*rows: Any) -> None:
            if before and next(counter, None) is None:
                raise Killed
            method(*rows)
            if not before and next(counter, None) is None:
                raise Killed

        return call

    store.add_births = dying(store.add_births)  # type: ignore[method-assign]
    store.add_heats = dying(store.add_heats)  # type: ignore[method-assign]
    store.add_training = dying(store.add_training)  # type: ignore[method-assign]


def test_with_nsga2_the_run_repeats_and_is_another_one(
    reference: tuple[Any, ...], tmp_path: Path
) -> None:
    runs = []
    for attempt in (1, 2):
        with RunStore.create(tmp_path / f"run{attempt}", {}, {}) as store:
            engine_on(store, space_with(selection="nsga2")).run(ShuffledPool(attempt, attempt))
            runs.append(contents(store))
    assert runs[0] == runs[1]

    assert runs[0] != reference


def test_a_larger_budget_continues_the_same_run(reference: tuple[Any, ...], tmp_path: Path) -> None:
    with RunStore.create(tmp_path / "run", {}, {}) as store:
        engine_on(store, space_with(), births=60).run(ShuffledPool(3, 1))
        assert 40 < len(store.births()) <= 60
        engine_on(store, space_with()).run(ShuffledPool(2, 2))
        assert contents(store) == reference


def test_the_seed_matters(reference: tuple[Any, ...], tmp_path: Path) -> None:
    with RunStore.create(tmp_path / "run", {}, {}) as store:
        engine_on(store, space_with(), seed=1).run(ShuffledPool(2, 2))
        formulas = {birth.formula for birth in store.births()}
    others = {birth.formula for birth in reference[0]}
    assert len(formulas & others) < 0.7 * len(formulas)


def test_parents_and_promoted_are_never_among_the_last_decisions(
    reference: tuple[Any, ...],
) -> None:
    births, heats = reference[:2]
    lag = space_with().evolution.lag
    first_heat = {heat.birth_id: heat.id for heat in reversed(heats)}
    for birth in births:
        if birth.status == "accepted":
            seen = {heat.birth_id for heat in heats[: max(0, first_heat[birth.id] - lag)]}
            assert set(birth.parents) <= seen
    last: dict[int, int] = {}
    for heat in heats:
        assert heat.id - last.get(heat.birth_id, -lag) >= lag
        last[heat.birth_id] = heat.id


def test_a_space_that_gives_nothing_new_ends(tmp_path: Path) -> None:
    values = space_with().model_dump() | {"unary": ("relu",), "binary": (), "seeds": ("relu(x)",)}
    space = space_from(values, "test")
    with RunStore.create(tmp_path / "run", {}, {}) as store:
        engine_on(store, space, births=100_000).run(ShuffledPool(2, 0))
        n_births = len(store.births())
        assert 2000 <= n_births < 4000
        # Resume ends where this ended.
        engine_on(store, space, births=100_000).run(ShuffledPool(2, 0))
        assert len(store.births()) == n_births


def test_a_formula_that_cannot_be_analysed_is_a_rejected_birth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(expression: Expression) -> str:
        raise RuntimeError("no fingerprint")

    monkeypatch.setattr(Expression, "fingerprint", broken)
    with RunStore.create(tmp_path / "run", {}, {}) as store:
        engine_on(store, space_with(), births=20).run(ShuffledPool(1, 0))
        births = store.births()
    assert {birth.status for birth in births} == {"rejected"}
    assert births[0].reason == "can't be analysed: RuntimeError: no fingerprint"


def test_no_time_left_trains_nothing(tmp_path: Path) -> None:
    space = space_with()
    with RunStore.create(tmp_path / "run", {}, {}) as store:
        engine = engine_on(store, space)
        engine._limits = Limits(budget_s=1.0, births=None, deadline=0.0)
        engine.run(ShuffledPool(2, 0))
        assert store.trainings() == []
        # What was queued is still there, and is trained when the run goes on.
        engine_on(store, space, births=len(store.births())).run(ShuffledPool(2, 0))
        accepted = [birth for birth in store.births() if birth.status == "accepted"]
        assert {row.birth_id for row in store.trainings()} == {birth.id for birth in accepted}
        assert store.n_trainings() == sum(len(heat.seeds) for heat in store.heats())


def conditioned(*tables: dict[str, Any]) -> SearchSpace:
    values = space_with().model_dump() | {"conditions": list(tables)}
    return space_from(values, "test")


BOUNDED = {"is": "bounded", "low": -1.0, "high": 1.0}


def test_nothing_is_trained_that_breaks_a_condition(tmp_path: Path) -> None:
    space = conditioned(BOUNDED, {"is": "smooth"})
    conditions = plain_conditions(space.conditions)
    with RunStore.create(tmp_path / "run", {}, {}) as store, store.session({}):
        ended = engine_on(store, space, births=200).run(ShuffledPool(3, 0))
        births, trained = store.births(), {row.birth_id for row in store.trainings()}
    assert ended.startswith("the limit of 200 births ")  # the last litter may not fit in
    assert len(trained) > 3
    for id_ in trained:
        assert first_broken(parse(births[id_].formula), conditions) is None
    reasons = {birth.reason.partition(":")[0] for birth in births if birth.status == "rejected"}
    assert {"not bounded to [-1, 1]", "not smooth"} <= reasons
    assert births[0].reason == "not bounded to [-1, 1]: 1e+08 at x = 1e+08"  # ReLU, a seed


def test_a_penalty_counts_in_ranks_and_not_in_scores(tmp_path: Path) -> None:
    soft = conditioned(BOUNDED | {"penalty": 0.05})
    with RunStore.create(tmp_path / "run", {}, {}) as store, store.session({}):
        engine_on(store, soft, births=150).run(ShuffledPool(2, 0))
        births, heats, trainings, best = contents(store)
        # Interrupted and gone on with, it is the same search: penalties come from the store.
        ledger = Ledger(RUNGS, soft)
        load(ledger, births, heats, trainings)
        assert [one.id for one in ledger.best(len(best))] == [one.id for one in best]
    penalties = {birth.formula: birth.penalty for birth in births}
    assert penalties["relu(x)"] == pytest.approx(0.5)  # ten times 0.05, as an amount may count
    assert penalties["tanh(x)"] == 0
    assert all(birth.penalty == 0 for birth in births if birth.status != "accepted")
    for row in trainings:
        if row.score is not None:
            assert row.score == score_of(Training(births[row.birth_id].formula, row.rung, row.seed))
    longest = [one for one in best if one.rung == best[0].rung and one.n == best[0].n]
    ranked_by = [one.mean - births[one.id].penalty for one in longest]
    assert ranked_by == sorted(ranked_by, reverse=True)
    assert len({births[one.id].penalty for one in best}) > 1


def test_a_search_in_which_nothing_passes_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actsearch.search.engine.EXHAUSTED_AFTER", 150)
    space = conditioned({"is": "bounded", "low": 5.0, "high": 6.0}, {"is": "monotone"})
    with RunStore.create(tmp_path / "run", {}, {}) as store, store.session({}):
        ended = engine_on(store, space).run(ShuffledPool(1, 0))
        assert store.trainings() == []
        births = store.births()
    n = len(births)
    assert n >= 150
    assert ended.startswith(f"nothing passes: none of the last {n} births was worth training: ")
    n_out = sum(birth.reason.startswith("not bounded to [5, 6]: ") for birth in births)
    assert f"{100 * n_out / n:.1f} % not bounded to [5, 6]" in ended
    assert ended.endswith(". Loosen what rejects most, or give seeds and primitives that meet it")


def test_an_exhausted_space_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actsearch.search.engine.EXHAUSTED_AFTER", 60)
    values: dict[str, Any] = {"name": "tiny", "unary": ["tanh"], "seeds": ["tanh"]}
    # Constants are drawn, so there is no end of them, and yet next to nothing to be found.
    values |= {"constants": {"share": 0.1}, "shape": {"max_nodes": 2}}
    with RunStore.create(tmp_path / "run", {}, {}) as store, store.session({}):
        ended = engine_on(store, space_from(values, "test")).run(ShuffledPool(1, 0))
    assert ended.startswith("the space seems exhausted: none of the last 60 births was worth ")
    assert "% the same function as a birth before" in ended


def test_a_limit_that_leaves_out_a_litter_says_what_turned_it_away(tmp_path: Path) -> None:
    space = conditioned({"is": "bounded", "low": 5.0, "high": 6.0}, {"is": "monotone"})
    n_seeds = len(space.seeds)
    with RunStore.create(tmp_path / "run", {}, {}) as store, store.session({}):
        limited = engine_on(store, space, births=300).run(ShuffledPool(1, 0))
        assert len(store.births()) == n_seeds
        engine_on(store, space, births=3000).run(ShuffledPool(1, 0))
        births, on = store.births(), contents(store)
    with RunStore.create(tmp_path / "whole", {}, {}) as store, store.session({}):
        engine_on(store, space, births=3000).run(ShuffledPool(1, 0))
        assert contents(store) == on
    # What was left out are the births that come where there is room for them.
    n_out = sum(one.reason.startswith("not bounded to [5, 6]: ") for one in births[:300])
    assert limited.startswith(
        f"the limit of 300 births leaves room for {300 - n_seeds}, and the next are more, bred "
        "together, as hardly any passes: of the last 300 births, those left out among them, none "
        "was worth training: "
    )
    assert f"{n_out / 3:.1f} % not bounded to [5, 6]" in limited
    assert limited.endswith(". Loosen what rejects most, or give seeds and primitives that meet it")


class StoppingPool(ShuffledPool):
    """Has trainings stopped before their time, as do workers whose clock is ahead."""

    def __init__(self, n_workers: int, is_stopped: Callable[[int], object]) -> None:
        super().__init__(n_workers, 1)
        self._is_stopped = is_stopped
        self.n_answers = 0

    def stream(self, next_job: Any, *, deadline: Any = None) -> Any:
        for job, record in super().stream(next_job):
            self.n_answers += 1
            if self._is_stopped(self.n_answers):
                record = dataclasses.replace(record, status="stopped", score=None)
            yield job, record


def test_what_was_stopped_before_its_time_is_trained_again(tmp_path: Path) -> None:
    found = []
    for n_workers, is_stopped in ((2, lambda n: False), (1, lambda n: n % 3), (3, lambda n: n % 2)):
        with RunStore.create(tmp_path / str(n_workers), {}, {}) as store, store.session({}):
            ending = engine_on(store, space_with(), births=40).run(
                StoppingPool(n_workers, is_stopped)
            )
            found.append((ending, contents(store), event_log(store)))
    assert found[1:] == found[:1] * 2


def test_one_that_is_always_stopped_ends_the_session_and_not_the_run(tmp_path: Path) -> None:
    logs = []
    for name in ("stopped", "whole"):
        with RunStore.create(tmp_path / name, {}, {}) as store, store.session({}):
            if name == "stopped":
                pool = StoppingPool(2, lambda n: n > 10)
                ending = engine_on(store, space_with(), births=40).run(pool)
                assert "one training 20 times before the budget was used up" in ending
                assert pool.n_answers <= 10 + 2 * 20
            engine_on(store, space_with(), births=40).run(ShuffledPool(2, 1))
            logs.append(event_log(store))
    assert logs[0] == logs[1]

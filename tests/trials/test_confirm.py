"""Confirming: with which seeds is tried, what is kept, and that no interruption matters."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import types
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actsearch.errors import BadInput
from actsearch.expressions import parse
from actsearch.results.looks import LOOKS, replay
from actsearch.runs import Birth, RunStore, TrainingRow, TrialRow
from actsearch.trials import confirm as room
from actsearch.trials.arena import VALIDATION, Field, Wanted, arena_of
from actsearch.trials.checks import check_other_tasks, digests
from actsearch.trials.confirm import confirm_store
from actsearch.trials.judged import FIRST_SEED, SEEDS, scores_of
from actsearch.trials.saved import NothingToConfirm
from actsearch.workers import Slots
from tests.tasks.conftest import blobs, tiny_task
from tests.trials.conftest import BRED, GIVEN, SMALL_ZOO
from tests.trials.simulated import SLOTS, NoisyTask, ShuffledPool, make_run, run_trials

FINALISTS = ("x*sin(x)", "x*atan(x)", "x*erf(x)")
BETTER = NoisyTask({"x*sin(x)": 0.6, "gelu(x)": 0.55})
CLOSE = NoisyTask({"x*sin(x)": 0.54, "gelu(x)": 0.525, "x*atan(x)": 0.52})


def trials_of(folder: Path) -> list[TrialRow]:
    with RunStore.open(folder) as store:
        return store.trials()


def test_a_clear_gain_is_found_at_the_first_look(run_folder: Path, small_zoo: Any) -> None:
    found = run_trials(run_folder, NoisyTask({"x*sin(x)": 0.7}))
    assert found.judgement.winner == "x*sin(x)"
    assert found.is_clear
    assert found.split == VALIDATION
    assert "no test split" in found.sentence
    rows = trials_of(run_folder)
    assert {row.formula for row in rows} == {*FINALISTS, *SMALL_ZOO}
    assert found.main.n_trials == len(rows) == LOOKS[0] * (3 + len(SMALL_ZOO))


def test_no_trial_has_a_seed_of_a_search(run_folder: Path, small_zoo: Any) -> None:
    run_trials(run_folder, CLOSE)
    with RunStore.open(run_folder) as store:
        used = {row.seed for row in store.trials()}
        assert used
        assert not used & {row.seed for row in store.trainings()}
    assert min(used) == FIRST_SEED


def test_a_search_with_such_seeds_is_refused(
    run_folder: Path, small_zoo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "SEEDS", (1, 2, 3, 4, 5, 6))
    with pytest.raises(BadInput, match="trained with seed 1, and seeds 1 to 6 are kept"):
        run_trials(run_folder, BETTER)
    assert trials_of(run_folder) == []


def test_formulas_advance_together(run_folder: Path, small_zoo: Any) -> None:
    pools: list[ShuffledPool] = []

    def pool_of(task: Any, _slots: Slots) -> ShuffledPool:
        pools.append(ShuffledPool(task))
        return pools[-1]

    with RunStore.open(run_folder, write=True) as store:
        confirm_store(store, CLOSE, slots=SLOTS, pool_of=pool_of)
    seeds = [seed for _, seed in pools[0].trained]
    assert seeds == sorted(seeds)
    assert [formula for formula, _ in pools[0].trained[:6]] == [*FINALISTS, *SMALL_ZOO]


def test_what_is_clear_is_not_trained_again(run_folder: Path, small_zoo: Any) -> None:
    first = run_trials(run_folder, BETTER)
    with RunStore.open(run_folder) as store:
        n_sessions = len(store.sessions())
    silent = NoisyTask(fails=[*FINALISTS, *SMALL_ZOO])
    assert run_trials(run_folder, silent) == first
    assert room.confirm(run_folder, task=silent) == first  # without the right to write
    with RunStore.open(run_folder) as store:
        assert len(store.sessions()) == n_sessions


def test_a_session_says_that_it_confirmed(run_folder: Path, small_zoo: Any) -> None:
    run_trials(run_folder, BETTER)
    with RunStore.open(run_folder) as store:
        info = store.sessions()[-1].info
    assert info["kind"] == "confirm"
    assert info["finalists"] == list(FINALISTS)


class Stop(Exception):
    """Ends the trials wherever it is raised."""


@settings(max_examples=6)
@given(stops=st.lists(st.integers(1, 60), min_size=1, max_size=3), seed=st.integers(0, 99))
def test_an_interruption_changes_nothing(stops: list[int], seed: int) -> None:
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "rivals_of", lambda *_: dict(SMALL_ZOO))
        whole = make_run(Path(root) / "whole", BRED, GIVEN)
        broken = make_run(Path(root) / "broken", BRED, GIVEN)
        expected = run_trials(whole, CLOSE)
        for stop in stops:
            count = itertools.count()

            def interrupt(_moment: Any, stop: int = stop, count: Any = count) -> None:
                if next(count) == stop:
                    raise Stop

            with contextlib.suppress(Stop):  # or the verdict came before
                run_trials(broken, CLOSE, seed, observer=interrupt)
        found = run_trials(broken, CLOSE, seed + 1)
        assert found.main.judgement == expected.main.judgement
        assert trials_of(broken) == trials_of(whole)


def test_the_end_of_the_time_leaves_what_was_done(run_folder: Path, small_zoo: Any) -> None:
    part = run_trials(run_folder, BETTER, n_jobs=7)
    assert not part.is_clear
    assert part.judgement.winner is None
    assert part.main.n_trials == len(trials_of(run_folder)) == 7
    assert run_trials(run_folder, BETTER).judgement.winner == "x*sin(x)"


def test_a_budget_that_is_over_trains_nothing(run_folder: Path, small_zoo: Any) -> None:
    found = run_trials(run_folder, BETTER, budget_s=-1.0)
    assert found.main.n_trials == 0
    assert not found.is_clear


def test_failures_are_kept_and_not_tried_again(run_folder: Path, small_zoo: Any) -> None:
    task = NoisyTask({"x*atan(x)": 0.6}, fails=["tanh(x)", ("x*sin(x)", FIRST_SEED)])
    found = run_trials(run_folder, task)
    assert found.judgement.winner == "x*atan(x)"
    failed = [row for row in trials_of(run_folder) if row.score is None]
    assert {row.formula for row in failed} == {"tanh(x)", "x*sin(x)"}
    by_name = {row.name: row for row in found.rows}
    assert by_name["tanh"].n_failed == LOOKS[0]
    assert by_name["x*sin(x)"].decided == "failed"


def test_transfer_gets_a_verdict_of_its_own(run_folder: Path, small_zoo: Any) -> None:
    other = NoisyTask({"tanh(x)": 0.7}, name="elsewhere")
    found = run_trials(run_folder, BETTER, transfer=[other])
    (there,) = found.transfer
    assert found.judgement.winner == "x*sin(x)"
    assert there.judgement.winner is None
    assert there.judgement.is_clear
    assert there.sentence.startswith("On elsewhere, which the search did not use: ")
    assert other.prepared == 1


def test_scores_of_another_kind_of_device_are_refused(run_folder: Path, small_zoo: Any) -> None:
    run_trials(run_folder, BETTER, n_jobs=3)
    with (
        RunStore.open(run_folder, write=True) as store,
        pytest.raises(BadInput, match=r"were made on cpu.*--devices cpu"),
    ):
        confirm_store(store, BETTER, slots=Slots(1, ("cuda:0",)))


def test_nothing_bred_is_nothing_to_confirm(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "poor", {"x*cos(x)": 0.9}, {"relu(x)": 0.5})
    with pytest.raises(NothingToConfirm, match="search on: actsearch resume poor"):
        room.confirm(folder, task=BETTER)


def test_bad_input_of_the_door(run_folder: Path, small_zoo: Any) -> None:
    with pytest.raises(BadInput, match=r"actsearch.confirm\(run, task=...\)"):
        room.confirm(run_folder)
    with pytest.raises(BadInput, match="did you mean 'first'"):
        room.confirm("frist", runs_dir=run_folder.parent, task=BETTER)
    with pytest.raises(BadInput, match="finalists must be at least 1"):
        room.confirm(run_folder, finalists=0, task=BETTER)
    with pytest.raises(BadInput, match="did you mean 'mnist-mlp'"):
        room.confirm(run_folder, transfer=["mnist-mpl"], task=BETTER)
    same = NoisyTask(name="mnist1d-mlp")
    with pytest.raises(BadInput, match="takes tasks that the run did not use"):
        room.confirm(run_folder, transfer=["mnist1d-mlp"], task=same)


@pytest.mark.parametrize(
    ("used", "others", "says"),
    [
        ("a", ["a"], "search used task 'a', so 'a' shows no transfer"),
        ("a+b", ["c", "b"], "search used task 'b', so 'b' shows"),
        ("a", ["a@loss"], "search used task 'a', so 'a@loss' shows"),
        ("c+a@loss", ["a"], "search used task 'a@loss', so 'a' shows"),
        ("a", ["b+a@loss"], "search used task 'a', so 'b.a@loss' shows"),
        ("a", ["b", "c", "b"], "task 'b' is named twice"),
    ],
)
def test_transfer_takes_tasks_that_the_run_did_not_use(
    used: str, others: list[str], says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        check_other_tasks(NoisyTask(name=used), [NoisyTask(name=name) for name in others])


def test_transfer_takes_any_other_task() -> None:
    check_other_tasks(NoisyTask(name="a+b"), [NoisyTask(name="aa"), NoisyTask(name="c@loss")])


@pytest.mark.parametrize("changes", ["main", "transfer"])
def test_trials_of_a_task_that_changed_are_not_mixed(
    changes: str, run_folder: Path, small_zoo: Any
) -> None:
    tasks = {"main": NoisyTask(), "transfer": NoisyTask(name="elsewhere")}
    run_trials(run_folder, tasks["main"], n_jobs=3, transfer=[tasks["transfer"]])
    before = trials_of(run_folder)
    tasks[changes] = NoisyTask(name=tasks[changes].name, noise=0.02)
    says = rf"on task '{tasks[changes].name}' were made .*: noise differ.*--seed-run first"
    with pytest.raises(BadInput, match=says):
        run_trials(run_folder, tasks["main"], transfer=[tasks["transfer"]])
    assert trials_of(run_folder) == before
    other = NoisyTask(name="nowhere", noise=0.02)  # what was not tried yet may be anything
    run_trials(run_folder, NoisyTask(), n_jobs=1, transfer=[other])
    assert len(trials_of(run_folder)) == len(before) + 2


def test_a_session_that_tried_nothing_binds_nobody(run_folder: Path, small_zoo: Any) -> None:
    run_trials(run_folder, NoisyTask(), budget_s=-1.0)
    run_trials(run_folder, NoisyTask(noise=0.02), n_jobs=1)
    assert len(trials_of(run_folder)) == 1


def test_another_test_split_is_told_from_the_old_one() -> None:
    one, same, other = (
        digests(arena_of(tiny_task(test=split)))
        for split in (_first_split, _first_split, _second_split)
    )
    assert one == same
    assert {key for key in one if one[key] != other[key]} == {"test"}


def _first_split() -> Any:
    return blobs(60, 3)


def _second_split() -> Any:
    return blobs(60, 4)


def test_earlier_finalists_stay_in_the_correction(run_folder: Path, small_zoo: Any) -> None:
    run_trials(run_folder, CLOSE, n_jobs=LOOKS[0] * 6)
    found = run_trials(run_folder, CLOSE, finalists=1, budget_s=-1.0)
    scores, failed = scores_of(trials_of(run_folder))
    at: dict[str, Any] = {"seeds": SEEDS, "failed": failed}
    asked = replay(scores, FINALISTS[:1], SMALL_ZOO, earlier=FINALISTS[1:], **at)
    alone = replay(scores, FINALISTS[:1], SMALL_ZOO, **at)
    assert asked.adjusted != alone.adjusted
    p_values = {row.formula: row.holm_p for row in found.rows if row.kind == "known"}
    assert p_values == {k: asked.adjusted[FINALISTS[0], k] for k in SMALL_ZOO}
    assert {row.formula for row in found.rows} == {FINALISTS[0], *SMALL_ZOO}
    # And it trains until that is clear, not the family of one.
    whole = run_trials(run_folder, CLOSE, finalists=1)
    assert whole.is_clear


def test_everything_is_prepared_before_anything_trains(run_folder: Path, small_zoo: Any) -> None:
    tasks = [NoisyTask(), NoisyTask(name="elsewhere"), NoisyTask(name="nowhere")]
    prepared: list[list[int]] = []

    def pool_of(task: Any, _slots: Slots) -> ShuffledPool:
        prepared.append([one.prepared for one in tasks])
        return ShuffledPool(task, n_jobs=1)

    with RunStore.open(run_folder, write=True) as store:
        confirm_store(store, tasks[0], slots=SLOTS, transfer=tasks[1:], pool_of=pool_of)
    assert prepared == [[1, 1, 1]] * 3


def test_data_that_lack_are_found_before_anything_trains(run_folder: Path, small_zoo: Any) -> None:
    class Lacking(NoisyTask):
        def prepare(self) -> None:
            raise BadInput("no data")

    with pytest.raises(BadInput, match="no data"):
        run_trials(run_folder, BETTER, transfer=[Lacking(name="elsewhere")])
    assert trials_of(run_folder) == []


def test_the_time_left_is_shared(
    run_folder: Path, small_zoo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 90 seconds the first takes 10 of its 30, the second all of its 40."""
    deadlines: list[float | None] = []
    clock = iter([1000.0, 1000.0, 1010.0, 1050.0])
    times = types.SimpleNamespace(time=lambda: next(clock), monotonic=lambda: 0.0)
    monkeypatch.setattr(room, "time", times)
    monkeypatch.setattr(room, "advance", lambda *args: deadlines.append(args[5]))
    others = [NoisyTask(name="elsewhere"), NoisyTask(name="nowhere")]
    run_trials(run_folder, CLOSE, budget_s=90.0, transfer=others)
    assert deadlines == [1030.0, 1050.0, 1090.0]


def test_a_field_whose_time_has_passed_prepares_nothing() -> None:
    task = NoisyTask()

    def pool_of(_task: Any, _slots: Slots) -> ShuffledPool:
        raise AssertionError("a pool was made")

    with Field(arena_of(task), SLOTS, pool_of) as field:
        field.train(lambda: [Wanted("relu(x)", FIRST_SEED)], lambda *_: None, deadline=1.0)
    assert task.prepared == 0


def test_a_task_that_changed_is_refused(tmp_path: Path, small_zoo: Any) -> None:
    folder = make_run(tmp_path / "first", BRED, GIVEN, task=BETTER)
    with pytest.raises(BadInput, match=r"differ now: noise; put them back, .*begin a new run"):
        room.confirm(folder, task=NoisyTask(noise=0.5))


def test_a_run_whose_trainings_all_fail_is_not_to_be_searched_on(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "poor", {}, {})
    relu = parse("relu(x)")
    birth = Birth(0, "seed", (), "relu(x)", relu.fingerprint(), "accepted", size=relu.size)
    row = TrainingRow(0, "full", 0, "failed", None, {}, (), 1.0, "cpu", "ValueError: no")
    with RunStore.open(folder, write=True) as store:
        store.add_births([birth])
        store.add_training(row)
    with pytest.raises(NothingToConfirm, match=r"1 failed; most often: ValueError: no \(see: "):
        room.confirm(folder, task=BETTER)

"""Starting and going on: limits, seeds, and what may not change between sessions."""

from __future__ import annotations

import math
import re
import statistics
from pathlib import Path
from typing import Any

import pytest

from actsearch.errors import ActsearchError, BadInput
from actsearch.expressions import Expression, parse
from actsearch.results.view import config_facts
from actsearch.runs import RunStore
from actsearch.search.space import load_space, space_from
from actsearch.trials.saved import finalists_of
from tests.search.searches import births, go_on, start
from tests.search.simulated import SimulatedTask

LONGEST_FIRST = ("full", "medium", "short")


def ranked(folder: Path) -> list[tuple[int, str, str, int, float]]:
    """Return id, formula, rung, number of trainings and mean of those with a score, best first.

    By the run's trainings alone: the longer rung leads, then several seeds, then the mean less its
    error by the noise of the better half, the smaller, the earlier.
    """
    with RunStore.open(folder) as store:
        births, trainings = store.births(), store.trainings()
    found: dict[str, list[tuple[Any, list[float]]]] = {rung: [] for rung in LONGEST_FIRST}
    for birth in births:
        rows = [row for row in trainings if row.birth_id == birth.id]
        rung = next((rung for rung in LONGEST_FIRST if any(row.rung == rung for row in rows)), None)
        if rung is None:
            continue
        there = [row for row in rows if row.rung == rung]
        scores = [row.score for row in there if row.score is not None]
        if len(scores) == len(there):
            found[rung].append((birth, scores))
    order = []
    for rung, here in found.items():
        several = [scores for _, scores in here if len(scores) > 1]
        several.sort(key=statistics.fmean, reverse=True)
        better = several[: max(3, math.ceil(len(several) / 2))]
        spread = sum((s - statistics.fmean(scores)) ** 2 for scores in better for s in scores)
        noise = math.sqrt(spread / max(1, sum(len(scores) - 1 for scores in better)))
        keys = []
        for birth, scores in here:
            n, mean = len(scores), math.fsum(scores) / len(scores)
            worth = mean - (noise / math.sqrt(n) if n > 1 else 0)
            row = (birth.id, birth.formula, rung, n, mean)
            keys.append(((n == 1, -worth, birth.size, birth.id), row))
        order += [row for _, row in sorted(keys)]
    return order


def test_the_result_has_the_best_as_an_expression(tmp_path: Path) -> None:
    result = start(tmp_path)
    assert result.path == tmp_path / "r"
    expected = ranked(result.path)
    shown = [
        (found.id, str(found.expression), found.rung, found.n, found.score)
        for found in result.hall_of_fame
    ]
    assert len(expected) > 20
    assert shown == expected
    assert result.best == result.hall_of_fame[0]
    assert result.best.rung != "short"
    best = result.best.expression
    assert isinstance(best, Expression)
    assert best.evaluate([0.0, 1.0]).shape == (2,)


def test_why_it_ended_is_told_and_kept(tmp_path: Path) -> None:
    few = start(tmp_path, births=20)  # seeds alone
    assert few.ended == "the limit of 20 births is reached"
    out = go_on(tmp_path, births=60, budget=1e-6)
    assert out.ended == "the budget of 0s is used up"
    with RunStore.open(tmp_path / "r") as store:
        assert [session.outcome for session in store.sessions()] == [few.ended, out.ended]


def test_a_wish_counts_in_ranks_alone(tmp_path: Path) -> None:
    values = load_space("default").model_dump() | {"name": "mine"}
    wish = {"is": "zero-at-zero", "penalty": 0.5}
    result = start(tmp_path, space=space_from(values | {"conditions": [wish]}, "test"))
    found = {str(one.expression): one for one in result.hall_of_fame}
    assert found["sigmoid(x)"].penalty == pytest.approx(0.25)
    assert found["tanh(x)"].penalty == 0
    assert result.best.penalty == 0
    with RunStore.open(tmp_path / "r") as store:
        assert store.births()[found["sigmoid(x)"].id].penalty == found["sigmoid(x)"].penalty
        (finalist,) = finalists_of(store, 1)
    assert found[finalist].penalty == 0
    go_on(tmp_path, births=70)  # with the conditions that the run keeps


def test_resume_keeps_the_limits_of_the_last_session(tmp_path: Path) -> None:
    start(tmp_path)
    go_on(tmp_path, births=75)
    go_on(tmp_path)
    assert 60 < len(births(tmp_path)) <= 75  # a litter that does not fit is not bred
    with RunStore.open(tmp_path / "r") as store:
        assert [session.info["births"] for session in store.sessions()] == [60, 75, 75]


@pytest.mark.parametrize("n", [5, 25])  # before and after the first decision could be made
def test_fewer_births_than_seeds_then_more(tmp_path: Path, n: int) -> None:
    start(tmp_path, births=n)
    assert [birth.operator for birth in births(tmp_path)] == ["seed"] * n
    go_on(tmp_path, births=60)
    start(tmp_path, run="whole")
    with RunStore.open(tmp_path / "whole") as whole, RunStore.open(tmp_path / "r") as ours:
        assert [b.formula for b in ours.births()] == [b.formula for b in whole.births()]
        assert ours.heats() == whole.heats()


def test_a_run_of_other_rules_does_not_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(tmp_path)
    monkeypatch.setattr("actsearch.search.api.RULES", 10**6)
    with pytest.raises(
        BadInput, match=r"(?s)with another version of the program.*search_rules: .*--seed-run r "
    ):
        go_on(tmp_path, births=90)
    assert len(births(tmp_path)) <= 60


@pytest.mark.parametrize(
    ("text", "part"),
    [("3", "constant"), ("2*x", "affine"), ("max(x, u)", "reads x, u, and the layers of task")],
)
def test_seeds_that_cannot_be_trained_are_refused(tmp_path: Path, text: str, part: str) -> None:
    with pytest.raises(BadInput, match=part):
        start(tmp_path, seed_formulas=[text])
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"births": None}, "needs an end"),
        ({"births": 0}, "at least 1"),
        ({"budget": -1.0}, "above 0"),
        ({"workers": 17}, "lag of 16"),
        ({"task": object()}, "lacks name"),
    ],
)
def test_what_is_refused(tmp_path: Path, options: dict[str, Any], part: str) -> None:
    with pytest.raises(BadInput, match=part):
        start(tmp_path, **options)


def test_a_changed_task_is_refused_with_the_differing_keys(tmp_path: Path) -> None:
    class Changed(SimulatedTask):
        def settings(self) -> dict[str, Any]:
            return {"simulated": 2}

    start(tmp_path)
    with pytest.raises(BadInput, match=r"task\.simulated: 1 in the run, 2 now"):
        go_on(tmp_path, task=Changed())
    with pytest.raises(BadInput, match="task object"):
        go_on(tmp_path, task=None)


def test_a_fault_of_the_machine_ends_the_session_and_resume_goes_on(tmp_path: Path) -> None:
    class FullDisk(SimulatedTask):
        n_left = 7

        def train(self, *args: Any, **options: Any) -> Any:
            self.n_left -= 1
            if self.n_left < 0:
                raise OSError(28, "No space left on device")
            return super().train(*args, **options)

    with pytest.raises(ActsearchError, match=r"No space left on device$") as caught:
        start(tmp_path, task=FullDisk())
    assert caught.value.exit_code == 1
    with RunStore.open(tmp_path / "r") as store:
        assert store.n_trainings() == 7
    go_on(tmp_path)
    start(tmp_path, run="whole")
    with RunStore.open(tmp_path / "r") as one, RunStore.open(tmp_path / "whole") as two:
        assert one.trainings() == two.trainings()


def test_a_task_that_stops_before_its_deadline_does_not_hang(tmp_path: Path) -> None:
    class Stops(SimulatedTask):
        def _record(self, training: Any, device: str) -> Any:
            import dataclasses

            record = super()._record(training, device)
            return dataclasses.replace(record, status="stopped", score=None)

    result = start(tmp_path, task=Stops(), births=16)
    assert result.hall_of_fame == ()
    remedy = r"no scored formula yet; .*: actsearch resume r --budget 10m --runs-dir "
    with pytest.raises(BadInput, match=remedy):
        _ = result.best
    with pytest.raises(BadInput, match=remedy):
        start(tmp_path, run="other", seed_run=result.path)
    with RunStore.open(tmp_path / "r") as store:
        assert {row.status for row in store.trainings()} == {"failed"}


def test_a_search_that_lacked_births_asks_for_no_more_time(tmp_path: Path) -> None:
    values = load_space("default").model_dump()
    values["conditions"] = [{"is": "bounded", "low": 5.0, "high": 6.0}]
    result = start(tmp_path, space=space_from(values, "test"))
    with pytest.raises(BadInput, match=r"no scored formula; the limit .* hardly any passes") as one:
        _ = result.best
    assert "--budget" not in str(one.value)


def test_time_for_preparing_data_is_not_taken_from_the_budget(tmp_path: Path) -> None:
    class Slow(SimulatedTask):
        def prepare(self) -> None:
            import time

            time.sleep(1.5)

    start(tmp_path, task=Slow(), budget=1.4, births=16)
    with RunStore.open(tmp_path / "r") as store:
        assert store.n_trainings() > 0


def test_a_result_is_confirmed_and_resume_keeps_to_the_search(tmp_path: Path) -> None:
    result = start(tmp_path, births=80)
    with RunStore.open(tmp_path / "r") as store:
        before = store.elapsed_s()
    confirmation = result.confirm(workers=1, devices="cpu")
    assert "known activations" in confirmation.sentence
    with RunStore.open(tmp_path / "r") as store:
        assert store.trials()
        assert store.elapsed_s() == before  # confirming has a budget of its own
    n_births = len(births(tmp_path))
    go_on(tmp_path)
    assert len(births(tmp_path)) == n_births


class GivesU(SimulatedTask):
    inputs = ("x", "u")


def test_a_space_that_the_task_has_no_inputs_for_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"'gated' reads x, u, and the layers of task 'simulated'"):
        start(tmp_path, space="gated")
    with pytest.raises(BadInput, match=r"'overlap' reads x, o.*overlaps are of fully connected"):
        start(tmp_path, space="overlap", task=GivesU())
    with pytest.raises(BadInput, match=r"seed formula 'x\*u' reads x, u"):
        start(tmp_path, seed_formulas=["bilinear"])
    assert not (tmp_path / "r").exists()


def test_gated_units_are_searched_where_layers_give_u(tmp_path: Path) -> None:
    start(tmp_path, space="gated", task=GivesU())
    accepted = [one for one in births(tmp_path) if one.status == "accepted"]
    bred = [parse(one.formula) for one in accepted if one.operator != "seed"]
    assert any("u" in one.inputs for one in bred)
    with pytest.raises(BadInput, match="reads x, o"):
        go_on(tmp_path, task=GivesU(), births=70, seed_formulas=["x*o + sin(x)"])


def test_a_seed_formula_may_read_what_the_space_does_not(tmp_path: Path) -> None:
    start(tmp_path, task=GivesU(), seed_formulas=["SwiGLU"])
    assert "silu(x)*u" in [one.formula for one in births(tmp_path)]


def test_a_seed_formula_for_other_groups_of_layers_is_refused(tmp_path: Path) -> None:
    """Kept beside formulas of one form, it would have no distance to them."""
    layered = "input: sin(x) | last: tanh(x)"
    with pytest.raises(BadInput, match="the space has one formula for all layers"):
        start(tmp_path, seed_formulas=[layered])
    start(tmp_path)
    with pytest.raises(BadInput, match="seed formula 'input: sin"):
        go_on(tmp_path, seed_formulas=[layered])
    assert all("|" not in one.formula for one in births(tmp_path))


class Bare(SimulatedTask):
    names_channels = False


LEARNED = "x*sigmoid(p0*x)"
PER_CHANNEL = f"{LEARNED}; per channel"


@pytest.mark.parametrize(
    ("changes", "given", "who", "remedy"),
    [
        ({"parameters": {"max": 1, "per": "channel"}}, (), "search space 'mine'", 'per = "layer"'),
        ({"parameters": {"per": "channel"}, "unary": ["p0*x"]}, (), "space 'mine'", "per = "),
        ({"parameters": {"per": "channel"}, "seeds": [LEARNED]}, (), "space 'mine'", "per = "),
        ({"parameters": {"per": "channel"}}, (LEARNED,), "space 'mine'", "per = "),
        ({"seeds": ["relu(x)", PER_CHANNEL]}, (), f"seed formula '{PER_CHANNEL}'", "leave 'per"),
        ({}, (PER_CHANNEL,), f"seed formula '{PER_CHANNEL}'", "leave 'per channel' out"),
        (
            {"shape": {"layers": ["input", "last"]}, "seeds": ["relu(x)"]},
            (f"input: relu(x) | last: {PER_CHANNEL}",),
            "seed formula 'input",
            "leave 'per",
        ),
    ],
)
def test_parameters_a_channel_need_a_network_that_says_how_many(
    tmp_path: Path, changes: dict[str, Any], given: tuple[str, ...], who: str, remedy: str
) -> None:
    plain = load_space("default").model_dump() | {"name": "mine", "seeds": ["relu(x)", "silu(x)"]}
    options = {"space": space_from(plain | changes, "test"), "seed_formulas": given, "births": 3}
    expected = f"{re.escape(who)}.* has parameters per channel.*units.unit.*, or .*{remedy}"
    with pytest.raises(BadInput, match=expected):
        start(tmp_path, task=Bare(), **options)
    assert not (tmp_path / "r").exists()
    start(tmp_path, **options)  # a task that can't say is taken at its word
    with pytest.raises(BadInput, match="has parameters per channel"):
        go_on(tmp_path, task=Bare(), births=4, seed_formulas=given)


def test_a_network_that_names_no_channels_is_no_matter_to_parameters_a_layer(
    tmp_path: Path,
) -> None:
    values = load_space("default").model_dump() | {"name": "mine", "parameters": {"max": 2}}
    start(tmp_path, task=Bare(), space=space_from(values, "test"), seed_formulas=[LEARNED])
    none = space_from(values | {"parameters": {"per": "channel"}, "seeds": ["relu(x)"]}, "test")
    start(tmp_path, task=Bare(), space=none, births=3, run="none")  # nothing brings parameters


def test_a_lag_that_was_given_is_shown_with_the_run(tmp_path: Path) -> None:
    shown = {}
    for lag in (None, 7):
        result = start(tmp_path, lag=lag, births=5, run=f"lag{lag}")
        with RunStore.open(result.path) as store:
            shown[lag] = config_facts(store.config)
    assert "lag" not in shown[None]
    assert shown[7]["lag"] == 7

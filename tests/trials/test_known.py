"""What is known follows from the task: rivals, finalists, names that can be typed, sentences."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import pytest

from actsearch.errors import BadInput
from actsearch.expressions import parse
from actsearch.expressions.known import KNOWN_SCALES, NAMED, SCALES
from actsearch.results.hall import table_columns
from actsearch.results.looks import LOOKS
from actsearch.results.units import unit_of
from actsearch.results.view import known_names, read_run
from actsearch.runs import RunStore
from actsearch.search import search
from actsearch.tasks.known import known_of
from actsearch.tasks.protocol import ONLY_X
from actsearch.trials.confirm import confirm_store
from actsearch.trials.judged import Confirmation
from actsearch.trials.saved import contestants, finalists_of, known_contestants
from tests.trials.simulated import SLOTS, NoisyTask, ShuffledPool, make_run

OWN = {"exp": "exp(x)", "Softplus": "softplus(x)", "exp again": "exp(1*x)"}


class ScaleTask(NoisyTask):
    """A task that is held against scales."""

    score_name = "validation log-likelihood"
    known = OWN


def confirmed(folder: Path, task: NoisyTask, **more: Any) -> Confirmation:
    with RunStore.open(folder, write=True) as store:
        pool_of: Any = lambda one, _slots: ShuffledPool(one)  # noqa: E731
        return confirm_store(store, task, slots=SLOTS, pool_of=pool_of, **more)


def test_a_task_or_what_it_wraps_names_them() -> None:
    assert known_of(NoisyTask()) == NAMED
    wrapped: Any = types.SimpleNamespace(task=types.SimpleNamespace(task=ScaleTask()))
    assert known_of(wrapped) == OWN
    assert known_contestants(ScaleTask()) == {"exp(x)": "exp", "softplus(x)": "Softplus"}
    assert list(known_contestants(ScaleTask(), ["exp(x*1)"]).values()) == ["Softplus"]


def test_each_scale_has_a_name_and_a_function_of_its_own() -> None:
    assert len({parse(one.formula).fingerprint() for one in SCALES}) == len(KNOWN_SCALES) == 9
    for one in SCALES:
        assert parse(one.formula).check() is None
        assert one.source


def test_they_are_the_rivals_and_the_sentence_counts_them(tmp_path: Path) -> None:
    """A known activation of the zoo may win where it is none, and no other is trained."""
    folder = make_run(tmp_path / "r", {"sigmoid(x)": 0.8, "exp(x)": 0.9}, {"softplus(x)": 0.7})
    task = ScaleTask({"sigmoid(x)": 0.7})
    with RunStore.open(folder) as store:
        assert finalists_of(store, 3, task) == ("sigmoid(x)",)
        assert finalists_of(store, 3) == ("exp(x)",)
    found = confirmed(folder, task)
    assert found.judgement.winner == "sigmoid(x)"
    assert found.main.n_trials == LOOKS[0] * 3
    assert found.sentence.startswith("sigmoid(x) beats all 2 known activations: +0.")
    assert " nats over the best of them" in found.sentence
    assert "points" not in found.sentence


def test_where_a_finalist_is_known_it_is_not_its_own_rival(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "r", {"sigmoid(x)": 0.8}, {"softplus(x)": 0.7})
    other = NoisyTask({"sigmoid(x)": 0.9}, name="other")
    found = confirmed(folder, ScaleTask({"sigmoid(x)": 0.7}), transfer=[other])
    (transfer,) = found.transfer
    names = {row.name for row in transfer.rows}
    assert len(names) == len(known_contestants(other, inputs=ONLY_X))
    assert "sigmoid" not in names
    assert "all 30 known activations" in transfer.sentence


def test_a_multiple_of_a_known_scale_is_not_said_to_be_a_learning_rate(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "r", {"0.3*softplus(x)": 0.8}, {"exp(x)": 0.7})
    sentence = confirmed(folder, ScaleTask({"0.3*softplus(x)": 0.7})).sentence
    assert "0.3*softplus(x) is Softplus but for a factor, so it is hardly" in sentence
    assert "learning" not in sentence


def test_their_names_can_be_typed() -> None:
    found = contestants(["EXP", "elu + 1", "gelu"], known=KNOWN_SCALES)
    assert [(one.name, one.formula) for one in found] == [
        ("exp", "exp(x)"),
        ("ELU + 1", "elu(x) + 1"),
        ("GELU", "gelu(x)"),
    ]
    with pytest.raises(BadInput, match=r"did you mean 'squareplus'\? \(known: exp, "):
        contestants(["squareplu", "exp"], known=KNOWN_SCALES)


def test_a_run_keeps_them_for_its_hall_of_fame(tmp_path: Path) -> None:
    """ReLU is none of them, so there is no column of gains over it."""
    path = search(
        "default", ScaleTask(), births=3, workers=1, runs_dir=tmp_path, seed_formulas=["exp(x)"]
    ).path
    with RunStore.open(path) as store:
        assert store.config["known"] == OWN
    view = read_run(path)
    assert view.measure == "validation log-likelihood, in nats a sample"
    assert {row["known"] for row in view.rows} == {None}  # the three births are of the zoo
    assert "gain_over_relu" not in {column.key for column in table_columns(view.rows)}
    zoo = search("default", NoisyTask(), births=3, workers=1, runs_dir=tmp_path).path
    with RunStore.open(zoo) as store:
        assert "known" not in store.config
        assert known_names(store.config) == NAMED
    rows = read_run(zoo).rows
    assert "gain_over_relu" in {column.key for column in table_columns(rows)}


def test_units() -> None:
    unit = unit_of("test log-likelihood")
    assert (unit.scale, unit.word) == (1, " nats")
    assert unit_of("test accuracy").scale == 100

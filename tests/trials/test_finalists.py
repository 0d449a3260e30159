"""Who is tried: the best that are new, and all that is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actsearch.errors import BadInput
from actsearch.expressions import KNOWN, parse
from actsearch.expressions.known import GATED
from actsearch.runs import RunStore
from actsearch.tasks.protocol import ONLY_X
from actsearch.trials import confirm as room
from actsearch.trials.saved import finalists_of, known_contestants, rivals_of
from tests.trials.simulated import NoisyTask, make_run, run_trials

FINALISTS = ("x*sin(x)", "x*atan(x)", "x*erf(x)")


def test_finalists_are_the_best_that_are_unknown(run_folder: Path) -> None:
    with RunStore.open(run_folder) as store:
        assert finalists_of(store, 3) == FINALISTS
        assert finalists_of(store, 9) == (*FINALISTS, "x*sin(x)*x", "sin(x)*x*x*x")


def test_of_finalists_of_one_shape_the_best_is_tried(tmp_path: Path) -> None:
    bred = {"x*atan(x)": 0.95, "2.2*(x*atan(x))": 0.94, "x*sin(x)*x": 0.9, "cos(x)*x*x": 0.8}
    with RunStore.open(make_run(tmp_path / "r", bred, {"relu(x)": 0.7})) as store:
        assert finalists_of(store, 3) == ("x*atan(x)", "x*sin(x)*x", "cos(x)*x*x")
        assert finalists_of(store, 4) == tuple(bred)


def test_a_known_activation_with_a_factor_is_tried_when_there_is_nothing_else(
    tmp_path: Path,
) -> None:
    bred = {"1.21*gelu(x)": 0.95, "x*sin(x)*x": 0.9, "cos(x)*x*x": 0.8}
    with RunStore.open(make_run(tmp_path / "r", bred, {"relu(x)": 0.7})) as store:
        assert finalists_of(store, 2) == ("x*sin(x)*x", "cos(x)*x*x")
        assert set(finalists_of(store, 3)) == set(bred)


def test_a_known_activation_by_its_former_formula_is_no_finalist(tmp_path: Path) -> None:
    bred = {"relu(x) - 0.25*p0*relu(-x)": 0.95, "x*sin(x)*x": 0.9}
    with RunStore.open(make_run(tmp_path / "r", bred, {"relu(x)": 0.7})) as store:
        assert finalists_of(store, 3) == ("x*sin(x)*x",)


def test_a_winner_that_is_known_but_for_a_factor_is_called_so(
    tmp_path: Path, small_zoo: Any
) -> None:
    folder = make_run(tmp_path / "r", {"1.21*gelu(x)": 0.95}, {"relu(x)": 0.7})
    found = run_trials(folder, NoisyTask({"1.21*gelu(x)": 0.7}))
    assert found.judgement.winner == "1.21*gelu(x)"
    assert "1.21*gelu(x) is GELU but for a factor, which acts as a learning rate" in found.sentence
    assert found.main.caveat.startswith("1.21*gelu(x) is GELU but for a factor")
    assert found.main.caveat not in found.judgement.sentence
    near = make_run(tmp_path / "near", {"2*silu(1.7*x)": 0.95}, {"relu(x)": 0.7})
    assert "is nearly GELU but" in run_trials(near, NoisyTask({"2*silu(1.7*x)": 0.7})).sentence
    other = make_run(tmp_path / "other", {"x*sin(x)": 0.95}, {"relu(x)": 0.7})
    plain = run_trials(other, NoisyTask({"x*sin(x)": 0.7}))
    assert "factor" not in plain.sentence
    assert plain.main.caveat == ""


def test_the_whole_zoo_is_tried_once_each() -> None:
    known = known_contestants(inputs=ONLY_X)
    fingerprints = [parse(formula).fingerprint() for formula in known]
    assert len(set(fingerprints)) == len(known) == 31
    assert set(fingerprints) == {parse(formula).fingerprint() for formula in KNOWN.values()}
    assert known["elu(x)"] == "ELU"
    assert "CELU" not in known.values()
    gated = {name for formula, name in known_contestants().items() if formula not in known}
    assert gated == {one.name for one in GATED}


class GivesU(NoisyTask):
    inputs = ("x", "u")


def gated_run(folder: Path) -> Path:
    path = make_run(folder, {"x*sin(u)": 0.95, "max(x, u)": 0.9}, {"relu(x)": 0.5})
    with RunStore.open(path) as store:
        config = dict(store.config)
    space = {"space_settings": {"inputs": ["x", "u"]}}
    with RunStore.create(folder.with_name("gated"), config | space, {"python": "3"}) as store:
        return store.folder


def test_rivals_read_what_the_space_reads_and_the_task_gives(tmp_path: Path) -> None:
    with RunStore.open(gated_run(tmp_path / "r")) as store:
        rivals = rivals_of(store, GivesU())
        assert {"max(x, u)", "x*sigmoid(u)", "silu(x)*u"} < set(rivals)
        assert set(rivals.values()) > set(known_contestants(inputs=ONLY_X).values())
        assert "relu(x)*o" not in rivals
        assert rivals_of(store, NoisyTask()) == known_contestants(inputs=ONLY_X)
    with RunStore.open(tmp_path / "r") as store:
        assert rivals_of(store, GivesU()) == known_contestants(inputs=ONLY_X)
        assert finalists_of(store, 3) == ("x*sin(u)",)  # Maxout is known


def test_finalists_are_not_taken_where_they_can_not_be_read(tmp_path: Path) -> None:
    make_run(tmp_path / "r", {"x*sin(u)": 0.95}, {"relu(x)": 0.5})
    with pytest.raises(
        BadInput, match=r"'x\*sin\(u\)' reads x, u, and the layers of task 'spirals"
    ):
        room.confirm(tmp_path / "r", task=GivesU(), transfer=["examples/my_task.py:make_task"])

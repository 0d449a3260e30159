"""A run opened from Python."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import actsearch
from actsearch.errors import BadInput
from actsearch.results.hall import HALL_COLUMNS
from actsearch.results.listing import BIRTH_COLUMNS
from actsearch.runs import RunStore
from tests.cli.conftest import fill


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small run made by hand."""
    folder = tmp_path_factory.mktemp("runs") / "first"
    fill(folder)
    return folder


def test_everything_is_there_as_plain_rows(folder: Path) -> None:
    run = actsearch.open_run("first", folder.parent)
    assert repr(run) == "<run 'first': 8 births>"
    assert (run.name, run.is_running, run.config["task"]) == ("first", False, "mnist1d-cnn")
    assert run.best.id == 2
    assert run.best.expression == actsearch.parse("x*sin(x)")
    assert run.best.score == pytest.approx(0.677)
    assert [row["id"] for row in run.hall_of_fame] == [2, 1, 0]
    assert {*run.hall_of_fame[0]} == {column.key for column in HALL_COLUMNS}
    assert run.hall_of_fame[0]["gain_over_best_known"] == pytest.approx(0.033)
    assert [(row["id"], row["pick"]) for row in run.front] == [(2, True), (1, False), (0, False)]
    assert [row["status"] for row in run.births][3:6] == ["duplicate", "rejected", "trained"]
    assert {*run.births[0]} == {c.key for c in BIRTH_COLUMNS} - {"cost_ns"}
    assert [row["score"] for row in run.trainings][:2] == [0.6, 0.61]
    assert run.trials == []
    assert run.birth(3)["same_as"] == 1
    assert [row["id"] for row in run.where("score>0.61", sort="score")] == [1, 2]
    assert run.table("births") is run.births


def test_it_is_opened_by_its_folder_too_and_holds_what_there_was(folder: Path) -> None:
    run = actsearch.open_run(folder)
    assert len(run.births) == 8
    with RunStore.open(folder, write=True):
        assert actsearch.open_run(folder).is_running
        assert not run.is_running


def test_what_there_is_not_is_said(folder: Path, tmp_path: Path) -> None:
    run = actsearch.open_run(folder)
    with pytest.raises(BadInput, match="did you mean 'births'"):
        run.table("birth")
    with pytest.raises(BadInput, match="births 0 to 7"):
        run.birth(8)
    with pytest.raises(BadInput, match="did you mean 'score'"):
        run.where("scor>1")
    with pytest.raises(BadInput, match="did you mean 'first'"):
        actsearch.open_run("frist", folder.parent)
    with RunStore.create(tmp_path / "empty", {}, {}):
        pass
    empty = actsearch.open_run(tmp_path / "empty")
    assert (empty.hall_of_fame, empty.front, empty.births) == ([], [], [])
    with pytest.raises(BadInput, match="no scored formula yet"):
        _ = empty.best


def test_tables_become_data_frames(folder: Path) -> None:
    pandas = pytest.importorskip("pandas")
    run = actsearch.open_run(folder)
    frame = run.to_pandas("births")
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.id) == list(range(8))
    assert frame.groupby("operator").score.max()["seed"] == pytest.approx(0.644)
    assert len(run.to_pandas()) == 3
    assert len(run.to_pandas("trials")) == 0


def test_without_pandas_the_remedy_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    run = actsearch.open_run(folder)
    with pytest.raises(BadInput, match=r"pip install 'actsearch\[pandas\]'"):
        run.to_pandas("births")
    with pytest.raises(BadInput, match="unknown table 'brith'"):
        run.to_pandas("brith")

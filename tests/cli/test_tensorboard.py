"""`--tensorboard`: event files held against the store; no failure of theirs is the search's."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from actsearch.cli.tensorboard import EventFiles, events
from actsearch.errors import BadInput
from actsearch.runs import Birth, Heat, RunStore, Scored, Snapshot, TrainingRow, hall_of_fame
from tests.cli.conftest import Command, FakeSearch, snapshot, training

RUNGS = ("short", "full")
CONFIG = {"task": "t", "rungs": [{"name": name} for name in RUNGS]}
SCORES = (0.5, 0.7, None, 0.6, 0.8, 0.65)


def read(folder: Path) -> dict[str, list[tuple[int, Any]]]:
    """Return tag -> (step, value) as TensorBoard would show them."""
    found = accumulated(folder)
    return {
        tag: [(event.step, event.value) for event in found.Scalars(tag)]
        for tag in found.Tags()["scalars"]
    }


def accumulated(folder: Path) -> Any:
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    return found.Reload()


class Search:
    """Stands for an engine: commits a training to the store, then tells the observer."""

    def __init__(self, folder: Path) -> None:
        if not folder.exists():
            RunStore.create(folder, CONFIG, {}).close()
        self.store = RunStore.open(folder, write=True)

    def state(self, latest: TrainingRow | None = None) -> Snapshot:
        births, trainings = self.store.births(), self.store.trainings()
        best: Sequence[Scored] = hall_of_fame(births, trainings, 5, ladder=RUNGS)
        return snapshot(
            run=self.store.name,
            n_births=len(births),
            n_trained=len({row.birth_id for row in trainings}),
            n_duplicates=0,
            n_rejected=0,
            n_trainings=len(trainings),
            best=tuple(best),
            elapsed_s=2.0 * len(trainings),
            latest=latest,
        )

    def train(self, score: float | None, rung: str = "short") -> TrainingRow:
        id_ = self.store.n_births()
        birth = Birth(id_, "seed", (), f"x*sin({id_}*x)", f"{id_:x}", "accepted", size=4)
        self.store.add_births([birth], Heat(id_, id_, rung, (0,)))
        row = dataclasses.replace(training(id_, 0, score), rung=rung)
        self.store.add_training(row)
        return row

    def run(self, observer: EventFiles, scores: Sequence[float | None] = SCORES) -> None:
        with observer:
            observer(self.state())
            for score in scores:
                observer(self.state(self.train(score)))
        self.store.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "r"


def scored(values: Sequence[float | None], first: int = 1) -> list[tuple[int, Any]]:
    return [
        (step, pytest.approx(value))
        for step, value in enumerate(values, start=first)
        if value is not None
    ]


def test_the_points_are_those_of_the_store(folder: Path) -> None:
    search = Search(folder)
    search.run(EventFiles(folder.parent))
    found = read(folder / "tensorboard")
    with RunStore.open(folder) as store:
        trainings, n_births = store.trainings(), store.n_births()
    assert found["score/short"] == scored([row.score for row in trainings])
    assert [step for step, _ in found["births/all"]] == list(range(1, len(trainings) + 1))
    assert found["births/all"][-1][1] == n_births
    assert found["training/seconds"] == scored([row.time_s for row in trainings])
    assert found["best/score"] == scored([0.5, 0.7, 0.7, 0.7, 0.8, 0.8])
    assert found["recent_median/short"] == scored([0.5, 0.6, None, 0.6, 0.65, 0.65])
    assert found["births/duplicate_share"][-1] == (6, 0.0)
    assert found["time/elapsed_s"] == scored([2.0, 4.0, 6.0, 8.0, 10.0, 12.0])
    assert found["time/trainings_a_minute"] == scored([30.0] * 6)


def test_new_leaders_are_named(folder: Path) -> None:
    Search(folder).run(EventFiles(folder.parent))
    tensors = accumulated(folder / "tensorboard").Tensors("best/formula/text_summary")
    assert [(one.step, one.tensor_proto.string_val[0].decode()) for one in tensors] == [
        (1, "    birth 0: x*sin(0*x)"),
        (2, "    birth 1: x*sin(1*x)"),
        (5, "    birth 4: x*sin(4*x)"),
    ]


def test_a_run_that_goes_on_adds_its_points_behind(folder: Path) -> None:
    for scores in (SCORES, (0.9, 0.4), (0.3,)):
        Search(folder).run(EventFiles(folder.parent), scores)
    found = read(folder / "tensorboard")
    assert found["score/short"] == scored([*SCORES, 0.9, 0.4, 0.3])
    assert [step for step, _ in found["births/all"]] == list(range(1, 10))
    # As if it had not been interrupted.
    assert found["recent_median/short"][-1] == (9, pytest.approx(0.625))


def test_what_was_never_saved_is_not_shown_twice(folder: Path) -> None:
    """A file may hold a point whose training a power cut took back."""
    observer = EventFiles(folder.parent)
    search = Search(folder)
    with observer:
        observer(search.state(search.train(0.5)))
        lost = dataclasses.replace(training(1, 0, 0.9), rung="short")
        observer(dataclasses.replace(search.state(lost), n_trainings=2))
    search.store.close()
    Search(folder).run(EventFiles(folder.parent), (0.6,))
    assert read(folder / "tensorboard")["score/short"] == scored([0.5, 0.6])


def test_a_run_that_had_none_before_gets_its_past(folder: Path) -> None:
    search = Search(folder)
    for score in SCORES:
        search.train(score, "full")
    search.run(EventFiles(folder.parent), (0.75,))
    found = read(folder / "tensorboard")
    assert found["score/full"] == scored(SCORES)
    assert found["score/short"] == scored([0.75], first=7)
    assert found["best/score"] == scored([0.5, 0.7, 0.7, 0.7, 0.8, 0.8, 0.8])


def test_runs_lie_side_by_side_in_a_folder_of_ones_own(folder: Path, tmp_path: Path) -> None:
    observer = events(False, tmp_path / "boards" / "mine", folder.parent)
    assert observer is not None
    Search(folder).run(observer)
    assert not (folder / "tensorboard").exists()
    assert len(read(tmp_path / "boards" / "mine" / "r")["births/all"]) == len(SCORES)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_disk_that_fails_is_said_once_and_stops_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tensorboard.summary.writer.record_writer.RecordWriter.write", full)
    Search(folder).run(EventFiles(folder.parent))
    with RunStore.open(folder) as store:
        assert store.n_trainings() == len(SCORES)
    said = [text for text in capsys.readouterr().err.splitlines() if "TensorBoard" in text]
    assert len(said) == 1
    assert "nothing more is written for TensorBoard; the search goes on (OSError" in said[0]


def test_a_folder_that_fails_stops_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    search = Search(folder)
    (folder / "tensorboard").write_text("in the way")
    search.run(EventFiles(folder.parent))
    assert "the search goes on" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["search", "resume first"])
def test_without_the_package_it_says_what_to_install(
    actsearch: Command,
    fake_search: FakeSearch,
    runs_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    answer = actsearch(*verb.split(), "--tensorboard", "--confirm", "none")
    assert (answer.code, fake_search.calls) == (2, [])
    assert "pip install 'actsearch[tensorboard]'" in answer.err


def test_a_folder_that_cannot_be_made_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match=r"--tensorboard-dir .*file/in can't be made"):
        events(True, tmp_path / "file" / "in", tmp_path)


def test_nobody_who_did_not_ask_gets_files(tmp_path: Path) -> None:
    assert events(False, None, tmp_path) is None


@pytest.mark.parametrize("verb", ["search --run second", "resume first"])
def test_the_commands_hand_it_over(
    actsearch: Command, fake_search: FakeSearch, runs_dir: Path, tmp_path: Path, verb: str
) -> None:
    answer = actsearch(*verb.split(), "--tensorboard-dir", "boards", "--confirm", "none", "-q")
    assert answer.code == 0, answer.err
    assert (tmp_path / "boards").is_dir()

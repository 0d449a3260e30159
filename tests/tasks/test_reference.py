"""ReLU's scores: trained once, kept in a file that may be damaged, and never wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from actsearch.errors import ActsearchError, BadInput
from actsearch.tasks.protocol import Record, Rung, Training
from actsearch.tasks.reference import LEAST_SEEDS, Reference, deviation
from tests.tasks.counting import LADDER, CountingTask


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ACTSEARCH_CACHE", str(tmp_path))
    return tmp_path / "references"


def control(reference: Reference, rung: str = "full", seed: int = 0) -> tuple[float, float]:
    (record,) = reference.task.train([Training("x", rung, seed)])
    return reference.control(record)


def test_it_is_read_from_the_file_the_next_time(cache: Path) -> None:
    first, second = CountingTask(), CountingTask()
    Reference(first).prepare()
    assert [t.seed for t in first.asked] == [0, 1, *range(6)]
    assert {t.formula for t in first.asked} == {"relu(x)"}
    again = Reference(second)
    again.prepare()
    assert second.asked == []
    assert control(again) == control(Reference(first))
    assert [path.suffix for path in cache.iterdir()] == [".json"]


@pytest.mark.parametrize(
    "content", ["", "[[", "{}", "[1]", '[["full", 0, null]]', '[["full", 0, NaN]]', "[[]]", "\x00"]
)
def test_a_damaged_file_is_made_anew(cache: Path, content: str) -> None:
    Reference(CountingTask()).prepare()
    (path,) = cache.iterdir()
    whole = path.read_text(encoding="utf-8")
    path.write_text(content, encoding="utf-8")
    task = CountingTask()
    Reference(task).prepare()
    assert len(task.asked) == 8
    assert path.read_text(encoding="utf-8") == whole


def test_a_file_that_was_cut_is_made_anew(cache: Path) -> None:
    rungs = (Rung("f", 1, (0, 1)),)
    expected = control(Reference(CountingTask(rungs=rungs)), "f", 6)
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    for length in range(0, len(whole), 3):
        path.write_bytes(whole[:length])
        assert control(Reference(CountingTask(rungs=rungs)), "f", 6) == expected
        assert path.read_bytes() == whole


def test_an_interruption_keeps_what_was_trained(cache: Path) -> None:
    class Interrupted(CountingTask):
        def _record(self, training: Training, device: str, deadline: float | None) -> Record:
            if len(self.asked) > 3:
                raise KeyboardInterrupt
            return super()._record(training, device, deadline)

    with pytest.raises(KeyboardInterrupt):
        Reference(Interrupted()).prepare()
    task = CountingTask()
    Reference(task).prepare()
    assert len(task.asked) == 8 - 3


@pytest.mark.parametrize(
    "other",
    [
        CountingTask(level=0.6),
        CountingTask(rungs=(LADDER[0], Rung("full", 41, LADDER[1].seeds))),
    ],
)
def test_other_settings_are_another_file(cache: Path, other: CountingTask) -> None:
    Reference(CountingTask()).prepare()
    Reference(other).prepare()
    assert len(other.asked) == 8
    assert len(list(cache.iterdir())) == 2


def test_other_devices_have_scores_of_their_own(cache: Path) -> None:
    task = CountingTask()
    reference = Reference(task)
    reference.prepare()
    reference.prepare("cuda:0")
    assert len(task.asked) == 16
    reference.prepare("cuda:1")
    assert len(task.asked) == 16
    assert len(list(cache.iterdir())) == 2


def test_few_seeds_are_topped_up_for_the_deviation() -> None:
    task = CountingTask(rungs=(Rung("full", 10, (4, 2)),))
    reference = Reference(task)
    reference.prepare()
    seeds = [training.seed for training in task.asked]
    assert seeds == [4, 2, 5, 6, 7]
    assert len(seeds) == LEAST_SEEDS
    scores = [task.score("relu(x)", seed) for seed in seeds]
    assert control(reference, seed=2) == (scores[1], deviation(scores))


def test_a_task_on_which_relu_fails_is_refused_by_name() -> None:
    task = CountingTask("steep", statuses={("relu(x)", 1): "diverged"})
    with pytest.raises(BadInput, match=r"ReLU gets no score on task 'steep'.*diverged"):
        Reference(task).prepare()


def test_a_cache_that_cannot_be_written_names_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    monkeypatch.setenv("ACTSEARCH_CACHE", str(blocked))
    with pytest.raises(ActsearchError, match="ACTSEARCH_CACHE"):
        Reference(CountingTask()).prepare()


def test_it_trains_on_one_thread_and_puts_the_number_back() -> None:
    seen = []

    class Watching(CountingTask):
        def _record(self, training: Training, device: str, deadline: float | None) -> Record:
            seen.append(torch.get_num_threads())
            return super()._record(training, device, deadline)

    torch.set_num_threads(2)
    try:
        Reference(Watching()).prepare()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert set(seen) == {1}


def test_the_deviation_has_a_floor() -> None:
    assert deviation([0.5, 0.5, 0.5]) == pytest.approx(5e-4)
    assert deviation([0.0, 0.0]) > 0
    assert deviation([1.0, 3.0]) == pytest.approx(2**0.5)

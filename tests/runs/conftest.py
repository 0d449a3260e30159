"""Records that need no thought, for the tests of the runs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actsearch.runs import Birth, RunStore, TrainingRow
from actsearch.runs.filesystem import SharedFolderWarning

MakeBirth = Callable[..., Birth]
MakeTraining = Callable[..., TrainingRow]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be refused at once; nobody looks at a lock while a test asks for it."""
    monkeypatch.setattr("actsearch.runs.lock._PATIENCE_S", 0.02)


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every folder lie on a network file system, as far as the program can tell."""
    monkeypatch.setattr("actsearch.runs.filesystem.type_of", lambda _path: "nfs4")
    warnings.filterwarnings("ignore", category=SharedFolderWarning)


@pytest.fixture(params=["local", "shared"])
def disk(request: pytest.FixtureRequest) -> str:
    """Each kind of file system in turn; it is the name of the kind."""
    if request.param == "shared":
        request.getfixturevalue("shared")
    return str(request.param)


@pytest.fixture
def birth() -> MakeBirth:
    def make(id_: int, **changes: Any) -> Birth:
        values: dict[str, Any] = {
            "operator": "crossover",
            "parents": (),
            "formula": f"x + {id_}",
            "fingerprint": f"{id_:032x}",
            "status": "accepted",
            "size": 3,
            "created_s": 1.5e9 + id_,
        }
        return Birth(id=id_, **values | changes)

    return make


@pytest.fixture
def training() -> MakeTraining:
    def make(birth_id: int, seed: int = 0, score: float | None = 0.5, **changes: Any) -> Any:
        values: dict[str, Any] = {
            "rung": "full",
            "status": "ok",
            "metrics": {"train_loss": 0.25},
            "curve": ((10, 1.5, 0.1), (20, 1.0, 0.5)),
            "time_s": 0.5,
            "device": "cpu",
        }
        return TrainingRow(birth_id=birth_id, seed=seed, score=score, **values | changes)

    return make


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of runs that does not exist yet."""
    return tmp_path / "runs"


@pytest.fixture
def store(root: Path) -> Iterator[RunStore]:
    with RunStore.create(root / "r", {"task": "t", "space": "s"}, {"torch": "2"}) as made:
        yield made

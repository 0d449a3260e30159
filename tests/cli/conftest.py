"""A small run on disk, made by hand, and a search that only pretends."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from actsearch.cli.main import run
from actsearch.expressions import parse
from actsearch.runs import Birth, RunStore, TrainingRow
from actsearch.search.engine import Snapshot
from tests.runs.by_hand import by_hand

BEGIN_S = 1000.0
LESS = "guessed to score 0.6312, its sibling 2 0.6694"
# id, operator, parents, formula, status, reason, same_as, scores at seeds 0 and 1
BIRTHS: list[tuple[int, str, tuple[int, ...], str, str, str, int | None, list[float | None]]] = [
    (0, "seed", (), "relu(x)", "accepted", "", None, [0.600, 0.610]),
    (1, "seed", (), "silu(x)", "accepted", "", None, [0.640, 0.648]),
    (2, "crossover", (0, 1), "x*sin(x)", "accepted", "", None, [0.671, 0.683]),
    (3, "insert", (1,), "x*sigmoid(x)", "duplicate", "", 1, []),
    (4, "replace", (2,), "1", "rejected", "constant", None, []),
    (5, "regrow", (2,), "exp(exp(x))", "accepted", "", None, [None, None]),
    (6, "perturb", (2, 0), "-x*[0]", "rejected", "not a formula", None, []),
    (7, "crossover", (1, 2), "x*atan(x)", "screened", LESS, None, []),
]


def training(birth_id: int, seed: int, score: float | None) -> TrainingRow:
    """Return a training as a worker reports it."""
    ok = score is not None
    curve = ((10, 2.1, 0.31), (20, 1.4, 0.52), (30, 1.1, score)) if score is not None else ()
    return TrainingRow(
        birth_id=birth_id,
        rung="full",
        seed=seed,
        status="ok" if ok else "diverged",
        score=score,
        metrics={"train_loss": 1.1} if ok else {},
        curve=curve,
        time_s=1.25,
        device="cpu",
        message="" if ok else "loss became infinite at step 3",
    )


def fill(folder: Path) -> None:
    """Make the run ``folder`` with the births above."""
    config = {
        "space": "default",
        "task": "mnist1d-cnn",
        "seed": 0,
        "rungs": [{"name": "full", "steps": 30, "seeds": [0, 1]}],
        "score_name": "validation accuracy",
    }
    with RunStore.create(folder, config, {"python": "3"}) as store, store.session({}):
        for id_, operator, parents, formula, status, reason, same_as, scores in BIRTHS:
            rejected = status == "rejected"
            expression = None if rejected else parse(formula)
            store.add_births(
                [
                    Birth(
                        id=id_,
                        operator=operator,
                        parents=parents,
                        formula=formula,
                        fingerprint=expression.fingerprint() if expression else None,
                        status=status,
                        reason=reason,
                        same_as=same_as,
                        size=expression.size if expression else 1,
                        created_s=BEGIN_S + 10 * id_,
                    )
                ]
            )
            for seed, score in enumerate(scores):
                store.add_training(training(id_, seed, score))
    # The search began when its births say that it did, not when this test ran.
    with by_hand(folder) as db:
        times = (BEGIN_S, BEGIN_S + 192, 192.0)
        db.execute("UPDATE sessions SET begin_s = ?, end_s = ?, active_s = ?", times)


@pytest.fixture(scope="session")
def made_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the run ``first``, made once and to be copied."""
    folder = tmp_path_factory.mktemp("made") / "first"
    fill(folder)
    return folder


@pytest.fixture
def runs_dir(tmp_path: Path, made_run: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder ``runs`` of a fresh working directory, which holds the run ``first``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(RunStore, "elapsed_s", lambda _store: 192.0)
    shutil.copytree(made_run, tmp_path / "runs" / "first")
    return tmp_path / "runs"


@dataclass(frozen=True)
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str


Command = Callable[..., Answer]


@pytest.fixture
def actsearch(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs a command in this process and returns what it answered."""

    def call(*arguments: str) -> Answer:
        capsys.readouterr()
        code = run(arguments)
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return call


def snapshot(**changes: Any) -> Snapshot:
    """Return the state of a search a minute after its start, with ``changes``."""
    usual = Snapshot(
        run="first",
        n_births=7,
        n_trained=4,
        n_duplicates=1,
        n_rejected=2,
        n_screened=0,
        n_trainings=8,
        n_by_rung={"short": 4, "full": 2},
        best=(),
        in_flight=("x*sin(x)",),
        elapsed_s=60.0,
        budget_s=240.0,
        births_limit=None,
    )
    return dataclasses.replace(usual, **changes)


class FakeSearch:
    """Stands for the search room: notes how it was called, and writes a run."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.raises: BaseException | None = None
        self.n_workers: int | None = None

    def _run(self, kind: str, folder: Path, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.calls.append((kind, args, kwargs))
        kwargs["observer"](snapshot(run=folder.name, n_workers=self.n_workers))
        if not folder.exists():
            fill(folder)
        if self.raises is not None:
            raise self.raises
        return types.SimpleNamespace(path=folder, ended="the limit of 8 births is reached")

    def search(self, *args: Any, **kwargs: Any) -> Any:
        """Pretend to search."""
        return self._run(
            "search", Path(kwargs["runs_dir"], kwargs["run"] or "made-up"), args, kwargs
        )

    def resume(self, *args: Any, **kwargs: Any) -> Any:
        """Pretend to go on."""
        return self._run("resume", Path(args[0]), args, kwargs)


@pytest.fixture
def fake_search(monkeypatch: pytest.MonkeyPatch) -> FakeSearch:
    """Put a search in place that only pretends."""
    fake = FakeSearch()
    module: Any = types.ModuleType("actsearch.search")
    module.search, module.resume = fake.search, fake.resume
    monkeypatch.setitem(sys.modules, "actsearch.search", module)
    return fake


@pytest.fixture(autouse=True)
def quick_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let searches and confirmations end with a report of one line; tests/report has real ones."""

    def write(run: Path, out: Path | None = None, **_: object) -> Path:
        file = out or run / "report.html"
        file.write_text("a report\n")
        return file

    monkeypatch.setattr("actsearch.report.page.write_report", write)


def rows_of(actsearch: Command, *arguments: str) -> list[dict[str, Any]]:
    answer = actsearch("inspect", "first", *arguments, "--format", "json")
    assert answer.code == 0, answer.err
    found: list[dict[str, Any]] = json.loads(answer.out)
    return found


def ids(actsearch: Command, *arguments: str) -> list[int]:
    return [row["id"] for row in rows_of(actsearch, *arguments)]

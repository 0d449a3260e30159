"""The program as people use it: commands in their own processes, real trainings, real kills."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from actsearch.runs import RunStore, hall_of_fame

ROOT = Path(__file__).resolve().parents[1]
TASK = f"{ROOT / 'examples' / 'my_task.py'}:make_task"
N_BIRTHS = 90


#: The runs of these tests are made with two workers and killed in time: a GPU is one worker.
ON_CPU = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "actsearch", *args]


def actsearch(
    *args: str, cwd: Path, expect: int = 0, env: Mapping[str, str] | None = None, mask: int = -1
) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        command(*args),
        cwd=cwd,
        env={**ON_CPU, **(env or {})},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        umask=mask,
    )
    assert result.returncode == expect, result.stderr
    return result


def contents(folder: Path) -> tuple[Any, ...]:
    """Births, trainings and hall of fame, without what the clock decides."""
    with RunStore.open(folder) as store:
        births, trainings = store.births(), store.trainings()
    best = hall_of_fame(births, trainings)
    return (
        [dataclasses.replace(birth, created_s=0.0) for birth in births],
        [dataclasses.replace(row, time_s=0.0) for row in trainings],
        [dataclasses.replace(one, time_s=0.0) for one in best],
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one finished run, made by one worker and never interrupted."""
    folder = tmp_path_factory.mktemp("home")
    search = (
        "search",
        "--task",
        TASK,
        "--births",
        str(N_BIRTHS),
        "--seed",
        "3",
        "--confirm",
        "none",
    )
    result = actsearch(*search, "--run", "whole", "--workers", "1", cwd=folder)
    assert result.stdout.endswith("\n\nreport: runs/whole/report.html\n")
    return folder


def test_search_finds_and_shows(home: Path) -> None:
    births, trainings, best = contents(home / "runs" / "whole")
    assert N_BIRTHS - 25 < len(births) <= N_BIRTHS  # a litter that does not fit is not bred
    assert len(trainings) >= 30
    assert all(row.status in ("ok", "diverged", "no signal", "pruned") for row in trainings)
    assert all((row.score is not None) == (row.status == "ok") for row in trainings)
    assert all("behind the pace" in row.message for row in trainings if row.status == "pruned")
    shown = json.loads(actsearch("inspect", "whole", "--format", "json", cwd=home).stdout)
    assert shown[0]["formula"] == best[0].formula
    assert shown[0]["score"] == pytest.approx(best[0].mean)


def test_two_workers_find_the_same(home: Path) -> None:
    search = (
        "search",
        "--task",
        TASK,
        "--births",
        str(N_BIRTHS),
        "--seed",
        "3",
        "--confirm",
        "none",
    )
    actsearch(*search, "--run", "two", "--workers", "2", "--quiet", "--no-report", cwd=home)
    assert contents(home / "runs" / "two") == contents(home / "runs" / "whole")


def test_without_a_compiler_the_scores_are_the_same(home: Path) -> None:
    """Within the rounding of training: a few of the samples change sides, no more."""
    with RunStore.open(home / "runs" / "whole") as store:
        native = store.trainings()
        seeds = [birth for birth in store.births() if birth.operator == "seed"]
    by_eager = "computed by the eager backend"  # the note that the other run has on all its rows
    assert not [row for row in native if by_eager in row.message], "a formula was not compiled"
    assert {row.message for row in native if row.status == "ok"} == {""}
    search = (
        *("search", "--task", TASK, "--births", str(len(seeds)), "--seed", "3"),
        *("--run", "eager", "--confirm", "none", "--no-report"),
    )
    result = actsearch(*search, cwd=home, env={"CC": "/nonexistent/cc"})
    said = "the native backend can't be used, eager takes its place: CC names '/nonexistent/cc'"
    assert result.stderr.count(said) == 1
    with RunStore.open(home / "runs" / "eager") as store:
        eager = store.trainings()
    assert all(f"{by_eager}: CC names" in row.message for row in eager)
    by_key = {(row.birth_id, row.rung, row.seed): row for row in native}
    # The last digit may send another formula on, or put it behind a pace that others set; but all
    # are trained once without one.
    both = [
        (row, by_key[row.birth_id, row.rung, row.seed])
        for row in eager
        if (row.birth_id, row.rung, row.seed) in by_key
    ]
    both = [pair for pair in both if not any(row.status == "pruned" for row in pair)]
    assert {row.birth_id for row, _ in both} == {b.id for b in seeds if b.status == "accepted"}
    for row, same in both:
        assert row.status == same.status
        if row.score is None or same.score is None:
            continue
        assert row.score == pytest.approx(same.score, abs=0.02)
        assert row.metrics["train_loss"] == pytest.approx(same.metrics["train_loss"], rel=0.02)


def test_five_kills_and_the_same_run(home: Path) -> None:
    """SIGKILL the driver five times at random moments; resume ends as if nothing happened."""
    folder = home / "runs" / "killed"
    args = ["search", "--task", TASK, "--births", str(N_BIRTHS), "--seed", "3"]
    args += ["--run", "killed", "--confirm", "none"]
    rng = random.Random(0)
    n_kills = 0
    while n_kills < 5:
        process = subprocess.Popen(
            command(*args, "--workers", "2", "--quiet"),
            cwd=home,
            env=ON_CPU,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        n_before = _n_trainings(folder)
        goal = n_before + rng.randint(1, 5)
        while process.poll() is None and _n_trainings(folder) < goal:
            time.sleep(0.02)
        assert process.poll() is None, "the search ended before it could be killed five times"
        time.sleep(rng.random() * 0.1)
        process.kill()
        process.wait()
        n_kills += 1
        args = ["resume", "killed"]
    last = ("--workers", "inline", "--confirm", "none", "--no-report")
    actsearch("resume", "killed", *last, cwd=home)
    assert contents(folder) == contents(home / "runs" / "whole")


def _n_trainings(folder: Path) -> int:
    if not (folder / "run.sqlite").exists():
        return 0
    with RunStore.open(folder) as store:
        return store.n_trainings()


def test_interrupt_saves_and_says_how_to_go_on(home: Path) -> None:
    process = subprocess.Popen(
        command("search", "--task", TASK, "--budget", "5m", "--run", "stopped", "--workers", "2"),
        cwd=home,
        env=ON_CPU,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while _n_trainings(home / "runs" / "stopped") < 3:
        time.sleep(0.05)
        assert process.poll() is None
    # A second search on the run is refused, with the first one's pid.
    second = actsearch("resume", "stopped", cwd=home, expect=2)
    assert str(process.pid) in second.stderr
    assert "Traceback" not in second.stderr
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of the group
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "actsearch resume stopped" in stderr
    assert "Traceback" not in stderr
    n_then = _n_trainings(home / "runs" / "stopped")
    n_births = len(contents(home / "runs" / "stopped")[0])
    seed = ("--seed-formula", "x*cos(2*x) - 0.125*x")
    limit = ("--births", str(n_births + 3), "--confirm", "none", "--no-report")
    actsearch("resume", "stopped", *limit, *seed, cwd=home)
    births, trainings, _ = contents(home / "runs" / "stopped")
    assert len(trainings) > n_then
    assert births[n_births].operator == "added seed"
    assert births[n_births].formula == "x*cos(2*x) - 0.125*x"


def test_time_budget_ends_the_search(home: Path) -> None:
    # No births limit: the command comes back because its time is up, however much was trained.
    limit = ("--budget", "4s", "--confirm", "none", "--no-report")
    actsearch("search", "--task", TASK, *limit, "--run", "brief", cwd=home)
    with RunStore.open(home / "runs" / "brief") as store:
        assert store.elapsed_s() >= 4
        (session,) = store.sessions()
        assert session.outcome.startswith("the budget of 4s is used up")
        assert store.n_births() >= 15


def test_a_search_ends_with_its_confirmation(home: Path) -> None:
    search = ("search", "--task", TASK, "--births", "60", "--run", "sure", "--confirm", "25s")
    result = actsearch(*search, cwd=home)
    assert "confirmed with fresh seeds:" in result.stdout
    with RunStore.open(home / "runs" / "sure") as store:
        trials = store.trials()
        searched = {row.seed for row in store.trainings()}
        outcomes = [session.outcome for session in store.sessions()]
    assert outcomes[0].startswith("the limit of 60 births ")
    assert outcomes[1:] == ["done"]
    assert f"ended: {outcomes[0]}\n" in result.stdout
    page = (home / "runs" / "sure" / "report.html").read_text(encoding="utf-8")
    assert f"{len(trials):,} training" in page  # it was written after the confirmation
    assert {row.split for row in trials} == {"test"}
    assert not searched & {row.seed for row in trials}
    # The verdict is a function of what is stored: said again, at once, without training.
    record = json.loads(
        actsearch("confirm", "sure", "--budget", "1s", "--format", "json", cwd=home).stdout
    )
    assert record["sentence"].split(";")[0] in result.stdout.replace("\n", " ")


def test_compare_ranks_and_tells_when_a_target_is_reached(home: Path) -> None:
    args = ("--task", TASK, "--seeds", "2", "--until", "train-error=0.4", "--format", "json")
    record = json.loads(actsearch("compare", *args, "relu", "x*cos(x)", cwd=home).stdout)
    entries = {entry["name"]: entry for entry in record["entries"]}
    assert len(entries) == 2
    for entry in entries.values():
        assert entry["n"] == 2


def test_export_of_the_best_passes_its_own_test(home: Path) -> None:
    actsearch("export", "whole", "--name", "best", "--out", "out", cwd=home)
    result = subprocess.run(
        [sys.executable, "out/best.py"],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )
    assert result.returncode == 0, result.stderr
    assert "all tests passed" in result.stdout


def test_reading_commands_give_json_and_csv(home: Path) -> None:
    for args in (["runs"], ["inspect", "whole"], ["tasks"], ["spaces"], ["data"], ["doctor"]):
        json.loads(actsearch(*args, "--format", "json", cwd=home).stdout)
        rows = list(csv.reader(io.StringIO(actsearch(*args, "--format", "csv", cwd=home).stdout)))
        assert len(rows) >= 2
        assert len({len(row) for row in rows}) == 1


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        (("search", "--task", "mnist-mpl"), ("mnist-mpl", "did you mean 'mnist-mlp'")),
        (("search", "defualt"), ("did you mean 'default'",)),
        (("search", "--devices", "cuda:7"), ("cuda:7", "cpu")),
        (("search", "--run", "whole"), ("whole", "resume")),
        (("search", "--run", "../x"), ("../x",)),
        (("search", "--seed-formula", "x*tnah(x)"), ("did you mean 'tanh'", "column 3")),
        (("search", "--seed-formula", "__import__('os')"), ("column",)),
        (("search", "--seed-formula", "x+" * 50_000 + "x"), ("100001 characters",)),
        (("search", "--budget", "5"), ("5m",)),
        (("search", "--task", "nowhere.py:make_task"), ("nowhere.py",)),
        (("search", "--task", "mnist-mlp", "--data", "/nonexistent"), ("/nonexistent",)),
        (("resume", "whol"), ("did you mean 'whole'",)),
        (("inspect", "whole", "99999"), ("99999",)),
        (("analyze", "sin(x"), ("formula",)),
        (("export", "whole", "--name", "class"), ("class",)),
        (("spaces", "check", "nowhere.toml"), ("nowhere.toml",)),
        (("serach",), ("search",)),
    ],
)
def test_bad_input_is_one_clear_message(
    home: Path, args: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    result = actsearch(*args, cwd=home, expect=2)
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert len(result.stderr) < 2500
    for part in parts:
        assert part in result.stderr


@pytest.mark.nightly
def test_a_mask_that_lets_the_group_write(tmp_path: Path) -> None:
    """That of many a login: the cache that one search makes is one that the next one takes."""
    cache = tmp_path / "home" / "cache"
    env = {"ACTSEARCH_CACHE": str(cache)}
    for run in ("one", "two"):
        words = ("--task", "mnist1d-mlp", "--births", "1", "--workers", "inline", "--confirm")
        actsearch(
            "search", *words, "none", "--run", run, "--quiet", cwd=tmp_path, env=env, mask=0o002
        )
    actsearch("data", "get", "mnist1d", cwd=tmp_path, env=env, mask=0o002)
    modes = {path.stat().st_mode & 0o777 for path in (cache, *cache.rglob("*")) if path.is_dir()}
    assert modes == {0o700}

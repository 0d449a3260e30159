"""Going on with a run: what is said of it has to be true, and all that differs is told at once."""

from __future__ import annotations

import hashlib
import importlib
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actsearch.cli.main import run
from actsearch.errors import BadInput
from actsearch.runs import RunStore, digest, event_log
from actsearch.search.sameness import of_task, stated
from actsearch.search.space import load_space, space_from
from tests.search.simulated import SimulatedTask
from tests.search.test_api import births, go_on, start


class Other(SimulatedTask):
    def settings(self) -> dict[str, Any]:
        return {"simulated": 1, "network": {"width": 8, "layers": [{"n": 1}, {"n": 3}]}}


class Settled(SimulatedTask):
    def settings(self) -> dict[str, Any]:
        return {"simulated": 1, "network": {"width": 4, "layers": [{"n": 1}, {"n": 2}]}}


def changed_space(**evolution: Any) -> Any:
    values = load_space("default").model_dump(mode="json")
    return space_from(values | {"evolution": values["evolution"] | evolution}, where="a test")


def refused(folder: Path, **options: Any) -> str:
    with pytest.raises(BadInput) as caught:
        go_on(folder, **options)
    return str(caught.value)


def test_what_is_true_is_no_hindrance(tmp_path: Path) -> None:
    start(tmp_path, births=40)
    go_on(tmp_path, births=50, space="default", seed=0)
    named_otherwise = load_space("default").model_copy(update={"name": "mine", "description": ""})
    go_on(tmp_path, births=60, space=named_otherwise)
    start(tmp_path, run="whole")
    with RunStore.open(tmp_path / "r") as one, RunStore.open(tmp_path / "whole") as whole:
        assert digest(event_log(one)) == digest(event_log(whole))


def test_all_that_differs_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start(tmp_path, task=Settled())
    monkeypatch.setattr("actsearch.search.api._kind", lambda _slots: "cuda")
    said = refused(tmp_path, task=Other(), space=changed_space(lag=32, population=5), seed=1)
    before = load_space("default").evolution
    for part in (
        f"space.evolution.lag: {before.lag} in the run, 32 given",
        f"space.evolution.population: {before.population} in the run, 5 given",
        "seed: 0 in the run, 1 given",
        "device_kind: cpu in the run, cuda given",
        "task.network.width: 4 in the run, 8 now",
        "task.network.layers[1].n: 2 in the run, 3 now",
        "put its task back as it was, leave out what was given otherwise",
        "actsearch search --seed-run r --runs-dir",
        "another seed",
        "another kind of device",
    ):
        assert part in said
    assert said.count(" in the run, ") == 6


def test_nothing_is_done_to_a_run_that_is_refused(tmp_path: Path) -> None:
    start(tmp_path)
    before = hashlib.sha256((tmp_path / "r" / "run.sqlite").read_bytes()).digest()
    refused(tmp_path, births=90, seed=7)
    assert hashlib.sha256((tmp_path / "r" / "run.sqlite").read_bytes()).digest() == before
    assert len(births(tmp_path)) <= 60


def test_a_key_that_one_of_them_lacks_is_named(tmp_path: Path) -> None:
    start(tmp_path)
    assert "task.network: nothing in the run, {" in refused(tmp_path, task=Settled())


def test_a_list_is_shown_whole_and_short(tmp_path: Path) -> None:
    values = load_space("default").model_dump(mode="json")
    space = space_from(values | {"unary": values["unary"][:-1]}, where="a test")
    start(tmp_path)
    (said,) = [
        line for line in refused(tmp_path, space=space).splitlines() if "space.unary: " in line
    ]
    assert len(said) < 120
    before, now = said.split(" in the run, ")
    assert values["unary"][-1] in before  # where they begin to differ, not where they begin
    assert values["unary"][-1] not in now


def test_other_rungs_are_others(tmp_path: Path) -> None:
    class Longer(SimulatedTask):
        rungs = (*SimulatedTask.rungs[:2], type(SimulatedTask.rungs[0])("full", 19, (0, 1, 2, 3)))

    start(tmp_path)
    assert "task.rungs[2].steps: 18 in the run, 19 now" in refused(tmp_path, task=Longer())


def test_a_task_that_has_another_name_is_not_even_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(tmp_path)
    with RunStore.open(tmp_path / "r", write=True) as store:
        store.config |= {"task": "mnist1d-mlp", "task_from": "name"}
    monkeypatch.setattr("actsearch.search.api.saved_task", lambda *_: pytest.fail("loaded"))
    assert "task: simulated in the run, mnist1d-mlp given" in refused(tmp_path, task="mnist1d-mlp")


def test_what_is_another_by_its_name_is_called_so_first(tmp_path: Path) -> None:
    start(tmp_path)
    said = refused(tmp_path, space="swish").splitlines()
    assert said[1] == "  space: default in the run, swish given"
    assert said[2].startswith("  space.")
    config = {
        "search_rules": 1,
        "device_kind": "cpu",
        "task": "/a/mine.py:make",
        "task_settings": {},
    }
    named = stated(config, rules=1, kind="cpu", task="mnist1d-mlp")
    assert list(map(str, named)) == ["task: /a/mine.py:make in the run, mnist1d-mlp given"]
    filed = list(map(str, of_task(config, Settled(), "/a/other.py:make")))
    assert filed[0] == "task: /a/mine.py:make in the run, /a/other.py:make given"
    assert filed[1].startswith("task.simulated: nothing in the run")
    (moved, *_) = of_task(config, SimulatedTask(), "/a/mine.py:make")
    assert not moved.given
    assert moved.key == "task.simulated"


def test_a_space_that_is_none_is_bad_input(tmp_path: Path) -> None:
    start(tmp_path)
    assert "did you mean 'default'" in refused(tmp_path, space="defautl")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), None),
        (("--seed", "0", "--space", "default"), None),
        (("--seed", "5"), "another seed:\n  seed: 0 in the run, 5 given\n"),
        (("--seed=5", "--space", "swish"), "another space and another seed:\n  seed: 0 in the run"),
        (("--task", "mnist1d-mlp"), "mnist1d-mlp given"),
    ],
)
def test_the_command_line_says_the_same(
    more: tuple[str, ...],
    said: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: dict[str, Any] = {}
    room = importlib.import_module("actsearch.search")  # `actsearch.search` is the function, too
    real: Callable[..., Any] = room.resume

    def resume(path: Path, **options: Any) -> Any:
        asked.update(options)
        return real(path, **(options | {"task": options["task"] or SimulatedTask()}))

    start(tmp_path)
    monkeypatch.setattr(room, "resume", resume)
    options = ("--runs-dir", str(tmp_path), "--births", "60", "--quiet", "--no-report")
    code = run(["resume", "r", *options, "--confirm", "none", *more])
    assert (code == 2) == (said is not None)
    assert asked["seed"] == (None if "seed" not in str(more) else 5 if "5" in str(more) else 0)
    if said is not None:
        message = capsys.readouterr().err
        assert said in message
        # The same command without what is not so, and it works as it stands.
        again = shlex.split(message.splitlines()[-1].partition("go on with it as it is: ")[2])
        assert again == ["actsearch", "resume", "r", *options, "--confirm", "none"]
        assert len(message) < 1500
        assert run(again[1:]) == 0

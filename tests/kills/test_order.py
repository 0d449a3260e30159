"""The order of results is no matter: the log of events is the same for any workers and any end.

The table of spaces has one of each kind that decides in another way; the table of ways one of each
that brings results in another order.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actsearch.runs import RunStore
from actsearch.runs.events import event_log
from actsearch.search import api
from actsearch.search.space import SearchSpace, load_space, space_from
from tests.kills.simulated_task import DELAY, TracedTask
from tests.search.simulated import ShuffledPool

N_BIRTHS = 120


def changed(name: str, **changes: Any) -> SearchSpace:
    """Return a shipped space with other values; those of a section are added to it."""
    values = load_space(name).model_dump()
    for key, value in changes.items():
        values[key] = values[key] | value if isinstance(value, dict) else value
    return space_from(values, "test")


#: With small populations and quotas, so that a short run decides all that a long one does.
FAST = {
    "racing": {"reduction": 2, "repeat_reduction": 2},
    "screening": {"offspring": 3},
    "evolution": {"random_births": 10, "population": 10, "lag": 8},
}

SPACES: dict[str, Callable[[], SearchSpace]] = {
    "bred": lambda: changed("default", **FAST),
    "walked": lambda: changed(
        "actbench",
        unary=("x", "square", "tanh", "relu", "erf"),
        binary=("add", "mul", "max"),
        seeds=("relu(x)", "tanh(x)"),
    ),
    "trade-off": lambda: changed(
        "default", **FAST | {"evolution": FAST["evolution"] | {"selection": "nsga2"}}
    ),
    "layered": lambda: changed("layerwise", **FAST),
    "learned": lambda: changed("parametric", **FAST),
}


def newest_first(n: int) -> int:
    """Choose which of ``n`` in flight ends: the last sent out, so that the first waits longest."""
    return n - 1


#: Way -> how many trainings are in flight, and which of so many ends first.
WAYS: dict[str, tuple[int, Callable[[int], int]]] = {
    "shuffled": (8, random.Random(8).randrange),
    "stragglers": (4, newest_first),
}

Logs = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Logs:
    """Return what gives the log of a space when one worker trains and nothing interrupts."""
    root, known = tmp_path_factory.mktemp("runs"), {}

    def log(space: str) -> list[str]:
        if space not in known:
            with pytest.MonkeyPatch.context() as patch:
                known[space] = searched(patch, root / space, SPACES[space](), 1, newest_first)
        return known[space]

    return log


def searched(
    patch: pytest.MonkeyPatch,
    folder: Path,
    space: SearchSpace,
    workers: int,
    choose: Callable[[int], int] | None,
    cluster: str | None = None,
) -> list[str]:
    """Search, or go on with it, and return the log.

    Args:
        choose: which of so many in flight ends first; None: whichever process is ready.
        cluster: whose processes, if not this machine's.
    """
    if choose is not None:
        pool = ShuffledPool(workers, choose, TracedTask())
        patch.setattr(api, "pool_for", lambda *_args, **_kwargs: pool)
    if (folder / "run.sqlite").exists():
        api.resume(folder, task=TracedTask(), workers=workers)
    else:
        api.search(
            space, TracedTask(), births=N_BIRTHS, workers=workers, cluster=cluster, run=folder.name,
            runs_dir=folder.parent,
        )  # fmt: skip
    return log_of(folder)


def log_of(folder: Path) -> list[str]:
    with RunStore.open(folder) as store:
        return event_log(store)


#: What a log has to have in it, or the space would not be of its kind.
KINDS = {
    "bred": ('"operator":"crossover"', '"status":"screened"', '"pace":[['),
    "walked": ('"operator":"enumerated"',),
    "trade-off": ('"operator":"crossover"',),
    "layered": ("hidden: ",),
    "learned": ('"p0[2]":', '"operator":"freeze"'),
}


@pytest.mark.parametrize("space", SPACES)
def test_each_space_decides_in_its_own_way(logs: Logs, space: str) -> None:
    log = "\n".join(logs(space))
    for part in ('"rung":"medium"', '"rung":"full"', *KINDS[space]):
        assert part in log, part
    assert len({tuple(logs(one)) for one in SPACES}) == len(SPACES)


BY_NIGHT = ("bred", "trade-off")  # "layered" breeds as they do
SOME = [
    pytest.param(space, marks=pytest.mark.nightly) if space in BY_NIGHT else space
    for space in SPACES
]


@pytest.mark.parametrize("way", [pytest.param("shuffled", marks=pytest.mark.nightly), "stragglers"])
@pytest.mark.parametrize("space", SOME)
def test_results_in_any_order_give_the_same_log(
    logs: Logs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, space: str, way: str
) -> None:
    log = searched(monkeypatch, tmp_path / "run", SPACES[space](), *WAYS[way])
    assert log == logs(space)


class Killed(BaseException):
    """Stands for a kill: nothing catches it. The real ones are in ``test_driver``."""


@pytest.mark.parametrize("space", SOME)
def test_interrupted_at_any_commit_it_has_the_same_log(
    logs: Logs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, space: str
) -> None:
    draw = random.Random(space)
    n_left = 0

    def dying(method: Callable[..., None], *, before: bool) -> Callable[..., None]:
        def call(*args: Any) -> None:
            nonlocal n_left
            n_left -= 1
            if before and n_left < 0:
                raise Killed
            method(*args)
            if n_left < 0:
                raise Killed

        return call

    for number, name in enumerate(("add_births", "add_heats", "add_training")):
        method = dying(getattr(RunStore, name), before=number == 1)
        monkeypatch.setattr(RunStore, name, method)
    n_kills = 0
    while n_kills < 5:
        n_left = draw.randrange(1, 30)
        with pytest.raises(Killed):
            searched(monkeypatch, tmp_path / "run", SPACES[space](), 4, draw.randrange)
        n_kills += 1
    n_left = 10**6
    assert searched(monkeypatch, tmp_path / "run", SPACES[space](), 2, newest_first) == logs(space)


@pytest.mark.parametrize(
    ("space", "workers"),
    [
        ("learned", 4),
        *(
            pytest.param(space, workers, marks=pytest.mark.nightly)
            for space in SPACES
            for workers in (1, 2, 4)
            if (space, workers) != ("learned", 4)
        ),
    ],
)
def test_processes_give_the_same_log(
    logs: Logs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, space: str, workers: int
) -> None:
    """One worker is this process."""
    monkeypatch.setenv(DELAY, "0.01")  # on the average; log-normal
    assert searched(monkeypatch, tmp_path / "run", SPACES[space](), workers, None) == logs(space)


@pytest.mark.nightly
@pytest.mark.parametrize("space", SPACES)
def test_a_cluster_gives_the_same_log(
    logs: Logs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, space: str
) -> None:
    """By day ``tests/cluster`` holds it of one space."""
    pytest.importorskip("distributed")
    monkeypatch.setenv(DELAY, "0.01")
    run = tmp_path / "run"
    log = searched(monkeypatch, run, SPACES[space](), 3, None, cluster="local:3")
    assert log == logs(space)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [0, 1])
def test_real_trainings_have_the_same_scores_bit_for_bit(tmp_path: Path, seed: int) -> None:
    logs = []
    for workers in (1, 2):
        found = api.search(
            "default", "mnist1d-mlp", births=3, seed=seed, workers=workers,
            run=f"run{workers}", runs_dir=tmp_path,
        )  # fmt: skip
        logs.append(log_of(found.path))
    assert logs[0] == logs[1]
    assert '"score":0.' in "".join(logs[0])

"""The driver is killed at any place and moment: the run goes on to the same end."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from tests.kills.campaign import (
    ALONE,
    ENDING,
    KILLED,
    MAKING,
    ONE,
    PLACES,
    TWO,
    Campaign,
    command,
    log_of,
    shuffled,
)
from tests.kills.conftest import References, beginning
from tests.kills.drivers import AFTER, BEFORE, MIDST, Drivers
from tests.kills.points import Fuse


def test_killed_once_at_every_place(campaign: Campaign) -> None:
    for fuse in shuffled(seed=0):
        campaign.end_at(fuse)
    campaign.finish()
    assert campaign.n_kills == len(PLACES) + len(MAKING) + len(ENDING) + 1


def test_killed_with_workers_at_places_and_at_random_moments(campaign: Campaign) -> None:
    draw = random.Random(1)
    for point in ("dispatch:after", "commit:before", "any"):
        delay_s = draw.uniform(0, 0.05) if point == "any" else 0.0
        nth = draw.randint(200, 400) if point == "any" else draw.randint(2, 9)
        campaign.end_at(Fuse(point, nth, delay_s=delay_s), TWO, delay_s=0.01)
    campaign.finish(TWO)


def test_killed_inside_of_sqlites_own_writes(campaign: Campaign, shim: Path | None) -> None:
    if shim is None:
        pytest.skip("there is no C compiler")
    campaign.end_at(("write", "*/run.sqlite", 2, MIDST))  # while it is made
    campaign.end_at(Fuse("make:after"))
    for call in (
        ("write", "*/run.sqlite-wal", 7, MIDST),
        ("write", "*/run.sqlite-wal", 11, AFTER),
        ("sync", "*/run.sqlite-wal", 3, BEFORE),
        ("sync", "*/run.sqlite-wal", 5, AFTER),
    ):
        campaign.end_at(call)
    # What folds the log into the file: at the end, and where the log became long.
    campaign.end_at(("write", "*/run.sqlite", 1, BEFORE))
    for nth in (1, 3):
        campaign.end_at(("write", "*/run.sqlite", nth, MIDST))
    campaign.end_at(("sync", "*/run.sqlite", 1, AFTER))
    campaign.finish()


@pytest.mark.nightly
@pytest.mark.parametrize("space", ["default", "parametric", "layerwise", "actbench"])
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_every_place_in_other_spaces_and_orders(
    drivers: Drivers, references: References, tmp_path: Path, space: str, seed: int
) -> None:
    campaign = Campaign(drivers, tmp_path / "killed", references(space), beginning(space))
    for fuse in shuffled(seed):
        campaign.end_at(fuse)
    campaign.finish(TWO)
    assert campaign.n_kills > 30


@pytest.mark.nightly
@pytest.mark.parametrize("workers", [ONE, TWO])
@pytest.mark.parametrize("seed", range(4))
def test_killed_with_workers_again_and_again(
    campaign: Campaign, seed: int, workers: tuple[str, ...]
) -> None:
    draw = random.Random(f"workers {seed}")
    for place in draw.sample(sorted(PLACES), 8):
        fuse = Fuse(place, draw.randint(1, PLACES[place]))
        campaign.end_at(fuse, workers, delay_s=0.01)
    for _ in range(4):
        fuse = Fuse("any", draw.randint(200, 400), delay_s=draw.uniform(0, 0.1))
        campaign.end_at(fuse, workers, delay_s=0.01)
    campaign.finish(workers)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(4))
def test_killed_inside_of_any_write(campaign: Campaign, shim: Path | None, seed: int) -> None:
    if shim is None:
        pytest.skip("there is no C compiler")
    draw = random.Random(f"writes {seed}")
    campaign.end_at(Fuse("make:after"))
    for _ in range(20):
        how = draw.choice([BEFORE, MIDST, AFTER])
        campaign.end_at(
            (draw.choice(["write", "sync"]), "*/run.sqlite-wal", draw.randint(3, 12), how)
        )
    campaign.finish()


def test_interrupted_at_places_and_gone_on_with(campaign: Campaign) -> None:
    draw = random.Random(2)
    for point in ("commit:before", "insert:after", "dispatch:after", "compile:before", "any"):
        nth = draw.randint(1, 2 if point == "compile:before" else 6)
        campaign.end_at(Fuse(point, nth, draw.choice(["interrupt", "terminate"])), code=130)
    campaign.end_at(Fuse("collect:received", 3, "interrupt"), TWO, code=130)
    campaign.finish()


def test_seeds_that_a_kill_came_before_are_added_by_the_next_session(
    drivers: Drivers, reference: Path, tmp_path: Path
) -> None:
    folders = [tmp_path / name for name in ("whole", "killed")]
    again = ("resume", "--births", "95", "--confirm", "none")
    seeds = ("--seed-formula", "x*cos(2*x)", "--seed-formula", "x*sin(3*x)")
    for folder, fuses in zip(folders, ([], [Fuse("add_births:after")]), strict=True):
        shutil.copytree(reference, folder)
        drivers.start(*command(folder, (), (*again, *seeds)), *ALONE, fuses=fuses).wait(
            KILLED if fuses else 0
        )
    drivers.run(*command(folders[1], (), again), *ALONE)
    assert log_of(folders[1]) == log_of(folders[0])
    assert sum("added seed" in line for line in log_of(folders[1])) == 2

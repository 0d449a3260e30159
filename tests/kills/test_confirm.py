"""Confirming is killed at every kind of place: the same trials, and the same verdict."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.kills.campaign import ALONE, TWO, Campaign, command
from tests.kills.drivers import Driver, Drivers
from tests.kills.points import Fuse

CONFIRM = ("confirm", "--finalists", "2", "--format", "json")


@pytest.fixture(scope="module")
def confirmed(drivers: Drivers, reference: Path, tmp_path_factory: Any) -> tuple[Path, Any]:
    """Return a run that was confirmed without interruption, and the verdict."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    shutil.copytree(reference, folder)
    return folder, verdict_of(drivers.run(*command(folder, (), CONFIRM), *ALONE))


def verdict_of(driver: Driver) -> Any:
    return json.loads(driver.log.read_text(encoding="utf-8"))


FEW = ("dispatch:after", "add_trial:after")
MANY = (
    "begin_session:before", "begin_session:after", "compile:before", *FEW, "collect:received",
    "commit:before", "commit:after", "add_trial:before", "insert:after", "any",
)  # fmt: skip


@pytest.mark.parametrize(
    ("points", "workers"), [(FEW, ALONE), pytest.param(MANY, TWO, marks=pytest.mark.nightly)]
)
def test_killed_again_and_again_it_ends_with_the_same_trials_and_verdict(
    drivers: Drivers,
    reference: Path,
    confirmed: tuple[Path, Any],
    tmp_path: Path,
    points: tuple[str, ...],
    workers: tuple[str, ...],
) -> None:
    whole, verdict = confirmed
    folder = tmp_path / "run"
    shutil.copytree(reference, folder)
    campaign = Campaign(drivers, folder, whole, (), CONFIRM)
    draw = random.Random(6)
    for point in points:
        most = 1 if "session" in point or "compile" in point else 5
        campaign.end_at(Fuse(point, draw.randint(1, most)))
    campaign.end_at(Fuse("collect:done", 3), workers)
    campaign.end_at(Fuse("end_session:before"))
    assert verdict_of(campaign.finish()) == verdict
    # What is clear is not trained again.
    last = campaign.start()
    last.wait(0)
    assert verdict_of(last) == verdict
    assert not last.lines(last.trace)

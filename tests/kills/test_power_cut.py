"""The files as they were at a moment, as after a power cut: they go on to the same end."""

from __future__ import annotations

import random
import shutil
import signal
import time
from pathlib import Path

from tests.kills.campaign import Campaign, Contents
from tests.kills.conftest import BEGIN
from tests.kills.drivers import Drivers, state_of
from tests.kills.points import Fuse

N_CUTS = 3
FILES = ("run.sqlite", "run.sqlite-wal")


def test_copies_of_the_files_at_random_moments_go_on_to_the_same_end(
    drivers: Drivers, reference: Path, campaign: Campaign, tmp_path: Path
) -> None:
    draw = random.Random(5)
    stops = sorted(draw.sample(range(300, 1500), N_CUTS))
    driver = campaign.start(fuses=[Fuse("any", nth, "stop") for nth in stops])
    copies: list[Path] = []
    while (state := state_of(driver.pid)) not in ("", "Z"):
        if state == "T":
            copies.append(_copied(campaign.folder, tmp_path / f"copy{len(copies)}"))
            # What was said to be durable is in it.
            assert set(driver.lines(driver.acknowledged)) <= Contents.of(copies[-1]).keys()
            driver.send(signal.SIGCONT)
            while state_of(driver.pid) == "T":
                time.sleep(0.001)
        time.sleep(0.001)
    driver.wait(0)
    campaign.check(driver)
    campaign.check_whole()

    assert len(copies) == N_CUTS
    for number, copy in enumerate(copies):
        if number % 2:  # of what was written last the disk has only a part
            log = copy / FILES[1]
            content = log.read_bytes()
            log.write_bytes(content[: draw.randrange(len(content) // 2, len(content))])
        Campaign(drivers, copy, reference, BEGIN).finish()


def _copied(folder: Path, to: Path) -> Path:
    to.mkdir()
    for name in FILES:
        shutil.copy(folder / name, to)
    return to

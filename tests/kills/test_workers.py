"""Workers are killed and stopped while they train: the search goes on to the same end."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator

import pytest

from tests.kills.campaign import TWO, Campaign
from tests.kills.drivers import Driver, state_of

#: How long a training takes on the average: a shot comes in the midst of some.
DELAY_S = 0.03


def moments(driver: Driver, draw: random.Random) -> Iterator[None]:
    """Come at random moments, each some trainings after the last, until the driver ends."""
    n_due = draw.randint(2, 8)
    while state_of(driver.pid) not in ("", "Z"):
        n_begun = len(driver.lines(driver.trace))
        if n_begun >= n_due:
            time.sleep(draw.uniform(0, DELAY_S))
            yield
            n_due = len(driver.lines(driver.trace)) + draw.randint(2, 8)
        time.sleep(0.002)


def workers_of(driver: Driver) -> list[int]:
    """Return the processes that train, and those that watch over them."""
    return [pid for pid, command in driver.processes().items() if "tracker" not in command]


def test_workers_are_killed_one_several_and_all_at_once(campaign: Campaign) -> None:
    draw = random.Random(2)
    driver = campaign.start(TWO, delay_s=DELAY_S)
    shots = iter((1, None, 1, 2))
    n_shots = 0
    for _ in moments(driver, draw):
        there = workers_of(driver)
        n_shot = next(shots, 0)
        for pid in draw.sample(there, len(there) if n_shot is None else min(n_shot, len(there))):
            n_shots += 1
            with contextlib.suppress(ProcessLookupError):  # a guard takes its own along
                os.kill(pid, signal.SIGKILL)
    driver.wait(0)
    assert n_shots >= 8
    assert not list(shots)
    campaign.check(driver, workers_lived=False)
    campaign.check_whole()


@pytest.mark.nightly
def test_workers_are_stopped_for_a_while(campaign: Campaign) -> None:
    draw = random.Random(3)
    driver = campaign.start(TWO, delay_s=DELAY_S)
    n_stopped = 0
    for _ in moments(driver, draw):
        if n_stopped >= 3:
            continue
        victims = draw.sample(workers_of(driver), 1 + n_stopped % 2)
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for pid in victims:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            if number == signal.SIGSTOP:
                n_stopped += len(victims)
                time.sleep(0.4)
    driver.wait(0)
    assert n_stopped >= 3
    campaign.check(driver)
    campaign.check_whole()


def test_a_driver_killed_beside_its_stopped_workers_leaves_none(campaign: Campaign) -> None:
    draw = random.Random(4)
    driver = campaign.start(TWO, delay_s=DELAY_S)
    next(moments(driver, draw))
    stopped = workers_of(driver)
    for pid in stopped:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    driver.send(signal.SIGKILL)
    driver.wait(-signal.SIGKILL)
    campaign.check(driver)
    for pid in stopped:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    campaign.finish()

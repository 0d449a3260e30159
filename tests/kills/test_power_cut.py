"""The power is cut: what was said to be durable is on the disk, and the run goes on.

A whole search is recorded, each write and each sync of SQLite's and of the program's; then, for
moments in it, what may be on the disk is made (``power``) and looked at. Copies of the files as the
system shows them would hold what was written and never synced, too.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from actsearch.errors import BadInput
from tests.kills.campaign import ALONE, QUIETLY, TASK, Campaign, Contents
from tests.kills.drivers import Drivers
from tests.kills.power import Disk, Event, events_of

#: The log is folded into the file often: that is a moment to be cut at, too.
OFTEN = """
import sqlite3, sys
from dataclasses import replace
from actsearch.cli import main
from actsearch.runs import filesystem

connect = sqlite3.connect
def often(*given, **options):
    made = connect(*given, **options)
    made.execute("PRAGMA wal_autocheckpoint = 20")
    return made
sqlite3.connect = often
"""
KINDS = {
    "local": "",
    "network": "filesystem.type_of = lambda path: 'nfs4'\n",
    "never synced": "filesystem.LOCAL = replace(filesystem.LOCAL, synchronous=0)\n",
}
BEGIN = ("search", "--task", TASK, "--births", "40", "--confirm", "none")
AGAIN = ("resume", "--births", "45", "--confirm", "none")
#: Where the cut left no run.
ANEW = ("search", "--task", TASK, "--births", "45", "--confirm", "none")


@dataclass(frozen=True)
class Recorded:
    """A run that nothing interrupted, and all that the disk was asked for."""

    folder: Path
    acknowledged: str
    events: list[Event]

    def cut_at(self, moments: set[int], seed: int, to: Path) -> list[Path]:
        """See at each of these moments that nothing is lost; return the runs as they are then."""
        draw = random.Random(seed)
        whole, disk, said = Contents.of(self.folder), Disk(), b""
        left = []
        for moment, event in enumerate(self.events):
            if event.path == self.acknowledged:
                said += event.data
            else:
                disk(event)
            if moment not in moments:
                continue
            found = disk.cut(draw, self.folder.parent, to / str(moment)) / self.folder.name
            there = Contents.of(found)
            lost = set(said.decode().splitlines()) - there.keys()
            assert not lost, f"lost by a cut at {moment}: {lost}"
            assert there.begins(whole), f"a cut at {moment} leaves what was never committed"
            left.append(found)
        return left


def record(drivers: Drivers, root: Path, kind: str, n_sessions: int = 2) -> Recorded:
    """Record a search and, where that is wanted, that it is gone on with."""
    folder = root / "runs" / "run"
    folder.parent.mkdir()
    where = ("--runs-dir", str(folder.parent), *QUIETLY, *ALONE)
    argvs: list[tuple[str, ...]] = [(*BEGIN, "--run", "run", *where)]
    if n_sessions == 2:
        argvs.append((*AGAIN, "run", *where))
    text = "\n".join([OFTEN, KINDS[kind], *(f"assert main.run({list(one)}) == 0" for one in argvs)])
    driver = drivers.run("-c", text, record=folder.parent)
    return Recorded(folder, str(driver.acknowledged), events_of(driver.recorded))


@pytest.fixture
def _compiler(shim: Path | None) -> None:
    if shim is None:
        pytest.skip("there is no C compiler")


@pytest.mark.usefixtures("_compiler")
@pytest.mark.parametrize("kind", ["local", "network"])
def test_a_power_cut_takes_back_nothing_that_was_acknowledged(
    drivers: Drivers, tmp_path: Path, kind: str
) -> None:
    recorded = record(drivers, tmp_path, kind)
    draw = random.Random(5)
    moments = set(draw.sample(range(len(recorded.events)), 60))
    left = recorded.cut_at(moments, 6, tmp_path / "cut")
    for folder in draw.sample(left, 1):
        Campaign(drivers, folder, recorded.folder, ANEW, AGAIN).finish()


@pytest.mark.usefixtures("_compiler")
def test_what_is_never_synced_is_lost(drivers: Drivers, tmp_path: Path) -> None:
    """The test before would notice: it is not that nothing is ever taken back."""
    recorded = record(drivers, tmp_path, "never synced", n_sessions=1)
    moments = set(range(len(recorded.events) // 2, len(recorded.events), 10))
    with pytest.raises((AssertionError, BadInput), match=r"lost by a cut|is damaged"):
        recorded.cut_at(moments, 6, tmp_path / "cut")


@pytest.mark.nightly
@pytest.mark.usefixtures("_compiler")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["local", "network"])
def test_so_at_every_moment(drivers: Drivers, tmp_path: Path, kind: str, seed: int) -> None:
    recorded = record(drivers, tmp_path, kind)
    everything = set(range(len(recorded.events)))
    left = recorded.cut_at(everything, seed, tmp_path / "cut")
    for folder in random.Random(seed).sample(left, 30):
        Campaign(drivers, folder, recorded.folder, ANEW, AGAIN).finish()

"""What writes files beside the store is killed at each of its steps: never half a file.

Under the name of a file there is the one that was there before, the new one, or none; and the same
command then works, whatever the kills have left. A step is every change of a name below the folder
that is written to, and every write, in the midst of which the shim ends the process.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.kills.campaign import KILLED
from tests.kills.drivers import MIDST, Drivers
from tests.kills.points import Fuse

KERNELS = """
import torch, actsearch
for formula in ("x*tanh(softplus(x))", "relu(x) + sin(x)/4"):
    act = actsearch.parse(formula).compile(backend="native")
    assert act(torch.linspace(-3, 3, 100)).isfinite().all()
"""


@dataclass(frozen=True)
class Writer:
    """A command that writes files.

    Attributes:
        argv: What stands behind ``actsearch``; OUT is the folder that is written to.
        finals: Patterns of the files that others read.
        is_whole: Tells of a file whether it is whole, where two runs don't write the same bytes.
        over: Whether it replaces what is there already.
    """

    argv: tuple[str, ...]
    finals: tuple[str, ...] = ("[!.]*", "[!.]*/**/*")
    is_whole: Callable[[Path], bool] | None = None
    over: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)


def _is_report(file: Path) -> bool:
    return file.read_text(encoding="utf-8").rstrip().endswith("</html>")


def _is_library(file: Path) -> bool:
    from actsearch.kernels.native.cache import is_whole

    return is_whole(file)


CACHE = {"ACTSEARCH_CACHE": "OUT"}
#: The doors that the commands write by, with contents that cost nothing.
DOORS = {
    "export": Writer(
        (
            "-c",
            """
from actsearch.export.folder import write_all
text = os.environ["VERSION"] * 20_000
write_all(Path(OUT), {"a.py": text, "sub/b.toml": text}, force=True)
""",
        )
    ),
    "report": Writer(
        (
            "-c",
            """
from actsearch.report.writing import replace
replace(Path(OUT, "report.html"), os.environ["VERSION"] * 20_000)
""",
        )
    ),
    "data": Writer(
        (
            "-c",
            """
from actsearch.tasks.datasets import folders
with folders.writing(Path(OUT)), folders.new_folder(Path(OUT, "set")) as new:
    for name in ("train", "test"):
        (new / name).write_text(os.environ["VERSION"] * 20_000)
""",
        ),
        ("set/*",),
    ),
    "costs": Writer(
        (
            "-c",
            """
from actsearch.results.costs import modelled_costs
modelled_costs(["x", "relu(x)"])
""",
        ),
        ("costs/*.json",),
        environment=CACHE,
    ),
}

RUN = ("reference", "--runs-dir", "RUNS")
COMMANDS = {
    "export": Writer(
        ("export", *RUN, "0", "6", "--to", "torch,numpy,latex", "--out", "OUT", "--force")
    ),
    "package": Writer(
        ("export", *RUN, "6", "--to", "numpy", "--package", "acts", "--out", "OUT", "--force")
    ),
    "report": Writer(("report", *RUN, "--out", "OUT/report.html"), is_whole=_is_report),
    "plot": Writer(("plot", *RUN, "progress", "--out", "OUT", "--force")),
    "data": Writer(("data", "get", "mnist1d"), ("arrays/*[!t]/*",), over=False, environment=CACHE),
    "kernels": Writer(
        ("-c", KERNELS), ("kernels/*.so",), _is_library, over=False, environment=CACHE
    ),
    "costs": Writer(("inspect", *RUN), ("costs/*.json",), environment=CACHE, over=False),
}


class Folder:
    """What a writer wrote, and what is left of that after a kill."""

    def __init__(self, drivers: Drivers, writer: Writer, root: Path, runs: Path) -> None:
        self._drivers, self._writer, self._runs = drivers, writer, runs
        self._root, self._numbers = root, itertools.count()
        self.out = self.fresh()

    def fresh(self) -> Path:
        self.out = self._root / f"out{next(self._numbers)}"
        self.out.mkdir()
        return self.out

    def run(self, version: str, **options: Any) -> int:
        """Run the writer into the folder."""
        given = {"OUT": str(self.out), "RUNS": str(self._runs)}
        argv = [self._put(word, given) for word in self._writer.argv]
        environment = {k: self._put(v, given) for k, v in self._writer.environment.items()}
        driver = self._drivers.start(
            *argv, folder=self.out, environment={"VERSION": version, **environment}, **options
        )
        code = driver.wait()
        said = driver.log.read_text(encoding="utf-8", errors="replace")
        assert code in (0, KILLED), said
        return code

    def _put(self, word: str, given: Mapping[str, str]) -> str:
        for name, value in given.items():
            word = word.replace(name, value) if not word.startswith("\n") else word
        if word.startswith("\n"):
            word = f"import os\nfrom pathlib import Path\nOUT = {given['OUT']!r}\n{word}"
        return word

    def files(self) -> dict[str, bytes]:
        """Return what is there for others to read."""
        found = {one for pattern in self._writer.finals for one in self.out.glob(pattern)}
        return {
            str(one.relative_to(self.out)): one.read_bytes()
            for one in found
            if one.is_file() and not any(part.startswith(".") for part in one.parts[-2:])
        }

    def check(self, *versions: Mapping[str, bytes]) -> None:
        """See that each file is whole, of one of the versions."""
        for name, content in self.files().items():
            if self._writer.is_whole is not None:
                assert self._writer.is_whole(self.out / name), f"{name} is half a file"
            else:
                assert content in [one.get(name) for one in versions], f"{name} is half a file"


def kill_at_every_step(folder: Folder, *, over: bool, steps: slice = slice(None)) -> int:
    """Kill a writer at its steps, each time from the state before; return how often."""
    assert folder.run("new") == 0
    new = folder.files()
    assert new
    folder.fresh()
    old: dict[str, bytes] = {}
    if over:
        assert folder.run("old") == 0
        old = folder.files()
        assert old.keys() == new.keys()
    n_kills = 0
    for how in ("name", "write"):
        for nth in itertools.islice(itertools.count(1), steps.start, steps.stop, steps.step):
            place: dict[str, Any] = {"fuses": [Fuse("file", nth)]}
            if how == "write":
                place = {"call": ("write", f"{folder.out}/*", nth, MIDST)}
            if folder.run("new", **place) == 0:
                break
            n_kills += 1
            folder.check(old, new)
            if over and nth % 4 == 3:  # else the kills pile up
                assert folder.run("old") == 0
                folder.check(old)
        assert folder.run("new") == 0  # whatever is left there
        folder.check(new)
        assert folder.files().keys() == new.keys()
        folder.fresh()
    return n_kills


@pytest.mark.parametrize(("door", "over"), [("export", True), ("report", True), ("data", True)])
def test_killed_at_some_steps_a_door_leaves_no_half_file(
    drivers: Drivers, tmp_path: Path, door: str, over: bool
) -> None:
    folder = Folder(drivers, DOORS[door], tmp_path, tmp_path)
    assert kill_at_every_step(folder, over=over, steps=slice(1, None, 3)) >= 1


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("door", "over"),
    [("export", False), ("export", True), ("report", True), ("data", True), ("costs", False)],
)
def test_killed_at_every_step_a_door_leaves_no_half_file(
    drivers: Drivers, tmp_path: Path, door: str, over: bool
) -> None:
    folder = Folder(drivers, DOORS[door], tmp_path, tmp_path)
    assert kill_at_every_step(folder, over=over) >= 3


@pytest.fixture(scope="module")
def writing(tmp_path_factory: pytest.TempPathFactory, shim: Path | None) -> Iterator[Drivers]:
    """Return drivers that have imported what these commands need."""
    ahead = ("actsearch.export", "actsearch.report.page", "matplotlib.figure", "actsearch.kernels")
    with Drivers(tmp_path_factory.mktemp("writing"), shim, ahead) as made:
        yield made


@pytest.mark.nightly
@pytest.mark.parametrize("name", COMMANDS)
def test_killed_at_every_step_a_command_leaves_no_half_file(
    writing: Drivers, reference: Path, tmp_path: Path, name: str
) -> None:
    writer = COMMANDS[name]
    folder = Folder(writing, writer, tmp_path, reference.parent)
    assert kill_at_every_step(folder, over=writer.over) >= 3

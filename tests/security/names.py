"""Hostile names and values: of runs, tasks, files to write, targets, durations, devices."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from actsearch.durations import parse_duration
from actsearch.export import checked_name, chosen, write_all
from actsearch.plots.style import check_format
from actsearch.report.writing import check_out
from actsearch.runs import RunStore, existing_run, run_folder, run_names
from actsearch.tasks import load_task
from actsearch.tasks.target import Target
from actsearch.trials.saved import contestants, formula_in_run
from actsearch.workers import resolve
from actsearch.workers.cluster.address import cluster_of
from tests.security.hostile import Call, Case, texts

RUNS = (
    "", ".", "..", "../x", "/etc/passwd", "a/b", "a\\b", "-rf", "~root", "a\x00b", "x" * 81,
    "x" * 100_000, "\x1b]0;owned\x07", "rün", "a b", "$(id)", "`id`", "run\n", "a:b", "\u202egnp",
    "\ud800", "*", "<b>", "=1+1", "con\r",
)  # fmt: skip
BIRTHS = (
    "", ":", "a:", "a:-1", "a:1e9", "a:99999999999999999999999", "a:" + "9" * 5_000, "../../etc:1",
    "/etc:1", "/etc/passwd:1", "a:１", "a:b:c:1", "\x00:1", "/\x00/a:1", "\x1b[2J:1",
    "x" * 10_000 + ":1", "a:1;drop",
)  # fmt: skip
TASKS = (
    "", "evil", ",", "mnist1d-cnn,", "mnist1d-cnn,mnist1d-cnn", "mnist1d-cnn@evil", "@", "@@@@@",
    "mnist1d-cnn@loss@loss", "mnist1d-cnn@__class__", "/etc/passwd:make", "/dev/zero:make",
    "nowhere.py", "nowhere.py:make", ":make", "::::", "\x00.py:make", "os:system", "x" * 5_000,
    "../../../no-such-file.py:make", "\x1b[2J", "~nobody-at-all/x.py:m", "," * 5_000, "\ud800",
    "mnist1d-cnn," * 500 + "evil",
)  # fmt: skip
EXPORTS = (
    "", "os", "sys", "torch", "numpy", "class", "match", "a-b", "a.b", "../a", "a/b", "a\nb", "é",
    "x" * 61, "x" * 100_000, "1a", "__main__", "\x00", "a b", "import os", "$x", "\x1b", "None",
)  # fmt: skip
TARGETS = ("", ",", "evil", "torch,evil", "\x1b[2J", "../torch", "x" * 50_000, "TORCH ; rm")
DURATIONS = (
    "", "5", "nan", "inf", "-5m", "1e999h", "9" * 5_000 + "s", "5x", "0s", "１m", "5m5m", "m",
    "5 minutes; reboot", "\x1b", "1" * 10 + "s", "1.1.1s", " ",
)  # fmt: skip
WORKERS = ("0", "-1", "9" * 5_000, "1e9", "1_0", "１", "auto; id", "nan", "", "\x1b", "9999999")
DEVICES = (
    "", "evil", "cuda:999999999999", "cuda:-1", "cpu,cpu", "cpu,evil", ",", "\x1b", "cuda:\x00",
    "/dev/sda", "cpu," * 5_000,
)  # fmt: skip
CLUSTERS = (
    "", "evil", "local", "local:", "local:0", "local:-1", "local:" + "9" * 5_000, "local:1; id",
    "tcp://", "tcp://host", "tcp://host:99999999", "tcp://:1", "tcp://host:port", "file:///etc/passwd",
    "http://host:1", "ssh://host:1", "inproc://1", "ucx://host:1", "\x1b[2J", "tcp://a b:1",
    "tcp://user:word@host:1", "x" * 50_000,
)  # fmt: skip
UNTIL = ("", "evil", "train-error=", "train-error=nan", "train-error=-1", "=", "a=b", "\x1b=1",
         "train-error=1e999", "train-error=" + "9" * 5_000)  # fmt: skip
ACTIVATIONS: tuple[list[str], ...] = (
    ["gelu"], ["gelu", "gelu"], ["gelu", "silu(x)", "x*sigmoid(x)"], ["gelu", "evil"],
    ["gelu", "eval(x)"], ["gelu", "a:1"], ["gelu", "\x1b[2J"], [],
)  # fmt: skip

#: What lies where something is to be written.
IN_THE_WAY: dict[str, Callable[[Path], object]] = {
    "a link": lambda path: path.symlink_to("/etc/passwd"),
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "somebody's file": lambda path: path.write_text("precious"),
    "a link to a device": lambda path: path.symlink_to("/dev/null"),
}


def _files(folder: Path) -> dict[str, str]:
    return {str(path): path.read_text() for path in folder.rglob("*") if path.is_file()}


def _kept(folder: Path, write: Call) -> Call:
    """Return what writes, and fails where it changed anything."""

    def attempt() -> object:
        before = _files(folder)
        try:
            return write()
        finally:
            assert _files(folder) == before

    return attempt


def _report(make: Callable[[Path], object]) -> Callable[[Path], Call]:
    def prepare(folder: Path) -> Call:
        make(folder / "report.html")
        return _kept(folder, lambda: check_out(folder / "report.html"))

    return prepare


def _export(make: Callable[[Path], object]) -> Callable[[Path], Call]:
    def prepare(folder: Path) -> Call:
        make(folder / "a.py")
        return _kept(folder, lambda: write_all(folder, {"a.py": "x", "b.py": "y"}))

    return prepare


def _into(make: Callable[[Path], object]) -> Callable[[Path], Call]:
    def prepare(folder: Path) -> Call:
        make(folder / "out")
        return _kept(folder, lambda: write_all(folder / "out", {"a.py": "x"}))

    return prepare


def _runs_root(make: Callable[[Path], object]) -> Callable[[Path], Call]:
    def prepare(folder: Path) -> Call:
        make(folder / "runs")

        def attempt() -> object:
            run_names(folder / "runs")
            return RunStore.create(folder / "runs" / "a", {}, {})

        return _kept(folder, attempt)

    return prepare


def _new_run(make: Callable[[Path], object]) -> Callable[[Path], Call]:
    def prepare(folder: Path) -> Call:
        make(folder / "a")
        return _kept(folder, lambda: RunStore.create(folder / "a", {}, {}))

    return prepare


def _compared(several: list[str]) -> Callable[[Path], Call]:
    return lambda _folder: lambda: contestants(several, Path("/nowhere"))


def _drawn(name: str) -> Callable[[Path], Call]:
    return lambda folder: lambda: check_format(folder / name)


def cases() -> Iterator[Case]:
    """Yield all of them."""
    yield from texts("run, new", run_folder, RUNS)
    yield from texts("run, old", lambda name: existing_run(name, Path("/nowhere")), RUNS)
    yield from texts("birth", lambda text: formula_in_run(text, Path("/nowhere")), BIRTHS)
    yield from texts("task", load_task, TASKS)
    yield from texts("task, of a run", lambda text: load_task(text, named=False), TASKS[6:14])
    yield from texts("export, name", checked_name, EXPORTS)
    yield from texts("export, target", chosen, TARGETS)
    yield from texts("duration", parse_duration, DURATIONS)
    yield from texts("workers", resolve, WORKERS)
    yield from texts("devices", lambda text: resolve(1, text), DEVICES)
    yield from texts("cluster", cluster_of, CLUSTERS)
    yield from texts("until", Target.parse, UNTIL)
    for several in ACTIVATIONS:
        shown = " ".join(several).encode("unicode_escape").decode()
        yield Case("activations", shown, _compared(several))
    for name in ("a.exe", "a", "a.svg.sh", ".png", "nowhere/a.png", "\x1b.gif"):
        yield Case("plot, file", name.encode("unicode_escape").decode(), _drawn(name))
    for what, make in IN_THE_WAY.items():
        yield Case("report, in the way", what, _report(make))
        yield Case("export, in the way", what, _export(make))
        if what != "a folder":
            yield Case("export, into", what, _into(make))
            yield Case("run, in the way", what, _new_run(make))
            if what != "a link to nothing":
                yield Case("runs, in the way", what, _runs_root(make))
    yield Case("export, into", "a NUL", lambda folder: lambda: write_all(folder / "\0", {"a": ""}))
    yield Case(
        "export, into",
        "a long name",
        lambda folder: lambda: write_all(folder / ("x" * 300), {"a": ""}),
    )
    yield Case(
        "report, in the way", "no folder", lambda folder: lambda: check_out(folder / "a" / "b")
    )
    yield Case("report, in the way", "a NUL", lambda folder: lambda: check_out(folder / "\0"))

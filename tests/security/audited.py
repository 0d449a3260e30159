"""What is run under the audit hook, in a process of its own; it prints what was heard, as JSON.

``python -m tests.security.audited WHAT FOLDER``; WHAT is a name of ``PARTS``, or several
with a plus between.
"""

from __future__ import annotations

import contextlib
import ctypes
import gzip
import hashlib
import io
import json
import os
import pickle
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.security.audit import CANARY, Audit

#: Texts that would be noticed if they were run, imported or written to.
HOSTILE = f"__import__('{CANARY}').system('{CANARY}')"

#: A file of the user's, where the program works and above it.
PRECIOUS = "precious.txt"


def plant(folder: Path) -> None:
    """Put modules where Python would find them first if it looked, that leave a note when run."""
    witness = folder / "it-ran"
    for name in ("evil", CANARY, "report", "sitecustomize", "conftest", "yaml", "cupy"):
        (folder / f"{name}.py").write_text(f"open({str(witness)!r}, 'w')\n")


def refusals(audit: Audit, folder: Path) -> None:
    """Try every hostile input."""
    from tests.security.cases import CASES
    from tests.security.hostile import refusal

    for number, case in enumerate(CASES):
        for turn in ("first", "again"):
            place = folder / "cases" / str(number) / turn
            place.mkdir(parents=True)
            call = case.prepare(place)
            with audit.on():
                refusal(call)


def made_runs(folder: Path) -> tuple[str, ...]:
    """Make runs: an ordinary one, and such as hold hostile texts; return their names."""
    from tests.cli import test_hostile
    from tests.cli.conftest import fill

    runs = folder / "runs"
    if not runs.exists():
        fill(runs / "first")
        hostile: Any = test_hostile
        hostile.TEXTS = (*hostile.TEXTS, HOSTILE)
        hostile.make(runs / "bad", hostile.ALL)
        hostile.make(runs / "worse", "x*sin(x)")
    return "first", "bad", "worse"


def said(audit: Audit, *words: str, codes: tuple[int, ...] = (0, 2)) -> None:
    """Run a command; it may answer or refuse, and nothing else."""
    from actsearch.cli.main import run

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), audit.on():
        code = run(words)
    if code not in codes or "Traceback" in err.getvalue():
        audit.found.append(f"{' '.join(words)} ended with {code}: {err.getvalue()[-300:]}")


def reading(audit: Audit, folder: Path) -> None:
    """Inspect, watch, list and parse: an ordinary run and hostile ones."""
    for name in made_runs(folder):
        for words in (
            ("inspect", name, "--all"),
            ("inspect", name, "1"),
            ("inspect", name, "--front"),
            ("watch", name, "--once"),
            ("inspect", name, "--format", "json"),
        ):
            said(audit, *words)
        said(audit, "runs", "check", name, codes=(0, 1))
    said(audit, "inspect", "first", "worse")
    said(audit, "runs")
    said(audit, "analyze", HOSTILE)
    said(audit, "spaces", "show", "default")
    said(audit, "tasks")
    said(audit, "data")
    for command in ("compare", "diagnose"):  # refused before anything is trained
        for name in ("bad", "worse"):
            said(audit, command, f"{name}:0", HOSTILE, "--task", "mnist1d-mlp", codes=(2,))


def writing(audit: Audit, folder: Path, names: tuple[str, ...] = ("worse",)) -> None:
    """Report, plot and export a hostile run."""
    there = made_runs(folder)
    for name in names or there:
        said(audit, "report", name, "--out", f"out/{name}.html")
        for target in ("torch", "c", "json,latex,numpy"):
            files = ("--to", target, "--out", f"out/{name}", "--force")
            said(audit, "export", name, *files)  # of its best, which may be no formula
            said(audit, "export", name, "0", *files)
        if not names:
            said(audit, "plot", name, "--out", "out/pictures", "--format", "svg")
    said(audit, "export", "--formula", HOSTILE, "--name", "evil_one", "--out", "out/files")


def writing_all(audit: Audit, folder: Path) -> None:
    """Report, plot and export every run."""
    writing(audit, folder, ())


#: Run -> the journal that lies beside it.
JOURNALS: dict[str, dict[str, Any]] = {
    "killed": {},
    "relative": {"names": PRECIOUS},
    "absolute": {"names": f"{{folder}}/{PRECIOUS}"},
    "above": {"names": f"../{PRECIOUS}"},
    "with-a-log": {"names": PRECIOUS, "wal": True},
    "large": {"n_pages": 2**31},
}


def undoing(audit: Audit, folder: Path, names: tuple[str, ...] = ("killed", "relative")) -> None:
    """Look at, check, repair and go on with runs in which SQLite is to undo a commit."""
    from tests.cli.conftest import fill
    from tests.security.journals import add_journal, bytes_of

    fill(folder / "runs" / "first")
    for name in names:
        run = folder / "runs" / name
        shutil.copytree(folder / "runs" / "first", run)
        named = JOURNALS[name].get("names", "").format(folder=folder)
        add_journal(run, **JOURNALS[name] | {"names": named})
    said(audit, "runs")
    for name in names:
        run = folder / "runs" / name
        before = bytes_of(run)
        for words in LOOKS if names == tuple(JOURNALS) else LOOKS[:3]:
            said(audit, *(word.format(name=name) for word in words), codes=(0, 1, 2))
        if bytes_of(run) != before:
            audit.found.append(f"who looks changed the run {name}")
        for words in (("runs", "check", name, "--repair"), ("resume", name, "--quiet")):
            said(audit, *words, codes=(0, 1, 2))
        if (run / "run.sqlite").stat().st_size > 10_000_000:
            audit.found.append(f"{name} has become large")


#: What only looks at a run.
LOOKS = (
    ("inspect", "{name}", "--all"),
    ("watch", "{name}", "--once"),
    ("runs", "check", "{name}"),
    ("inspect", "first", "{name}"),
    ("report", "{name}", "--out", "out/{name}.html"),
    ("plot", "{name}", "--out", "out/pictures", "--format", "svg", "--force"),
    ("export", "{name}", "--to", "json", "--out", "out/files", "--force"),
)


def undoing_all(audit: Audit, folder: Path) -> None:
    """Do so with every journal and every command."""
    undoing(audit, folder, tuple(JOURNALS))


def getting(audit: Audit, folder: Path) -> None:
    """Prepare data of archives that are there already: of a good one and of hostile ones."""
    from actsearch.tasks.datasets.catalog import DATASETS, Download
    from tests.security.archives import BAD, SET
    from tests.tasks.small_sets import archive_of, small_cifar

    downloads = folder / "cache" / "downloads"
    downloads.mkdir(mode=0o700)
    good = small_cifar()
    archives = {good: archive_of(good)} | {
        replace(SET, name=f"bad-{number}"): gzip.compress(content, 1)
        for number, (content, _) in enumerate(BAD.values())
    }
    all_own, audit.own = audit.own, (str(folder / "cache"),)
    for dataset, content in archives.items():
        name, digest = f"{dataset.name}.tar.gz", hashlib.sha256(content).hexdigest()
        (downloads / name).write_bytes(content)
        there = Download(name, digest, len(content), ("http://127.0.0.1:9/",))  # never asked
        DATASETS[dataset.name] = replace(dataset, downloads=(there,))
        said(audit, "data", "get", dataset.name, codes=(0,) if dataset is good else (2,))
        if dataset is good:
            said(audit, "data", "get", dataset.name, "--data", str(downloads), codes=(0,))
    audit.own = all_own
    unpacked = {path for path in downloads.rglob("*") if path.suffixes[-2:] != [".tar", ".gz"]}
    wanted = {downloads / good.folder / file.name for file in good.files}
    if unpacked != {downloads / good.folder, *wanted}:
        audit.found.append(f"unpacked {sorted(map(str, unpacked))}")
    if any(path.stat().st_mode & 0o111 for path in wanted):
        audit.found.append("what was unpacked can be executed")


def trusting(audit: Audit, folder: Path) -> None:
    """Go on with a run that names a task file which nobody has named: it must not be run."""
    from actsearch.search import load_space
    from actsearch.search.engine import RULES
    from tests.security.stores import make_run

    tasks = (f"{folder}/evil.py:make", "evil.py:make", f"mnist1d-mlp,{folder}/evil.py:m")
    for number, task in enumerate(tasks):
        name = f"sent-{number}"
        config = {
            "search_rules": RULES,
            "space_settings": load_space("default").model_dump(mode="json"),
            "task": task,
            "task_from": "name",
            "device_kind": "cpu",
            "rungs": [{"name": "full", "steps": 3, "seeds": [0]}],
            "budget": "1s",
            "births": 3,
            "seed": 0,
            "seed_formulas": [],
            "space": "default",
        }
        make_run(folder / "runs" / name, config)
        for words in (("resume", name, "--quiet"), ("confirm", name, "--quiet"), ("inspect", name)):
            said(audit, *words)
        said(audit, "export", name, "--to", "json", "--out", "out/files", "--force")


def _import_evil(folder: Path) -> None:
    sys.path.insert(0, str(folder))
    try:
        import evil  # type: ignore[import-not-found]  # noqa: F401
    finally:
        sys.path.remove(str(folder))


def _exec(text: str) -> None:
    exec(text, {})


def _by_sqlite(folder: Path) -> None:
    """Have SQLite itself delete a file, which no audit event tells."""
    with contextlib.closing(sqlite3.connect(folder / "own" / "run" / "run.sqlite")) as db:
        db.execute("SELECT * FROM births")


def _listen(_folder: Path) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))


def _suppressed(call: Callable[[], object]) -> None:
    with contextlib.suppress(Exception):
        call()


#: What must be heard: each is done once, under the hook.
VIOLATIONS: dict[str, Callable[[Path], object]] = {
    "import": _import_evil,
    "exec of input": lambda _: _exec(f"x = '{CANARY}'"),
    "exec of anything": lambda _: _exec("x = 1"),
    "compile": lambda _: compile(f"{CANARY} + 1", "<string>", "eval"),
    "eval": lambda _: eval("1 + 1"),
    "open to write": lambda folder: (folder.parent / "else").write_text("x"),
    "open to append": lambda folder: (folder.parent / "else").open("a").close(),
    "remove": lambda folder: (folder.parent / "else").unlink(),
    "rename": lambda folder: (folder / "out").rename(folder.parent / "out"),
    "make a folder": lambda folder: (folder.parent / "made").mkdir(),
    "remove a tree": lambda folder: shutil.rmtree(folder.parent / "made"),
    "link": lambda folder: (folder.parent / "link").symlink_to("x"),
    "through a link": lambda folder: (folder / "own" / "out" / "x").write_text("x"),
    "sqlite": lambda folder: __import__("sqlite3").connect(folder.parent / "else.db").close(),
    "system": lambda _: os.system("true"),
    "a process": lambda _: subprocess.run(["true"], check=True),
    "spawn": lambda _: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0),
    "a connection": lambda _: socket.create_connection(("127.0.0.1", 9), 0.1),
    "a server": _listen,
    "a library": lambda folder: ctypes.CDLL(str(folder / "evil.so")),
    "a pickle": lambda _: pickle.loads(b"cos\ngetpid\n."),
    "a signal": lambda _: os.kill(os.getpid(), 0),
}


def biting(audit: Audit, folder: Path) -> dict[str, list[str]]:
    """Do what is forbidden, and return what was heard of each."""
    from tests.security.journals import add_journal
    from tests.security.stores import make_run

    (folder / "own").mkdir()
    (folder / "own" / "out").symlink_to(folder.parent)
    add_journal(make_run(folder / "own" / "run"), names=str(folder / PRECIOUS))
    audit.own = (str(folder / "own"),)
    heard: dict[str, list[str]] = {}
    for name, violate in VIOLATIONS.items():
        audit.found = []
        with audit.on():
            _suppressed(lambda violate=violate: violate(folder))  # type: ignore[misc]
        heard[name] = audit.found
    audit.found = []
    with audit.on():  # and what is allowed is allowed
        (folder / "own" / "fine").write_text("x")
        (folder / "evil.py").read_text()
        import colorsys  # noqa: F401 - any module of Python's that is not there yet

        _by_sqlite(folder)
    heard[""] = audit.found
    return heard


PARTS: dict[str, Callable[[Audit, Path], Any]] = {
    "refusals": refusals,
    "reading": reading,
    "writing": writing,
    "writing-all": writing_all,
    "undoing": undoing,
    "undoing-all": undoing_all,
    "trusting": trusting,
    "getting": getting,
    "biting": biting,
}


def _contents(folder: Path, own: tuple[str, ...]) -> dict[str, str]:
    """Return what is in the files, links and folders below one, those of its own aside."""
    found = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if name.split("/")[1:2] not in [[one] for one in own]:
            found[name] = "a folder"
            if path.is_symlink():
                found[name] = f"a link to {path.readlink()}"
            elif path.is_file():
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def main() -> None:
    """Run a part; print what was heard, and what is new, other or gone outside its own folders."""
    part, folder = sys.argv[1], Path(sys.argv[2]) / "here"
    folder.mkdir()
    for name in ("out", "cache", "home", "tmp"):
        (folder / name).mkdir(mode=0o700)
    plant(folder)
    for place in (folder, folder.parent):
        (place / PRECIOUS).write_text("keep")
    os.chdir(folder)
    # A case writes into a folder of its own, which is made before the hook listens.
    own = ("out", "cache", "home", "tmp", "runs", "cases")
    audit = Audit(tuple(folder / name for name in own))
    before = _contents(folder.parent, own)
    for name in part.split("+"):
        heard = PARTS[name](audit, folder)
    after = _contents(folder.parent, own)
    changed = [one for one in before | after if before.get(one) != after.get(one)]
    print(
        json.dumps(
            {
                "heard": heard if heard is not None else audit.found,
                "changed": sorted(changed),
                "made": sorted(path.suffix for path in (folder / "out").rglob("*.*")),
                "n_events": audit.n_events,
            }
        )
    )


if __name__ == "__main__":
    main()

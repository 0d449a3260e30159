"""`actsearch export`: which files it writes, what it prints, and what it refuses."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actsearch.cli.export import TARGET_NAMES
from actsearch.export import TARGETS, Activation, Target, folder
from tests.cli.conftest import Command
from tests.conftest import Golden
from tests.runs.by_hand import by_hand

LAYERED = "input: relu(x) | hidden: x*sin(p0*x) | last: tanh(x)"


@pytest.fixture
def some_targets() -> Iterator[None]:
    """Leave three targets that write quickly, and one that no formula fits."""
    before = dict(TARGETS)  # put back in its order, too
    for name in TARGETS.keys() - {"torch", "latex", "json"}:
        del TARGETS[name]
    TARGETS["stone"] = Target("stone", "carved", lambda _: {}, "", lambda _: "curves")
    yield
    TARGETS.clear()
    TARGETS.update(before)


def names(where: str | Path) -> list[str]:
    return sorted(path.name for path in Path(where).iterdir())


def test_what_it_prints(
    actsearch: Command, some_targets: None, runs_dir: Path, golden: Golden
) -> None:
    answer = actsearch("export", "first", "--top", "2", "--to", "torch,latex,json", "--out", "a/b")
    assert answer.code == 0, answer.err
    assert answer.err == ""
    golden.check("export_first.txt", answer.out)
    assert names("a/b") == [f"first_{id_}.{end}" for id_ in (1, 2) for end in ("json", "py", "tex")]
    answer = actsearch("export", "first", "2", "1", "--package", "my_acts", "--out", "c")
    assert answer.code == 0, answer.err
    golden.check("export_package.txt", answer.out)
    assert names("c/my_acts/src/my_acts") == ["__init__.py", "first_1.py", "first_2.py", "py.typed"]


def test_what_it_prints_is_right_for_a_shell(
    actsearch: Command, some_targets: None, runs_dir: Path, tmp_path: Path
) -> None:
    """What stands in for TeX tells what it is asked to read, and where."""
    out = tmp_path / "my 'own' folder #1"
    answer = actsearch("export", "first", "--to", "latex", "--out", str(out))
    assert answer.code == 0, answer.err
    (command,) = re.findall(r"\(test it: (.*)\)$", answer.out, re.MULTILINE)
    program = tmp_path / "bin" / "pdflatex"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\npwd\nprintf '%s\\n' \"$@\"\n")
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-c", command], capture_output=True, text=True, env={"PATH": path}, check=True
    )
    where, text = done.stdout.splitlines()
    (read,) = re.findall(r"\\input\{(.*?)\}", text)
    assert Path(where, read).samefile(out / "first_2.tex")


def test_the_best_of_a_run_with_where_it_comes_from(actsearch: Command, runs_dir: Path) -> None:
    assert actsearch("export", "first", "--to", "json").code == 0
    found = json.loads(Path("first_2.json").read_text(encoding="utf-8"))
    assert found["formula"] == "x*sin(x)"
    assert found["provenance"] == {
        "run": "first",
        "birth": 2,
        "task": "mnist1d-cnn",
        "space": "default",
        "seed of the search": 0,
        "seeds of the trainings": [0, 1],
        "rung of the trainings": "full",
        "python": "3",
        "date": "1970-01-01",
    }
    assert found["measured"]["score"] == "validation accuracy"


def test_several_by_id(actsearch: Command, runs_dir: Path) -> None:
    assert actsearch("export", "first", "1", "0", "1", "--to", "json", "--out", "a").code == 0
    assert names("a") == ["first_0.json", "first_1.json"]


def test_a_formula_and_a_known_name(actsearch: Command, runs_dir: Path) -> None:
    made = ("export", "--to", "json", "--formula")
    assert actsearch(*made, "x*cos(x)/2", "--name", "ripple").code == 0
    assert actsearch(*made, "gelu").code == 0
    assert actsearch(*made, "silu(x)*u", "--name", "gate").code == 0
    assert names(".") == ["gate.json", "gelu_activation.json", "ripple.json", "runs"]
    facts = json.loads(Path("gelu_activation.json").read_text(encoding="utf-8"))
    assert facts["provenance"] == {"known as": "GELU"}


def test_formulas_for_groups_of_layers_are_a_file_a_group(
    actsearch: Command, runs_dir: Path
) -> None:
    answer = actsearch("export", "--formula", LAYERED, "--name", "f", "--to", "json", "--out", "a")
    assert answer.code == 0, answer.err
    assert names("a") == ["f_hidden.json", "f_input.json", "f_last.json"]
    facts = json.loads(Path("a/f_hidden.json").read_text(encoding="utf-8"))
    assert facts["formula"] == "x*sin(p0*x)"
    assert facts["provenance"] == {"layers": "hidden", "together with": LAYERED}


def test_all_leaves_out_what_a_formula_can_not_be_said_in(
    actsearch: Command, some_targets: None, runs_dir: Path
) -> None:
    answer = actsearch("export", "first", "--top", "2", "--to", "all", "--out", "a")
    assert answer.code == 0
    assert answer.err == "".join(
        f"actsearch: first_{id_} is not written for stone: '{formula}': the target stone has no "
        "curves; targets that can express it: torch, latex, json\n"
        for id_, formula in ((2, "x*sin(x)"), (1, "silu(x)"))
    )
    assert len(names("a")) == 6
    answer = actsearch("export", "first", "--to", "json,stone", "--out", "b")
    assert (answer.code, answer.out) == (2, "")
    assert "the target stone has no curves" in answer.err
    assert not Path("b").exists()


def test_nothing_is_overwritten_unless_forced(actsearch: Command, runs_dir: Path) -> None:
    Path("first_0.tex").write_text("mine", encoding="utf-8")
    before = names(".")
    answer = actsearch("export", "first", "1", "0", "--to", "json,latex")
    assert answer.code == 2
    assert "first_0.tex exists already; nothing was written" in answer.err
    assert names(".") == before
    assert actsearch("export", "first", "1", "0", "--to", "json,latex", "--force").code == 0
    assert Path("first_0.tex").read_text(encoding="utf-8").startswith("% Activation function")
    assert len(names(".")) == len(before) + 3


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize(("code", "status"), [(errno.ENOSPC, 1), (errno.EACCES, 2)])
def test_a_disk_that_gives_up_leaves_nothing_behind(
    at: int,
    code: int,
    status: int,
    actsearch: Command,
    runs_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count = iter(range(100))

    def fsync(_fd: int) -> None:
        if next(count) == at:
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr(folder.os, "fsync", fsync)
    answer = actsearch("export", "first", "1", "0", "--to", "json,latex", "--out", "a/b")
    assert (answer.code, answer.out) == (status, "")
    assert len(answer.err.splitlines()) == 1
    assert "nothing was written" in answer.err
    assert "resume" not in answer.err
    assert names(".") == ["runs"]


def test_a_folder_that_is_a_file_is_bad_input(actsearch: Command, runs_dir: Path) -> None:
    Path("taken").write_text("", encoding="utf-8")
    for out in ("taken", "taken/below"):
        answer = actsearch("export", "first", "--to", "json", "--out", out)
        assert answer.code == 2
        assert "--out" in answer.err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("first", "--package", "json"), "--package 'json'"),
        (("first", "--package", "2nd"), "--package '2nd'"),
        (("first", "--package", "acts", "--to", "json"), "a package needs Python modules"),
        (("first", "--to", "torch,jsn"), "did you mean 'json'"),
        (("first", "--to", ","), "with commas between"),
        (("first", "--name", "sympy"), "hide"),
        (("first", "--name", "print"), "means something else"),
        (("--formula", LAYERED), "--name"),
        (("--formula", "gelu", "--top", "2"), "goes with a RUN"),
    ],
)
def test_bad_input_writes_nothing(
    arguments: tuple[str, ...], hint: str, actsearch: Command, runs_dir: Path
) -> None:
    answer = actsearch("export", *arguments, "--out", "a")
    assert (answer.code, answer.out) == (2, "")
    assert hint in answer.err
    assert names(".") == ["runs"]


def test_the_targets_are_listed(actsearch: Command) -> None:
    answer = actsearch("export", "--to", "help")
    assert answer.code == 0
    for target in TARGETS.values():
        assert f"{target.name} " in answer.out
        assert target.what in answer.out
    assert set(TARGETS) <= set(TARGET_NAMES)
    shown = " ".join(actsearch("export", "--help").out.split())
    assert all(name in shown for name in TARGET_NAMES)


def test_every_target_says_how_to_test_its_files() -> None:
    for target in TARGETS.values():
        assert target.test.format(file="FILE", folder="FOLDER", name="NAME").split()


def test_a_run_called_test_gives_names_that_no_test_runner_collects(
    actsearch: Command, runs_dir: Path
) -> None:
    shutil.copytree(runs_dir / "first", runs_dir / "test")
    assert actsearch("export", "test", "2", "--to", "json").code == 0
    assert Path("run_test_2.json").exists()


def test_the_name_of_a_run_is_text_and_nothing_else(actsearch: Command, runs_dir: Path) -> None:
    """A run may come from anyone; what its store says must not become code."""
    with by_hand(runs_dir / "first") as db:
        (text,) = db.execute("SELECT value FROM meta WHERE key = 'config'").fetchone()
        config: dict[str, Any] = json.loads(text)
        hostile = '"""\nraise SystemExit("ran")\n"""\\'
        config["space"] = config["score_name"] = hostile
        db.execute("UPDATE meta SET value = ? WHERE key = 'config'", (json.dumps(config),))
    answer = actsearch("export", "first", "2", "--to", "torch,json", "--package", "acts")
    assert answer.code == 0, answer.err
    for path in Path("acts").rglob("*.py"):
        compile(path.read_text(encoding="utf-8"), str(path), "exec")
        if path.parent.name != "tests":
            assert '\nraise SystemExit("ran")' not in path.read_text(encoding="utf-8")


def test_from_python_as_well(tmp_path: Path) -> None:
    from actsearch.export import write
    from actsearch.expressions import parse

    (path,) = write(tmp_path, Activation(parse("x*sin(x)"), "ripple"), ["json"])
    assert json.loads(path.read_text(encoding="utf-8"))["name"] == "ripple"

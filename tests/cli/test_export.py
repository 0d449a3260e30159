"""`actsearch export`: which files it writes, and what it refuses."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

import actsearch.export
from actsearch.cli import files
from actsearch.errors import BadInput
from tests.cli.conftest import Command


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, dict[str, Any]]]:
    """Put an exporter in place that notes its calls and writes a comment."""
    calls: list[tuple[str, str, dict[str, Any]]] = []

    def export(activation: Any, targets: Any) -> dict[str, str]:
        name = activation.name
        calls.append((str(activation.expression), name, dict(activation.provenance)))
        return {f"{name}.py": f"# {name}: {activation.expression}\n"}

    monkeypatch.setattr(actsearch.export, "export", export)
    return calls


def test_the_best_of_a_run_with_where_it_comes_from(
    actsearch: Command, exported: list[Any], runs_dir: Path
) -> None:
    answer = actsearch("export", "first")
    assert answer.code == 0, answer.err
    ((formula, name, provenance),) = exported
    assert (formula, name) == ("x*sin(x)", "first_2")
    assert provenance["run"] == "first"
    assert provenance["birth"] == 2
    assert provenance["task"] == "mnist1d-cnn"
    assert provenance["score"] == pytest.approx(0.677)
    assert Path("first_2.py").read_text(encoding="utf-8") == "# first_2: x*sin(x)\n"
    assert "python first_2.py" in answer.out


def test_several_by_id_and_by_rank(actsearch: Command, exported: list[Any], runs_dir: Path) -> None:
    assert actsearch("export", "first", "1", "0", "--out", "a/b").code == 0
    assert sorted(p.name for p in Path("a/b").iterdir()) == ["first_0.py", "first_1.py"]
    assert actsearch("export", "first", "--top", "2", "--out", "c").code == 0
    assert sorted(p.name for p in Path("c").iterdir()) == ["first_1.py", "first_2.py"]


def test_a_formula_and_a_known_name(
    actsearch: Command, exported: list[Any], runs_dir: Path
) -> None:
    assert actsearch("export", "--formula", "x*cos(x)/2", "--name", "ripple").code == 0
    assert actsearch("export", "--formula", "gelu").code == 0
    assert [name for _, name, _ in exported] == ["ripple", "gelu_activation"]


def test_nothing_is_overwritten_unless_forced(
    actsearch: Command, exported: list[Any], runs_dir: Path
) -> None:
    Path("first_0.py").write_text("mine", encoding="utf-8")
    answer = actsearch("export", "first", "1", "0")
    assert answer.code == 2
    assert "first_0.py exists already; nothing was written" in answer.err
    assert Path("first_0.py").read_text(encoding="utf-8") == "mine"
    assert not Path("first_1.py").exists()
    assert actsearch("export", "first", "1", "0", "--force").code == 0
    assert Path("first_0.py").read_text(encoding="utf-8") == "# first_0: relu(x)\n"


def test_a_folder_that_is_a_file_is_bad_input(
    actsearch: Command, exported: list[Any], runs_dir: Path
) -> None:
    Path("taken").write_text("", encoding="utf-8")
    answer = actsearch("export", "first", "--out", "taken")
    assert answer.code == 2
    assert "--out" in answer.err


def test_a_failed_write_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "f.py"
    target.write_text("old", encoding="utf-8")

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_all({target: "new"}, force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["f.py"]
    assert target.read_text(encoding="utf-8") == "old"


def test_files_have_the_mode_that_the_user_set(tmp_path: Path) -> None:
    files.write_all({tmp_path / "f.py": "x"}, force=False)
    (tmp_path / "plain").touch()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 1


@pytest.mark.parametrize("name", ["f", "_f2", "my_activation", "F"])
def test_names_that_are_fine(name: str) -> None:
    assert files.checked_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "2f", "a-b", "a b", "a.b", "../f", "für", "class", "match", "torch", "math", "f" * 61],
)
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(BadInput, match=r"--name .*accepted"):
        files.checked_name(name)

"""Names of files and packages: what hides a module is turned away, and nothing is imported."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from actsearch.errors import BadInput
from actsearch.export import checked_name


@pytest.mark.parametrize("name", ["f", "_f2", "my_activation", "F", "relu", "swish"])
def test_names_that_are_fine(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "2f", "a-b", "a b", "a.b", "../f", "für", "class", "match", "f" * 61),
        *"torch math Torch transformers pytest sympy deap __main__ antigravity".split(),
    ],
)
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(BadInput, match=r"--name .*accepted"):
        checked_name(name)
    with pytest.raises(BadInput, match=r"--package .*accepted"):
        checked_name(name, "--package")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of installed modules; those in it fail when they are imported."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return folder


@pytest.mark.parametrize("file", ["sluggish_act.py", "sluggish_act/__init__.py"])
def test_installed_modules_are_found_without_being_imported(site: Path, file: str) -> None:
    (site / file).parent.mkdir(exist_ok=True)
    (site / file).write_text("raise SystemExit('imported')")
    with pytest.raises(BadInput, match="would hide the module 'sluggish_act'"):
        checked_name("sluggish_act")
    assert "sluggish_act" not in sys.modules


def test_an_earlier_export_that_was_installed_hides_nothing(site: Path) -> None:
    (site / "early_acts").mkdir()
    (site / "early_acts" / "__init__.py").write_text('"""Functions exported by actsearch."""')
    assert checked_name("early_acts") == "early_acts"


def test_what_lies_in_the_folder_itself_hides_nothing(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site / "mine_alone.py").write_text("")
    with pytest.raises(BadInput, match="mine_alone"):
        checked_name("mine_alone")
    assert checked_name("mine_alone", beside=site) == "mine_alone"
    monkeypatch.chdir(site)
    assert checked_name("mine_alone") == "mine_alone"

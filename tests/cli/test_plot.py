"""`actsearch plot`: which files it writes, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.conftest import Command


def test_all_pictures_that_can_be_drawn(actsearch: Command, runs_dir: Path) -> None:
    answer = actsearch("plot", "first", "--out", "pictures")
    assert answer.code == 0
    names = ["functions", "progress", "front", "curves", "lineage", "map", "operators"]
    assert answer.out.split() == [str(Path("pictures", f"first-{name}.svg")) for name in names]
    assert answer.err == (
        "actsearch: 'comparison' is left out: no confirmation has had a first look at its "
        "trainings yet (actsearch confirm)\n"
    )
    for path in answer.out.split():
        assert ElementTree.parse(path).getroot().tag.endswith("}svg")


@pytest.mark.parametrize(("form", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_formats(form: str, magic: bytes, actsearch: Command, runs_dir: Path) -> None:
    answer = actsearch("plot", "first", "curves", "--format", form)
    assert (answer.code, answer.out, answer.err) == (0, f"first-curves.{form}\n", "")
    assert Path(f"first-curves.{form}").read_bytes().startswith(magic)


def test_files_are_not_replaced_unasked(actsearch: Command, runs_dir: Path) -> None:
    file = Path("first-curves.svg")
    file.write_text("mine")
    answer = actsearch("plot", "first", "curves", "operators")
    assert answer.code == 2
    assert "first-curves.svg exists already" in answer.err
    assert file.read_text() == "mine"
    assert not Path("first-operators.svg").exists()
    assert actsearch("plot", "first", "curves", "--force").code == 0
    assert file.read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["first", "pareto"], "unknown picture 'pareto'"),
        (["first", "curvs"], "did you mean 'curves'?"),
        (["first", "--format", "gif"], "unknown format 'gif'"),
        (["first", "comparison"], "'comparison' can't be drawn of 'first': no confirmation"),
        (["frist"], "unknown run 'frist'; did you mean 'first'?"),
    ],
)
def test_bad_input(arguments: list[str], said: str, actsearch: Command, runs_dir: Path) -> None:
    answer = actsearch("plot", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert not list(Path().glob("*.svg"))

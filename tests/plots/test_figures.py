"""Every picture of every kind of run: it is drawn or says why not, always the same, and safely."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from actsearch.plots.figures import RUN_FIGURES
from actsearch.plots.style import INK, drawing, file_bytes, plain_ticks, svg_text
from actsearch.trials.account import Account
from tests.plots.conftest import KINDS

Accounts = Callable[[str], Account]

BY_NAME = {one.name: one for one in RUN_FIGURES}
#: What a picture has nothing to draw from, beside a run without births.
EMPTY = {
    "functions": {"no scores"},
    "progress": {"no scores"},
    "front": {"no scores"},
    "curves": {"no scores", "one birth"},
    "comparison": KINDS.keys() - {"usual", "hostile"},
    "lineage": {"no scores"},
    "map": {"no scores", "one birth"},
    "operators": {"one birth"},
}


#: Kinds that differ in their formulas alone, and the pictures that look at formulas.
FORMULAS = {"layered", "further inputs", "parameters", "poles"}
READING = {"functions", "front", "map", "operators"}
EACH = [
    pytest.param(
        name, kind, marks=pytest.mark.nightly if kind in FORMULAS and name not in READING else ()
    )
    for name in BY_NAME
    for kind in KINDS
]


@pytest.mark.parametrize(("name", "kind"), EACH)
def test_each_picture_of_each_kind_of_run(name: str, kind: str, accounts: Accounts) -> None:
    figure = BY_NAME[name].draw(accounts(kind))
    if kind == "empty" or kind in EMPTY[name]:
        assert figure is None
        assert BY_NAME[name].lacks
        return
    assert figure is not None
    svg = svg_text(figure, "a")
    root = ElementTree.fromstring(svg)
    assert not {"script", "style", "a", "foreignObject"} & {
        e.tag.split("}")[1] for e in root.iter()
    }
    assert not any(n == "style" or n.startswith("on") for e in root.iter() for n in e.attrib)
    assert "nan" not in svg.lower().replace("finan", "")
    # What is referred to is here, or in the data that stands in its place.
    ids = {e.attrib["id"] for e in root.iter() if "id" in e.attrib}
    for reference in re.findall(r'(?:url\(|href=")(#?[^)"]{1,30})', svg):
        assert reference.removeprefix("#") in ids or reference.startswith("data:image/png;base64,")


@pytest.mark.parametrize("name", BY_NAME)
def test_the_same_run_gives_the_same_bytes(name: str, accounts: Accounts) -> None:
    files = []
    for _ in range(2):
        figure = BY_NAME[name].draw(accounts("usual"))
        assert figure is not None
        files.append(file_bytes(figure, ".svg"))
    assert files[0] == files[1]


@pytest.mark.parametrize("ending", [".png", ".pdf"])
def test_other_formats_are_the_same_bytes_too(ending: str, accounts: Accounts) -> None:
    figure = BY_NAME["curves"].draw(accounts("usual"))
    assert figure is not None
    assert file_bytes(figure, ending) == file_bytes(figure, ending)


@pytest.mark.parametrize("name", BY_NAME)
def test_pictures_stand_in_a_page_together(name: str, accounts: Accounts) -> None:
    figure = BY_NAME[name].draw(accounts("usual"))
    assert figure is not None
    one, other = svg_text(figure, "one", 'a "label" <b>'), svg_text(figure, "other")
    assert not set(re.findall(r' id="([^"]+)"', one)) & set(re.findall(r' id="([^"]+)"', other))
    assert one.startswith("<svg")
    assert ElementTree.fromstring(one).attrib["aria-label"] == 'a "label" <b>'
    assert INK not in one
    assert "currentColor" in one
    assert "#ffffff" not in one, "no background"


@pytest.mark.parametrize("top", [3.0, 3000.0])
@pytest.mark.parametrize("scale", ["log", "symlog"])
def test_logarithmic_axes_have_plain_numbers(scale: str, top: float) -> None:
    from matplotlib.figure import Figure

    with drawing():
        figure = Figure()
        axes = figure.subplots()
        axes.set_yscale(scale)
        plain_ticks(axes.yaxis)
        axes.set_ylim(0.9, top)
        svg = svg_text(figure, "a")
    texts = [e.text or "" for e in ElementTree.fromstring(svg).iter() if e.tag.endswith("text")]
    numbers = [float(text) for text in texts]
    assert sum(0.9 <= number <= top for number in numbers) >= 2


def test_pyplot_and_its_state_stay_out() -> None:
    code = (
        "import sys; from actsearch.plots.figures import RUN_FIGURES; "
        "from pathlib import Path; from actsearch.trials.account import read_account; "
        "assert 'matplotlib' not in sys.modules; "
        "from tests.plots.conftest import usual; import tempfile; "
        "account = usual(Path(tempfile.mkdtemp()) / 'first'); "
        "assert all(one.draw(account) is not None for one in RUN_FIGURES); "
        "assert 'matplotlib.pyplot' not in sys.modules; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])

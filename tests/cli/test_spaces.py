"""`spaces`: what ships, what is in one, whether one's own is fine; and what a search says of it."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from pathlib import Path

import pytest

from actsearch.expressions import parse
from actsearch.search.space import load_space, space_files
from actsearch.search.space.idle import idle_settings
from actsearch.search.walk import begins_as_walk
from tests.cli.conftest import Command

TASK = Path(__file__).resolve().parents[2] / "examples" / "my_task.py"

SIX = """
description = "six functions"
unary = ["relu", "tanh", "x"]
seeds = ["GELU"]
[shape]
template = "b(u(x), x)"
"""
EVEN = """
unary = ["tanh", "sin", "sigmoid"]
seeds = ["ReLU", "tanh"]
[[conditions]]
is = "even"
[[conditions]]
is = "sparse"
at_least = 0.9
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copy(TASK, tmp_path / "mine.py")
    return tmp_path


def write(name: str, text: str) -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def test_all_that_ships_is_listed(actsearch: Command, golden: object) -> None:
    answer = actsearch("spaces")
    assert (answer.code, answer.err) == (0, "")
    folder = str(space_files()["default"].parent)
    # The rule below the header is as long as the folder's name makes it.
    shown = re.sub("─+", "─", answer.out.replace(folder, "FOLDER"))
    golden.check("spaces.txt", shown)  # type: ignore[attr-defined]
    rows = json.loads(actsearch("spaces", "--format", "json").out)
    assert {row["space"]: row["expressions"] for row in rows}.items() >= {
        ("actbench", 5103),
        ("aquasurf", 1_023_516),
        ("default", None),
    }
    listed = list(csv.DictReader(io.StringIO(actsearch("spaces", "--format", "csv").out)))
    assert [row["space"] for row in listed] == sorted(space_files())


@pytest.mark.parametrize("name", ["actbench", "bounded", "gated", "pangaea"])
def test_a_space_looks_as_approved(name: str, actsearch: Command, golden: object) -> None:
    answer = actsearch("spaces", "show", name, "--samples", "3")
    assert (answer.code, answer.err) == (0, "")
    golden.check(f"spaces_show_{name}.txt", answer.out)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", sorted(space_files()))
def test_every_space_can_be_shown_in_full(name: str, actsearch: Command) -> None:
    answer = actsearch("spaces", "show", name, "--samples", "2")
    space = load_space(name)
    assert answer.code == 0
    for text in (*space.unary, *space.binary, *space.ternary, *space.seeds):
        assert text in answer.out
    shown = actsearch("spaces", "show", name, "--toml").out
    assert shown == space_files()[name].read_text(encoding="utf-8")


def test_what_is_shown_can_be_read_by_machines(actsearch: Command) -> None:
    words = ("spaces", "show", "gated", "--samples", "7", "--seed", "4")
    record = json.loads(actsearch(*words, "--format", "json").out)
    assert record["inputs"] == ["x", "u"]
    assert record["shape"]["max_nodes"] == 14
    assert record["screening"]["offspring"] == 10  # what is as by default is told as well
    rows = list(csv.DictReader(io.StringIO(actsearch(*words, "--format", "csv").out)))
    assert [row["formula"] for row in rows] == [row["formula"] for row in record["samples"]]
    assert len({row["formula"] for row in rows}) == 7
    for row in rows:
        assert set(parse(row["formula"]).inputs) <= {"x", "u"}
    other = actsearch(*words[:-1], "5", "--format", "csv").out
    assert other != actsearch(*words, "--format", "csv").out
    assert actsearch(*words, "--format", "csv").out == actsearch(*words, "--format", "csv").out


@pytest.mark.parametrize(
    ("ending", "begins"), [("png", b"\x89PNG\r\n\x1a\n"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_samples_are_drawn(ending: str, begins: bytes, actsearch: Command) -> None:
    answer = actsearch("spaces", "show", "overlap", "--samples", "4", "--plot", f"a.{ending}")
    assert answer.code == 0
    assert answer.err == f"drawn: a.{ending}\n"
    assert Path(f"a.{ending}").read_bytes().startswith(begins)


def test_a_file_that_is_fine(actsearch: Command) -> None:
    path = write("six.toml", SIX.replace("[shape]", 'binary = ["add", "max"]\n[shape]'))
    answer = actsearch("spaces", "check", path)
    assert (answer.code, answer.err) == (0, "")
    head, size, passed, *reasons = answer.out.splitlines()
    assert head == "six.toml: fine (six functions)"
    assert size == "expressions: 6; seeds: 1"
    n_passed = int(passed.split()[4])
    assert passed == f"of 200 random births {n_passed} pass the checks before training"
    counts = {reason.split(maxsplit=1)[1]: int(reason.split()[0]) for reason in reasons}
    assert set(counts) == {"affine"}  # x + x and max(x, x)
    assert n_passed + counts["affine"] == 200
    assert n_passed > 100


def test_a_finite_space_of_nothing_is_refused(actsearch: Command) -> None:
    shape = '[shape]\ntemplate = "b(u(x), u(x))"\nenumerate = true'
    text = f'unary = ["p0*x + p1"]\nbinary = ["add"]\n[parameters]\nmax = 1\n{shape}'
    answer = actsearch("spaces", "check", write("none.toml", text))
    assert answer.code == 2
    assert "no random formula of search space 'none' keeps to its limits" in answer.err


def test_no_control_character_of_a_file_reaches_the_terminal(actsearch: Command) -> None:
    text = 'description = "a\\n\\u001b[31mred"\n' + SIX.replace('description = "six functions"', "")
    text = text.replace("[shape]", 'binary = ["add", "max"]\n[shape]')
    answer = actsearch("spaces", "check", write("red.toml", text))
    assert answer.out.startswith("red.toml: fine (a \\x1b[31mred)\n")


def test_the_file_itself_goes_with_no_picture(actsearch: Command) -> None:
    answer = actsearch("spaces", "show", "swish", "--toml", "--plot", "a.png")
    assert answer.code == 2
    assert "leave out --plot and --format" in answer.err
    assert not Path("a.png").exists()


def test_seeds_that_will_not_be_trained_are_told(actsearch: Command) -> None:
    text = 'unary = ["tanh"]\nseeds = ["tanh", "ReLU"]\n[[conditions]]\nis = "bounded"\nhigh = 1'
    answer = actsearch("spaces", "check", write("a.toml", text))
    assert answer.code == 0
    assert answer.err == (
        "seed relu(x) will not be trained: not bounded above by 1: 1e+08 at x = 1e+08\n"
    )


IDLE = """\
inputs = ["x", "u"]
unary = ["tanh", "relu"]
binary = ["add"]
ternary = ["max(a, max(b, c))"]
seeds = ["ReLU", "max(x, u)", "tanh(tanh(x) + relu(x))"]
[constants]
share = 0.5
[parameters]
starts = [2.0]
[shape]
template = "u(b(u(core), u(core)))"
repeats = [1, 5]
max_nodes = 9
[evolution]
objectives = ["score", "cost"]
[evolution.operators]
insert = 0.3
open = 0.0
free = 0.2
"""


def test_settings_that_do_nothing_are_told(actsearch: Command) -> None:
    answer = actsearch("spaces", "check", write("idle.toml", IDLE))
    assert answer.code == 0
    template = "(it is for free trees, and the space has a template)"
    assert answer.err.splitlines() == [
        "no effect: ternary (no template has a place for it)",
        f"no effect: shape.max_nodes {template}",
        f"no effect: constants.share {template}",
        f"no effect: evolution.operators.insert {template}",
        "no effect: parameters.starts (parameters.max is 0, and no primitive has any)",
        "no effect: evolution.operators.free (parameters.max is 0)",
        'no effect: evolution.objectives (selection is not "nsga2")',
        (
            "2 of 3 seeds have not the form of the space; they are trained and have no offspring: "
            "relu(x), max(x, u)"
        ),
    ]


def test_a_space_that_is_walked_through_has_no_use_for_breeding(actsearch: Command) -> None:
    breeding = "[evolution]\npopulation = 9\n[screening]\noffspring = 3\n"
    binary = 'binary = ["add", "max"]\ninputs = ["x", "u"]\n[shape]'
    text = SIX.replace("[shape]", binary) + breeding
    answer = actsearch("spaces", "check", write("six.toml", text))
    assert answer.err.splitlines() == [
        "no effect: the input u (no template has a place for it)",
        "no effect: evolution.population (the space is walked through, not bred in)",
        "no effect: screening.offspring (the space is walked through, not bred in)",
    ]


@pytest.mark.parametrize("name", sorted(space_files()))
def test_what_ships_says_nothing_idle(name: str) -> None:
    space = load_space(name)
    assert idle_settings(space, is_walked=begins_as_walk(space)) == []


def test_a_space_in_which_nothing_passes_is_told(actsearch: Command) -> None:
    answer = actsearch("spaces", "check", write("even.toml", EVEN))
    assert answer.code == 0
    assert answer.out.startswith("even.toml: none of 200 random births would be trained (")
    assert "of 200 random births 0 pass the checks" in answer.out
    assert "not even\n" in answer.out
    *seeds, last = answer.err.splitlines()
    assert [line.split(":")[0] for line in seeds] == [
        "seed relu(x) will not be trained",
        "seed tanh(x) will not be trained",
    ]
    assert last.startswith("a search would see its seeds and perhaps little else")
    assert "loosen what turns most away" in last


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("unary = []", "no primitives: give at least one in 'unary', 'binary' or 'ternary'"),
        ('unary = ["tanh"]\ninputs = []', "x, the pre-activation, is missing"),
        (
            'unary = ["tanh"]\n[constants]\nvalues = []\nscale = 0',
            "no values, and scale = 0: there is no constant to draw",
        ),
        (
            'unary = ["tanh"]\n[shape]\ntemplate = "b(u(x), u(x))"',
            "template b(u(x), u(x)) can't be filled: there is no binary primitive; give some in",
        ),
        (
            'unary = ["tanh"]\n[[conditions]]\nis = "odd"\n[[conditions]]\nis = "positive"',
            "'odd' and 'positive' contradict: an odd function is 0 at 0 and has both signs",
        ),
        ('unary = ["tanh"]\nweights = {tanh = 0}', "all primitives have the weight 0"),
    ],
)
@pytest.mark.parametrize("command", ["spaces check", "search"])
def test_what_can_not_be_searched_is_refused(
    command: str, text: str, said: str, actsearch: Command
) -> None:
    answer = actsearch(*command.split(), write("bad.toml", text))
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("actsearch: error: space file 'bad.toml' has 1 error:\n  ")
    assert said in answer.err
    assert not Path("runs").exists()


SEARCH = ("--task", "mine.py:make_task", "--workers", "inline", "--quiet", "--run", "r")


def test_a_search_in_which_nothing_passes_ends_and_says_what_helps(
    actsearch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actsearch.search.engine.EXHAUSTED_AFTER", 200)
    answer = actsearch("search", write("even.toml", EVEN), *SEARCH, "--budget", "1m")
    assert (answer.code, answer.err) == (0, "")
    (ended,) = [line for line in answer.out.splitlines() if line.startswith("ended: ")]
    assert "nothing passes: none of the last 200 births was worth training: " in ended
    assert "% not even; " in ended
    assert "Loosen what rejects most, or give seeds and primitives that meet it" in ended
    assert "not confirmed: no formula that is new has a score" in answer.out
    assert answer.out.removesuffix("\nreport: runs/r/report.html\n").endswith(
        "next:\n"
        "  actsearch inspect r --rejected                              # what was turned away, "
        "and why\n"
        "  actsearch resume r --workers inline --seed-formula FORMULA  # go on from one that "
        "passes\n"
    )
    assert "not even: " in actsearch("inspect", "r", "--rejected").out
    refused = actsearch("confirm", "r")
    assert refused.code == 2
    assert "its search is over: nothing passes" in refused.err
    assert "search on" not in refused.err


def test_a_space_smaller_than_the_budget_is_seen_once_and_that_is_said(actsearch: Command) -> None:
    path = write("six.toml", SIX.replace("[shape]", 'binary = ["add", "max"]\n[shape]'))
    limits = ("--births", "500", "--confirm", "none")
    answer = actsearch("search", path, *SEARCH, *limits)
    assert (answer.code, answer.err) == (0, "")
    ended = (
        "ended: the space is walked through: all of its 6 expressions were seen once; with the "
        "seeds 5 different functions were worth training\n"
    )
    assert ended in answer.out
    assert "\n7 births: " in answer.out
    task = Path("mine.py").resolve()
    (on,) = [line for line in answer.out.splitlines() if "--seed-run" in line]
    assert on.split("  #")[0].strip() == (
        f"actsearch search default --task {task}:make_task --seed-run r --workers inline "
        "--confirm none"
    )
    assert "actsearch resume" not in answer.out
    again = actsearch("resume", "r", "--births", "900", "--quiet", "--confirm", "none")
    assert ended in again.out
    assert "\n7 births: " in again.out
    assert "actsearch resume" not in actsearch("inspect", "r").out


def test_a_limit_of_births_that_few_pass_is_not_blamed_on_time(actsearch: Command) -> None:
    answer = actsearch("search", write("even.toml", EVEN), *SEARCH, "--births", "100")
    assert (answer.code, answer.err) == (0, "")
    (ended,) = [line for line in answer.out.splitlines() if line.startswith("ended: ")]
    assert "bred together, as hardly any passes: of the last 100 births, " in ended
    assert "% not even; " in ended
    assert "not confirmed: no formula that is new has a score" in answer.out
    assert answer.out.removesuffix("\nreport: runs/r/report.html\n").endswith(
        "next:\n"
        "  actsearch resume r --births 3100 --workers inline  # search on, with more births\n"
        "  actsearch spaces check FILE                        # what the space turns away, "
        "and why\n"
    )
    refused = actsearch("confirm", "r")
    assert refused.code == 2
    assert "its search ended: the limit of 100 births leaves room for 98" in refused.err
    assert "--budget 10m" not in refused.err


def test_a_walk_in_which_nothing_passes_is_no_start_for_another_search(actsearch: Command) -> None:
    text = EVEN.replace("[[conditions]]", '[shape]\ntemplate = "u(u(x))"\n[[conditions]]', 1)
    answer = actsearch("search", write("even.toml", text), *SEARCH, "--births", "100")
    assert (answer.code, answer.err) == (0, "")
    assert "of 11 births was worth training: 100.0 % not even. Loosen" in answer.out
    assert answer.out.removesuffix("\nreport: runs/r/report.html\n").endswith(
        "next:\n  actsearch inspect r --rejected  # what was turned away, and why\n"
    )

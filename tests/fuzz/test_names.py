"""What is typed beside formulas: names of runs, durations, RUN:ID references and tasks. Any text is
accepted and keeps to what it promises, or is refused with one short message.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actsearch.durations import format_duration, parse_duration
from actsearch.errors import BadInput
from actsearch.runs.folder import check_name, default_name, run_folder
from actsearch.search.space import load_space
from actsearch.tasks.registry import TASKS, absolute_spec, load_task, task_specs
from actsearch.trials.saved import contestants, formula_in_run
from tests.fuzz import texts

#: Paths are shown whole, and may have 4,096 characters.
_MAX_MESSAGE = 6000
_PATHS = ("..", "/", "./", "~", "~nobody-of-this-name/", "a" * 300, "a/" * 3000, "\0", "C:\\", "//")


def near(*real: str) -> st.SearchStrategy[str]:
    """Return texts next to real ones, with pieces of paths among them."""
    paths = st.lists(st.sampled_from([*_PATHS, *real, ":", ",", "@", "1"]), max_size=6)
    return st.one_of(texts.broken(st.sampled_from(real)), paths.map("".join), st.text())


def taken(read: Callable[[], Any]) -> Any:
    """Return what is read, None where it is refused in a message that a person can read."""
    try:
        found = read()
    except BadInput as error:
        found, message = None, str(error)
    else:
        message = ""
    assert len(message) < _MAX_MESSAGE
    return found


@given(near("2026-03-01-mnist1d-cnn-1", "first", "..", "-x", ".hidden"))
def test_the_name_of_a_run_stays_below_its_root(name: str) -> None:
    if taken(lambda: check_name(name)) is not None:
        assert run_folder(name, Path("/root-of-runs")).parent == Path("/root-of-runs")
        assert name not in (".", "..")
        assert len(name.encode()) <= 80


@given(near("mnist1d-cnn", "path/to/my_task.py:make_task", "mnist-cnn,mnist1d-mlp", ".py"))
def test_any_task_gives_a_name_that_a_run_may_have(task: str) -> None:
    name = default_name(task, Path("/root-of-runs"))
    assert check_name(name) == name


@given(near("90s", "5m", "1h30m", "1.5h", "2d", "0.5s"))
def test_a_duration_is_above_zero_and_can_be_written(text: str) -> None:
    duration_s = taken(lambda: parse_duration(text))
    if duration_s is not None:
        assert 0 < duration_s < 1e15
        assert format_duration(duration_s)


@given(near("first:12", "runs/first:0", "gelu", "SwiGLU", "input: relu(x) | last: tanh(x)"))
@example("~nobody-of-this-name/first:1")
@example("first/run:" + "9" * 5000)
@example("a/" * 3000 + "run:1")
@example("\0/run:1")
def test_a_reference_to_a_birth_of_no_run_is_refused(tmp_path_factory: Any, text: str) -> None:
    root = tmp_path_factory.getbasetemp() / "no-runs"
    with pytest.raises(BadInput) as refused:
        formula_in_run(text, root)
    assert len(str(refused.value)) < _MAX_MESSAGE
    found = taken(lambda: contestants([text, "x*sigmoid(2*x)"], root))
    assert found is None or len(found) == 2


@given(near(*TASKS, "mnist1d-cnn@loss", "mnist-cnn,mnist1d-mlp@accuracy", "no/such.py:make"))
@example("~nobody-of-this-name/tasks.py:make_task")
@example("a/" * 3000 + "tasks.py:make_task")
@example("\0.py:make_task")
@example("no/such.py:" + "a/" * 3000)
@example("no/such.py:" + "a/" * 3000 + "@loss")
@example("mnist1d-cnn@" + "a/" * 3000)
@example("mnist1d-cnn@loss" + "@loss" * 2000)
def test_any_task_is_loaded_or_refused(text: str) -> None:
    specs = taken(lambda: task_specs(text))
    taken(lambda: absolute_spec(text))
    if specs is not None and len(specs) == 1:
        task = taken(lambda: load_task(text))
        assert task is None or task.name


@given(near("default", "swish", "my/space.toml", "mine.toml"))
@example("\0.toml")
@example("\ud800.toml")
@example("a/" * 3000 + "mine.toml")
def test_the_name_of_a_space_is_found_or_refused(name: str) -> None:
    space = taken(lambda: load_space(name))
    assert space is None or space.unary or space.binary or space.ternary

"""Where to train: all who take it take the same, and what is said again is what was said."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable
from typing import Any

import pytest
import typer

import actsearch
from actsearch.cli import main
from actsearch.cli import where as options
from actsearch.cli.options import as_words
from actsearch.search import resume, search
from actsearch.workers import Cluster, Where


@pytest.mark.parametrize(
    "function",
    [search, resume, actsearch.confirm, actsearch.compare, actsearch.diagnose],
)
def test_what_trains_takes_it_under_the_same_names(function: Callable[..., Any]) -> None:
    parameters = inspect.signature(function).parameters
    for name, usual in Where().options().items():
        assert parameters[name].default == usual


@pytest.mark.parametrize("name", ["search", "resume", "confirm", "compare", "diagnose"])
def test_a_command_that_trains_has_the_options(name: str) -> None:
    command = typer.main.get_command(main.app).commands[name]  # type: ignore[attr-defined]
    names = [one.name for one in command.params]
    assert {*Where().options(), "cluster_wait", "cluster_tls"} < set(names)
    assert "where" not in names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("typed", "where"),
    [
        ("", Where()),
        ("--workers 2 --devices cpu", Where("2", "cpu")),
        (
            "--training-limit 5m --memory-limit 2GB --cluster tcp://here:1 --cluster-wait 12d12h",
            Where("auto", "auto", "5m", "2GB", Cluster("tcp://here:1", 300 * 3600.0)),
        ),
    ],
)
def test_what_is_said_again_is_what_was_said(typed: str, where: Where) -> None:
    seen: list[Where] = []

    @options.trains
    def command(*, where: Where) -> None:
        seen.append(where)

    app = typer.Typer()
    app.command()(command)
    typer.main.get_command(app).main(shlex.split(typed), standalone_mode=False)
    assert seen == [where]
    assert shlex.join(as_words(options.said_of(where))) == typed

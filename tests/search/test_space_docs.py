"""The page on search spaces says what the models say: all keys, their defaults, all that ships."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from actsearch.expressions.conditions import KINDS
from actsearch.search.given import check_readable
from actsearch.search.space import SearchSpace, load_space, space_files, space_from
from actsearch.search.space.conditions import MODELS
from actsearch.tasks.protocol import inputs_of
from actsearch.tasks.registry import TASKS, load_task

PAGE = Path(__file__).parents[2] / "docs" / "search-spaces.md"
TEXT = PAGE.read_text(encoding="utf-8")
#: Keys whose default is no value that could be written in a table.
_IN_WORDS = {"name": "the file's", "seeds": "the zoo", "operators": ""}
BLOCKS = re.findall(r"^```toml\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
SECTIONS = {
    part.partition("\n")[0].strip(" `"): part for part in re.split(r"^## ", TEXT, flags=re.M)[1:]
}


def rows(section: str) -> list[list[str]]:
    """Return the cells of a section's first table, without its head."""
    lines = [line for line in SECTIONS[section].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def tables(model: type[BaseModel], path: str = "") -> list[tuple[str, type[BaseModel]]]:
    """Return the tables of a space file, by the headings that they have in the page."""
    found = [(f"[{path}]" if path else "The file itself", model)]
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found += tables(field.annotation, f"{path}.{name}" if path else name)
    return found


def plain(value: Any) -> Any:
    """Return a value as TOML would give it."""
    return [plain(one) for one in value] if isinstance(value, tuple) else value


TABLES = tables(SearchSpace)
#: Of the file itself: what is described as a table of its own.
_ELSEWHERE = {heading.strip("[]") for heading, _ in TABLES} | {"conditions"}


def test_the_tables_of_a_file_are_found() -> None:
    headings = {heading for heading, _ in TABLES}
    assert {"The file itself", "[shape]", "[evolution]", "[evolution.operators]"} <= headings


@pytest.mark.parametrize(("heading", "model"), TABLES, ids=[heading for heading, _ in TABLES])
def test_a_table_names_all_keys_with_their_defaults(heading: str, model: type[BaseModel]) -> None:
    place = 1 if heading == "[evolution.operators]" else 2
    told = {quoted(row[0])[0]: row[place] for row in rows(heading)}
    there = {name for name in model.model_fields if name not in _ELSEWHERE or heading[0] == "["}
    assert set(told) == there
    for name, default in told.items():
        if name in _IN_WORDS:
            assert default == _IN_WORDS[name]
        else:
            (value,) = quoted(default)
            written = tomllib.loads(f"value = {value}")["value"]
            assert written == plain(model.model_fields[name].get_default(call_default_factory=True))


def test_the_tables_are_named_where_the_file_is_described() -> None:
    named = {name.strip("[]") for name in quoted(SECTIONS["The file itself"])}
    assert {name for name in SearchSpace.model_fields if name in _ELSEWHERE} <= named


def test_all_kinds_of_conditions_are_told_with_their_settings() -> None:
    told = {quoted(row[0])[0]: quoted(row[1]) for row in rows("[[conditions]]")}
    assert set(told) == set(MODELS) == set(KINDS)
    for kind, settings in told.items():
        fields = {k: v for k, v in MODELS[kind].model_fields.items() if k != "penalty"}
        assert [setting.partition(" = ")[0] for setting in settings] == list(fields)
        for setting in settings:
            name, equals, value = setting.partition(" = ")
            field = fields[name]
            default = None if field.is_required() else field.default
            assert (tomllib.loads(f"v = {value}")["v"] if equals else None) == default
    assert "penalty" in quoted(SECTIONS["[[conditions]]"])


def test_all_spaces_that_ship_are_in_the_table() -> None:
    listed = [quoted(row[0])[0] for row in rows("The spaces that ship")]
    assert sorted(listed) == sorted(space_files())


@pytest.mark.parametrize("row", rows("The spaces that ship"), ids=lambda row: row[0].strip("`"))
def test_a_command_of_the_table_may_begin(row: list[str]) -> None:
    (space,), (command,) = quoted(row[0]), quoted(row[3])
    words = command.removeprefix("actsearch search").split()
    assert (words[:1] or ["default"]) == [space]
    if "--task" in words:
        check_readable(load_space(space), [], load_task(words[words.index("--task") + 1]))


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_an_example_loads(block: str) -> None:
    space = space_from({"name": "example", **tomllib.loads(block)}, where="an example")
    assert space.name == "example"


def test_there_are_examples_of_the_tables() -> None:
    shown = set().union(*(tomllib.loads(block) for block in BLOCKS))
    assert {"shape", "parameters", "evolution", "conditions", "weights", "inputs"} <= shown


def test_what_tasks_give_is_told_of_all() -> None:
    told = {name: quoted(row[1]) for row in rows("Inputs") for name in quoted(row[0])}
    assert told == {name: list(inputs_of(load_task(name))) for name in TASKS}

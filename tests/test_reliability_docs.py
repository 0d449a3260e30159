"""docs/reliability.md: every promise names a module and tests, and there are such."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reliability.md"

#: Sections, in the order of the page.
SECTIONS = (
    "What is durable when",
    "Who may write",
    "What may change between start and resume",
    "Damage and repair",
    "Kills",
    "Workers that fail",
    "Order does not matter",
    "A cluster",
    "Hostile input",
    "Fuzzing",
    "The nightly run",
)


def promises() -> list[tuple[str, str, str]]:
    """Return the rows of all tables of promises: promise, module, tests."""
    found, inside = [], False
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells == ["promise", "module", "test"]:
            inside = True
        elif inside and not set(line) <= set("|-: "):
            assert len(cells) == 3, f"a promise, a module and its tests are wanted: {line}"
            found.append((cells[0], cells[1], cells[2]))
    return found


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def names_in(file: Path) -> set[str]:
    """Return the names of a file's tests, as pytest has them, without what they are given."""
    found = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found.add(node.name)
            found |= {
                f"{node.name}::{one.name}" for one in node.body if isinstance(one, ast.FunctionDef)
            }
        elif isinstance(node, ast.Assign):  # TestStore = Machine.TestCase
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


def test_the_page_has_its_sections() -> None:
    headings = re.findall(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), re.M)
    assert tuple(one for one in headings if one in SECTIONS) == SECTIONS


def test_every_promise_names_modules_that_exist() -> None:
    assert len(promises()) > 5
    for promise, modules, _ in promises():
        assert named(modules), f"no module: {promise}"
        for module in named(modules):
            assert (ROOT / module).exists(), f"there is no {module}: {promise}"


def test_every_promise_names_tests_that_exist() -> None:
    for promise, _, tests in promises():
        assert named(tests), f"no test: {promise}"
        for test in named(tests):
            file, _, node = test.partition("::")
            assert node, f"{test} is not FILE::TEST: {promise}"
            assert (ROOT / file).is_file(), f"there is no {file}: {promise}"
            name = node.partition("[")[0]
            assert name in names_in(ROOT / file), f"{file} has no {name}: {promise}"

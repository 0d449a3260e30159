"""The rooms and their arrows: who may import whom, and what stays behind which door."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "actsearch"

# Small leaves that every room may import.
LEAVES = {"cache", "errors", "durations", "paths"}

# room -> the rooms that it may import besides itself and the leaves
ARROWS: dict[str, set[str]] = {
    "cache": set(),
    "errors": set(),
    "durations": set(),
    "paths": set(),
    "expressions": set(),
    "kernels": {"expressions"},
    "tasks": {"kernels", "expressions"},
    "workers": {"tasks"},
    "runs": {"expressions"},
    "search": {"expressions", "tasks", "workers", "runs", "trials"},
    "results": {"runs", "tasks", "expressions"},
    "export": {"expressions"},
    "trials": {"expressions", "tasks", "workers", "runs", "results"},
    "plots": {"expressions", "runs", "results", "trials"},
    "report": {"expressions", "runs", "results", "trials", "plots"},
    "cli": {
        "expressions",
        "kernels",
        "tasks",
        "workers",
        "runs",
        "search",
        "results",
        "export",
        "trials",
        "plots",
        "report",
    },
}

# What the entry point needs before it can be interrupted.
ENTRY = ("__future__", "faulthandler", "signal", "sys", "typing")

# An expression is what people compile, so it may reach for the kernels, when asked and not before.
LAZY_EXCEPTIONS = {("expressions/expression.py", "kernels")}

# package -> where alone it may be imported
DOORS: dict[str, tuple[str, ...]] = {
    "deap": ("search/evolution", "search/trees/"),
    "dask": ("workers/cluster/",),
    "distributed": ("workers/cluster/",),
    "joblib": ("workers/",),
    "sqlite3": ("runs/",),
    "typer": ("cli/",),
    "rich": ("cli/", "results/"),
    "torch": ("kernels/", "tasks/", "workers/", "search/", "cli/", "expressions/expression.py"),
    "matplotlib": ("plots/",),
    "pandas": ("results/opened.py",),
    "mnist1d": ("tasks/",),
    "pooch": ("tasks/",),
    "tensorboard": ("cli/tensorboard.py",),
}

FILES = sorted(PACKAGE.rglob("*.py"))


def imports(file: Path) -> Iterator[tuple[str, bool]]:
    """Yield the modules that ``file`` imports, and whether a function does it.

    Imports for type checking alone are passed over: at run time there are none.
    """

    def visit(node: ast.AST, lazy: bool) -> Iterator[tuple[str, bool]]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for branch in node.orelse:
                yield from visit(branch, lazy)
            return
        if isinstance(node, ast.Import):
            yield from ((alias.name, lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno} imports relatively"
            # `from actsearch import kernels` imports the room, `from actsearch.runs import x` not x
            module = node.module or ""
            if module == "actsearch":
                yield from ((f"actsearch.{alias.name}", lazy) for alias in node.names)
            else:
                yield module, lazy
        inner = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inner)

    yield from visit(ast.parse(file.read_text(encoding="utf-8")), False)


def room_of(file: Path) -> str:
    """Return the room that ``file`` lies in; a module at the top is a room of its own."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def place(file: Path) -> str:
    """Return the path of ``file`` below the package, with forward slashes."""
    return file.relative_to(PACKAGE).as_posix()


def test_there_are_files_to_look_at() -> None:
    assert {room_of(file) for file in FILES} >= {"cli", "expressions", "errors"}


def test_every_room_is_known() -> None:
    assert {room_of(file) for file in FILES} - {"__init__", "__main__"} <= set(ARROWS)


@pytest.mark.parametrize("file", FILES, ids=place)
def test_arrows_point_one_way(file: Path) -> None:
    room = room_of(file)
    if room == "__main__":
        assert {name for name, lazy in imports(file) if not lazy} <= set(ENTRY)
        assert {name for name, lazy in imports(file) if lazy} == {"actsearch.cli.main"}
        return
    if room == "__init__":
        # The package itself imports its rooms only when they are asked for.
        at_once = {name for name, lazy in imports(file) if not lazy}
        assert {name for name in at_once if name.startswith("actsearch")} <= {"actsearch.errors"}
        return
    for name, lazy in imports(file):
        parts = name.split(".")
        if parts[0] != "actsearch" or len(parts) == 1 or parts[1] in {room, *LEAVES}:
            continue
        if lazy and (place(file), parts[1]) in LAZY_EXCEPTIONS:
            continue
        # `from actsearch import __version__` and the like are no rooms
        if parts[1] in ARROWS:
            assert parts[1] in ARROWS[room], f"{place(file)} imports {name}"


@pytest.mark.parametrize("file", FILES, ids=place)
def test_packages_stay_behind_their_doors(file: Path) -> None:
    for name, _ in imports(file):
        doors = DOORS.get(name.split(".")[0])
        if doors is not None:
            assert place(file).startswith(doors), f"{place(file)} imports {name}"


HEAVY = (
    "torch", "sympy", "numpy", "scipy", "deap", "joblib", "matplotlib", "pandas", "distributed",
)  # fmt: skip

CODE = """
import sys
{code}
print(*sorted(set({heavy!r}) & set(sys.modules)))
"""


@pytest.mark.parametrize(
    "code",
    [
        "import actsearch",
        "from actsearch.cli.main import run; run(['--help'])",
        "from actsearch.cli.main import run; run(['search', '--help'])",
        "from actsearch.cli.main import run; run(['--version'])",
        "from actsearch.cli.main import run; run(['serch'])",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(code=code, heavy=HEAVY)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == ""


def test_help_imports_no_rich() -> None:
    code = CODE.format(code="from actsearch.cli.main import run; run(['-h'])", heavy=("rich",))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.splitlines()[-1] == ""


@pytest.mark.parametrize("file", FILES, ids=place)
def test_a_file_says_what_it_owns_and_stays_readable(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), f"{place(file)} lacks its first lines"
    assert len(text.splitlines()) <= 400, f"{place(file)} is asking to be two"

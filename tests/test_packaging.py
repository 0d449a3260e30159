"""The wheel: what it holds, and that it runs without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.report.runs import NEW, WINS, make_run
from tests.wheels import build_wheel, install_wheel

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the tools of this environment, without fetching anything."""
    return build_wheel(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel alone into a folder of its own."""
    return install_wheel(wheel, tmp_path_factory.mktemp("site"))


def run_installed(
    installed: Path, where: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run the installed command line from the folder ``where``, with the checkout out of sight."""
    program = (
        "import sys, pathlib, actsearch;"
        f"assert pathlib.Path(actsearch.__file__).is_relative_to({str(installed)!r}), actsearch;"
        "from actsearch.cli.main import run;"
        "sys.exit(run(sys.argv[1:]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        cwd=where,
        env=environment,
        check=False,
    )


def test_the_wheel_holds_the_package_the_spaces_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"actsearch"}
    shipped = {file.name for file in (ROOT / "search_spaces").glob("*.toml")}
    assert shipped >= {"default.toml", "swish.toml"}
    in_wheel = {name for name in names if name.startswith("actsearch/_spaces/")}
    assert in_wheel == {f"actsearch/_spaces/{name}" for name in shipped}
    sources = {p.relative_to(ROOT).as_posix() for p in (ROOT / "actsearch").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == sources


def test_an_installed_wheel_finds_its_spaces_from_anywhere(installed: Path, tmp_path: Path) -> None:
    done = run_installed(installed, tmp_path, "spaces", "--format", "csv")
    assert done.returncode == 0, done.stderr
    listed = {line.split(",")[0] for line in done.stdout.splitlines()[1:]}
    assert listed >= {"default", "swish"}


def test_an_installed_wheel_writes_reports(installed: Path, tmp_path: Path) -> None:
    make_run(tmp_path / "runs" / "made", finalists=(NEW,), trials=WINS)
    done = run_installed(installed, tmp_path, "report", "made")
    assert (done.returncode, done.stdout) == (0, "runs/made/report.html\n"), done.stderr
    page = (tmp_path / "runs" / "made" / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")


def test_an_installed_wheel_knows_its_version(installed: Path, tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    done = run_installed(installed, tmp_path, "--version")
    assert done.stdout == f"actsearch {project['version']}\n"


def test_the_console_script_is_the_command_line(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (entry,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
    assert "actsearch = actsearch.__main__:main" in archive.read(entry).decode()


def test_constraints_pin_every_direct_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.split("==")[0].lower() for line in lines if "==" in line}
    assert {text.split(">=")[0].lower() for text in wanted} <= pinned
    assert "torch==2.13.0" in lines

"""The drivers that the kills of one module share, and the library that ends them inside a call."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kills.campaign import ALONE, TASK, Campaign, command
from tests.kills.drivers import Drivers

BEGIN = ("search", "default", "--task", TASK, "--births", "90", "--confirm", "none")


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """Return the compiled ``shim.c``; None where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    library = tmp_path_factory.mktemp("shim") / "shim.so"
    source = Path(__file__).with_name("shim.c")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, source, "-ldl"],
        check=True,
    )
    return library


@pytest.fixture(scope="session")
def drivers(tmp_path_factory: pytest.TempPathFactory, shim: Path | None) -> Iterator[Drivers]:
    with Drivers(tmp_path_factory.mktemp("drivers"), shim) as made:
        yield made


@pytest.fixture(scope="session")
def reference(drivers: Drivers, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a whole run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("runs") / "reference"
    made = drivers.run(*command(folder, BEGIN, ()), *ALONE)
    made.check_nothing_is_left()
    return folder


@pytest.fixture
def campaign(drivers: Drivers, reference: Path, tmp_path: Path) -> Campaign:
    return Campaign(drivers, tmp_path / "killed", reference, BEGIN)

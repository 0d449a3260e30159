"""The drivers that the kills of one module share, and the library that ends them inside a call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kills.campaign import ALONE, TASK, Campaign, command
from tests.kills.drivers import Drivers
from tests.shim.library import compiled


def beginning(space: str = "default") -> tuple[str, ...]:
    """Return the command that makes a run in a space."""
    return ("search", space, "--task", TASK, "--births", "90", "--confirm", "none")


BEGIN = beginning()


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """Return what ends a driver inside a call; None where it can't be had."""
    return compiled(tmp_path_factory.mktemp("shim"))


@pytest.fixture(scope="session")
def drivers(tmp_path_factory: pytest.TempPathFactory, shim: Path | None) -> Iterator[Drivers]:
    with Drivers(tmp_path_factory.mktemp("drivers"), shim) as made:
        yield made


class References:
    """Whole runs that nothing interrupted, one a space, made when they are asked for."""

    def __init__(self, drivers: Drivers, root: Path) -> None:
        self._drivers, self._root = drivers, root

    def __call__(self, space: str = "default") -> Path:
        folder = self._root / (space if space != "default" else "reference")
        if not folder.exists():
            made = self._drivers.run(*command(folder, beginning(space), ()), *ALONE)
            made.check_nothing_is_left()
        return folder


@pytest.fixture(scope="session")
def references(drivers: Drivers, tmp_path_factory: pytest.TempPathFactory) -> References:
    return References(drivers, tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def reference(references: References) -> Path:
    """Return the whole run of the default space."""
    return references()


@pytest.fixture
def campaign(drivers: Drivers, reference: Path, tmp_path: Path) -> Campaign:
    return Campaign(drivers, tmp_path / "killed", reference, BEGIN)

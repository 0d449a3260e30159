"""Settings of all tests: nothing of the user's is read or written, and the fast ones come first."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A background job of a shell starts with Ctrl-C ignored, and so would every program that it starts;
# the tests that interrupt one need it to listen.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests run beside worker processes; threads of their own would only fight for the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

# What a user may have set, and what would change colours or widths in what is compared.
_UNSET = (
    "ACTSEARCH_DATA",
    "ACTSEARCH_DEBUG",
    "ACTSEARCH_RUNS",
    "COLUMNS",
    "FORCE_COLOR",
    "NO_COLOR",
    "TTY_COMPATIBLE",
)


@pytest.fixture(scope="session")
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache folder that all tests of this session share, in whichever process they run."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # each process has a folder of its own in there
    cache = root / "cache"
    cache.mkdir(mode=0o700, exist_ok=True)
    return cache


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, session_cache: Path) -> None:
    for name in _UNSET:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ACTSEARCH_CACHE", str(session_cache))


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with a file beside the test, ``golden/NAME``."""
    return Golden(request.path.parent / "golden")


class Golden:
    """Texts as they were approved; ``UPDATE_GOLDEN=1 pytest ...`` writes them anew."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def check(self, name: str, text: str) -> None:
        """Assert that ``text`` is what ``golden/name`` holds."""
        path = self._folder / name
        if os.environ.get("UPDATE_GOLDEN") == "1":
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that are marked slow behind the others, in the order they had."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)

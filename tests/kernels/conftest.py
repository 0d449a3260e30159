"""Both CPU backends for the tests that ask for them, and a native backend that starts afresh."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from actsearch import kernels
from actsearch.kernels import backends, native
from actsearch.kernels.native import compiler
from actsearch.kernels.warn import forget


def has_compiler() -> bool:
    try:
        compiler.find()
    except compiler.CompilerFault:
        return False
    return True


NEEDS_COMPILER = pytest.mark.skipif(not has_compiler(), reason="no C compiler (cc, gcc, clang)")


@pytest.fixture(params=["eager", pytest.param("native", marks=NEEDS_COMPILER)])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Make ``auto`` mean one backend, then the other."""
    name: str = request.param
    monkeypatch.setattr(backends, "choose", lambda _device: name)
    kernels.compile.cache_clear()
    yield name
    kernels.compile.cache_clear()


@pytest.fixture
def afresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give an empty cache folder to a native backend that has compiled and said nothing yet."""
    monkeypatch.setenv("ACTSEARCH_CACHE", str(tmp_path / "cache"))

    def clear() -> None:
        native.forget()
        forget()
        kernels.compile.cache_clear()

    clear()
    yield tmp_path / "cache" / "kernels"
    clear()

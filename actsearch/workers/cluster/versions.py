"""What decides a score besides the task: the program and the libraries, here and on a worker.

A worker of another version would train the same formula to another score, and nothing would show
it. So both sides say what they have, and a worker that differs gets no work.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from actsearch.errors import shorten

#: Libraries whose version may change a digit. Of torch the build counts, too: 2.13.0+cpu.
LIBRARIES = ("torch", "numpy", "sympy", "deap")
#: Of the source what takes part: templates of exports, say, do not.
_SOURCES = ("*.py", "*.c", "*.h")
_N_TOLD = 4


@functools.cache
def versions() -> dict[str, str]:
    """Return what is installed in this process, by name."""
    from actsearch import __version__

    found = {
        "actsearch": f"{__version__} (source {source_digest()})",
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
    }
    for library in LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            found[library] = "missing"
    return found


def source_digest(package: Path | None = None) -> str:
    """Return a short digest of the program's text: versions alone miss a changed checkout."""
    package = Path(__file__).resolve().parents[2] if package is None else package
    digest = hashlib.sha256()
    files = {path for pattern in _SOURCES for path in package.rglob(pattern)}
    for path in sorted(files, key=lambda path: path.relative_to(package).as_posix()):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def differences(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """Return in what two sides differ, as in ``torch 2.12.0 (here 2.13.0)``; "" for nothing."""
    return ", ".join(
        f"{name} {shorten(there.get(name, 'missing'), 60)} (here {version})"
        for name, version in here.items()
        if there.get(name) != version
    )


def listed(refusals: Iterable[tuple[str, str]]) -> str:
    """Return workers and why each gets no work; many alike are one entry."""
    by_reason: dict[str, list[str]] = {}
    for worker, reason in refusals:
        by_reason.setdefault(reason, []).append(worker)
    entries = []
    for reason, workers in by_reason.items():
        more = f" and {len(workers) - _N_TOLD} more" if len(workers) > _N_TOLD else ""
        entries.append(f"{', '.join(sorted(workers)[:_N_TOLD])}{more}: {reason}")
    return "; ".join(entries)

"""Hostile input makes the program import, run, start, connect and overwrite nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.security.audit import ROOT
from tests.security.audited import PRECIOUS, VIOLATIONS


def audited(part: str, folder: Path) -> dict[str, Any]:
    """Run a part of ``tests.security.audited`` and return what was heard."""
    here = folder / "here"
    environ = {
        **{k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "LD_LIBRARY_PATH")},
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "ACTSEARCH_CACHE": str(here / "cache"),
        "HOME": str(here / "home"),
        "TMPDIR": str(here / "tmp"),
        "MPLCONFIGDIR": str(here / "cache" / "mpl"),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-P", "-m", "tests.security.audited", part, str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    "part",
    [
        "refusals+reading+writing+trusting+getting",  # the imports cost more than the parts
        "undoing",
        *(
            pytest.param(part, marks=pytest.mark.nightly)
            for part in (
                "refusals",
                "reading",
                "writing",
                "trusting",
                "getting",
                "writing-all",
                "undoing-all",
            )
        ),
    ],
)
def test_nothing_is_done_that_must_not_be(part: str, tmp_path: Path) -> None:
    found = audited(part, tmp_path)
    assert found["n_events"] > 100  # the hook was there
    assert found["heard"] == []
    assert found["changed"] == []  # nor by what the hook can't hear
    if "writing" in part:
        assert {".html", ".py", ".json", ".tex", ".h"} <= set(found["made"])
    assert not (tmp_path / "here" / "it-ran").exists()


@pytest.mark.slow
def test_the_hook_bites(tmp_path: Path) -> None:
    found = audited("biting", tmp_path)
    heard = found["heard"]
    assert heard.pop("") == []
    assert set(heard) == set(VIOLATIONS)
    assert [name for name, found in heard.items() if not found] == []
    assert f"here/{PRECIOUS}" in found["changed"]  # what SQLite does by itself

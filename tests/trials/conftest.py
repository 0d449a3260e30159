"""Runs to confirm, and a zoo that is small enough to be tried many times."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.trials.simulated import make_run

SMALL_ZOO = {"relu(x)": "ReLU", "gelu(x)": "GELU", "tanh(x)": "tanh"}
#: x*cos(x) is a known one.
BRED = {"x*sin(x)": 0.8, "x*cos(x)": 0.75, "x*atan(x)": 0.7, "x*erf(x)": 0.65, "x*sin(x)*x": 0.6}
GIVEN = {"relu(x)": 0.5, "gelu(x)": 0.9, "sin(x)*x*x*x": 0.01}


@pytest.fixture
def small_zoo(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Put three activations in the place of the zoo."""
    for room in ("confirm", "judged"):
        monkeypatch.setattr(
            f"actsearch.trials.{room}.known_contestants", lambda *_: dict(SMALL_ZOO)
        )
    return SMALL_ZOO


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """Return a run with five bred formulas, one of them known, and three that were given."""
    return make_run(tmp_path / "first", BRED, GIVEN)

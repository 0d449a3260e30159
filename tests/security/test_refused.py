"""Every hostile input is refused: by a typed error, in one message, after little work."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from actsearch.errors import BadInput
from tests.security.cases import CASES
from tests.security.hostile import Case, counted, refusal

#: Calls of functions; so many take some 30 ms. How long each case takes is measured by
#: ``python -m benchmarks.hostile``.
MOST_CALLS = 250_000


def test_there_are_enough_and_each_is_another() -> None:
    assert len(CASES) >= 150
    assert [name for name, n in Counter(map(str, CASES)).items() if n > 1] == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_is_refused(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in case.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    for turn in ("first", "again"):  # the first time may import what it needs
        (tmp_path / turn).mkdir()
        call = case.prepare(tmp_path / turn)
        with counted() as work:
            error = refusal(call)
    assert isinstance(error, BadInput)
    assert work.n < MOST_CALLS

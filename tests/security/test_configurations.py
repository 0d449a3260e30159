"""A run whose configuration holds values of other kinds: shown, or refused in one message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actsearch.cli.main import run
from actsearch.runs import foreign
from actsearch.search.engine import RULES
from tests.security.stores import make_run

SPACE = {"unary": ["tanh"], "name": "a"}
CONFIGS: tuple[dict[str, Any], ...] = (
    {},
    {"space_settings": 5},
    {"space_settings": SPACE, "device_kind": "cpu", "task": 5},
    {"space_settings": SPACE, "device_kind": "cpu", "task": "mnist1d-cnn", "seed": "x"},
    {"rungs": "abc"},
    {"rungs": [5]},
    {"rungs": [{}]},
    {"known": 5},
    {"known": {"a": 5}},
    {"score_name": [1]},
    {"task": [1]},
    {"task_settings": 7, "seed_formulas": 9},
    {"seed_formulas": [[]]},
)
COMMANDS = (
    ("resume", "sent", "--quiet", "--budget", "1s", "--confirm", "none"),
    ("confirm", "sent", "--quiet", "--budget", "1s"),
    ("inspect", "sent"),
    ("watch", "sent", "--once"),
    ("export", "sent", "--to", "json", "--force"),
)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_no_value_is_a_fault_of_the_program(
    config: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as anyone:  # checksums are no secret: anyone can make such a file
        anyone.setattr(foreign, "check_config", lambda made: None)
        whole = {"search_rules": RULES, **config}
        make_run(tmp_path / "runs" / "sent", whole)
    for words in COMMANDS:
        code = run(words)
        said = capsys.readouterr().err
        assert code in (0, 2), (words, said)
        assert "fault of the program" not in said

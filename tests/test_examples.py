"""The examples run as they are, with few steps; the exported file among them is up to date."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.export.loading import load_file, run_own_tests

ROOT = Path(__file__).resolve().parents[1]
DATA = os.environ.get("ACTSEARCH_TEST_DATA") or "nowhere"


def test_the_exported_file_is_what_export_writes_and_passes_its_test() -> None:
    from actsearch.export import Activation
    from actsearch.export.torch_file import torch_source
    from actsearch.expressions import parse

    path = ROOT / "examples" / "found.py"
    module = load_file(path)
    run_own_tests(module, {"test_compiled"})
    known = module.METADATA
    activation = Activation(
        parse(known["formula"]), "found", known["provenance"], known["measured"], known["learned"]
    )
    written = torch_source(activation)
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(written, encoding="utf-8")
    assert written == path.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.skipif(not Path(DATA, "FashionMNIST").is_dir(), reason="no Fashion-MNIST is at hand")
@pytest.mark.parametrize(("example", "other"), [("resnet", "ReLU"), ("transformer", "GELU")])
def test_a_network_trains(example: str, other: str) -> None:
    command = [sys.executable, str(ROOT / "examples" / f"{example}.py"), "--data", DATA]
    command += ["--steps", "3", "--seeds", "1", "--samples", "500"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[0] for row in rows[1:3]] == ["Found", other]
    assert all(0.05 < float(row[1]) < 1 for row in rows[1:3])

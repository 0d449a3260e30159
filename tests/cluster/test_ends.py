"""How a search on a cluster of its own ends by a signal: one line, and no process that stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.nightly
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_all_of_it(tmp_path: Path, how: signal.Signals) -> None:
    psutil: Any = pytest.importorskip("psutil")  # comes with Dask
    words = "search swish --task mnist1d-mlp --births 400 --confirm none --no-report --run r"
    driver = subprocess.Popen(
        [sys.executable, "-m", "actsearch", *words.split(), "--cluster", "local:2"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with driver:
        assert driver.stderr is not None
        line = ""
        while "trained" not in line or " 0 trained" in line:
            line = driver.stderr.readline()
            assert line, driver.wait()
        children = psutil.Process(driver.pid).children(recursive=True)
        assert len(children) >= 4
        if how == signal.SIGINT:
            os.killpg(driver.pid, how)  # as a terminal does it
        else:
            driver.send_signal(how)
        left = driver.stderr.read() if how != signal.SIGKILL else ""
        assert driver.wait(timeout=60) == (-how if how == signal.SIGKILL else 130)
        assert not psutil.wait_procs(children, timeout=30)[1]
    said = [text for text in left.splitlines() if " births: " not in text]
    if how != signal.SIGKILL:
        assert len(said) == 1, left
        assert "go on with: actsearch resume r" in said[0]

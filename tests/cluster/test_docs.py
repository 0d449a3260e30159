"""docs/cluster.md: its script for Slurm makes what the page shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cluster.md"


def test_the_script_for_slurm_starts_workers_as_the_page_says() -> None:
    jobqueue: Any = pytest.importorskip("dask_jobqueue")
    text = PAGE.read_text(encoding="utf-8")
    (call,) = re.findall(r"^cluster = SLURMCluster\(\n(.*?)^\)", text, re.DOTALL | re.MULTILINE)
    options = eval(f"dict({call})")  # the page's own text
    del options["interface"]  # there is none of this name here
    with jobqueue.SLURMCluster(**options) as cluster:
        script = cluster.job_script().splitlines()
    shown = re.findall(r"^    (#SBATCH .*)$", text, re.MULTILINE)
    assert [line for line in script if line.startswith("#SBATCH")] == shown
    (command,) = (line for line in script if "dask_worker" in line)
    (told,) = re.findall(r"^    python (-m distributed.*)$", text, re.MULTILINE)
    for part in told.split(" ..."):
        assert part.strip().partition("tcp:")[0].strip() in command

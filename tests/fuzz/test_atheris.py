"""atheris: inputs that are bred by which code they reach, a fixed number of them every night.

By day each target is given what it starts from and what it once failed at (``found/TARGET``).
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import targets

ROOT = Path(__file__).parents[2]
FOUND = Path(__file__).parent / "found"
#: Target -> how many inputs a night, and how long they may be.
NIGHTLY = {
    "formula": (300_000, 400),
    "shown": (100_000, 300),
    "latex": (300_000, 200),
    "space": (30_000, 2500),
    "row": (300_000, 500),
}


@pytest.mark.parametrize("name", NIGHTLY)
def test_what_targets_start_from_and_what_they_failed_at(name: str) -> None:
    test = targets.target(name)
    for text in targets.seeds(name):
        test(text.encode())
    for path in sorted((FOUND / name).glob("*")):
        test(path.read_bytes())


def run(name: str, folder: Path, n_runs: int, max_len: int) -> str:
    """Give a target so many inputs and return the fuzzer's report; fails with what it failed at."""
    corpus, artefacts = folder / "corpus", folder / "artefacts"
    corpus.mkdir()
    artefacts.mkdir()
    for number, seed in enumerate(targets.seeds(name)):
        (corpus / f"seed-{number:03}").write_bytes(seed.encode())
    quoted = (re.sub(r'(["\\])', r"\\\1", word) for word in targets.words(name))
    (folder / "words").write_text("".join(f'"{word}"\n' for word in quoted), encoding="utf-8")
    options = [f"-runs={n_runs}", f"-max_len={max_len}", f"-dict={folder / 'words'}"]
    options += [f"-artifact_prefix={artefacts}/", "-timeout=20", "-rss_limit_mb=4096"]
    options += ["-print_final_stats=1"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.targets", name, str(corpus), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    failed = {path.name: path.read_bytes() for path in artefacts.iterdir()}
    assert done.returncode == 0, f"{failed}\n{(done.stdout + done.stderr)[-6000:]}"
    assert not failed
    return done.stderr


@pytest.mark.nightly
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
@pytest.mark.parametrize("name", NIGHTLY)
def test_no_input_that_is_bred_breaks_a_promise(name: str, tmp_path: Path) -> None:
    n_runs, max_len = NIGHTLY[name]
    report = run(name, tmp_path, n_runs, max_len)
    executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", report)
    assert executed is not None
    assert int(executed[1]) >= n_runs
    # It is guided: code that the seeds don't reach was found, and kept.
    kept = re.findall(r"corp: (\d+)/", report)
    assert len(kept) > 1
    assert int(kept[-1]) > int(kept[0])

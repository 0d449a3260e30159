"""The door to Python of a run that is there: opened for reading, its verdict with it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from actsearch.results.opened import OpenedRun
from actsearch.runs import RunStore, run_folder
from actsearch.runs.folder import DATABASE
from actsearch.trials.account import readable


def open_run(run: str | Path, runs_dir: Path | None = None) -> OpenedRun:
    """Open a run for reading; a search that is writing it is not disturbed.

    Args:
        run: Its name, or its folder (as ``Result.path`` gives it), or the file in it.
        runs_dir: The folder that holds the runs; by default ``ACTSEARCH_RUNS`` or ``runs``.

    Raises:
        BadInput: There is no such run, or its file can't be read.
        ActsearchError: The disk failed.
    """
    if Path(run).name == DATABASE and Path(run).is_file():
        run = Path(run).absolute().parent
    folder = run_folder(run, runs_dir) if isinstance(run, str) else run
    with RunStore.open(folder) as store, store.reading():
        account = readable(store)
        verdict = account.judgement
        if verdict is not None:
            verdict = dataclasses.replace(verdict, sentence=account.sentence)
        return OpenedRun(account.run, store.trials(), verdict)

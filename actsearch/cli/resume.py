"""`actsearch resume`: go on with a run, after any kind of end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actsearch.cli.options import (
    RUNS_DIR,
    BirthsOption,
    BudgetOption,
    ConfirmOption,
    DataOption,
    QuietOption,
    RunsDirOption,
    SeedFormulaOption,
    SeedRunOption,
    TaskAgainOption,
    TensorboardDirOption,
    TensorboardOption,
    checked_budget,
    find_run,
    note,
)
from actsearch.cli.report import ReportOption
from actsearch.cli.where import trains
from actsearch.durations import format_duration, parse_duration

if TYPE_CHECKING:
    from actsearch.workers import Where


@trains
def resume(
    run: Annotated[str, typer.Argument(help="The run (see: actsearch runs).", metavar="RUN")],
    budget: BudgetOption = None,
    births: BirthsOption = None,
    task: TaskAgainOption = None,
    space: Annotated[
        str | None,
        typer.Option(
            "--space",
            metavar="SPACE",
            help="The run's space, to be sure of it: it can't be another one.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="The run's seed, to be sure of it: it can't be another one."
        ),
    ] = None,
    *,
    where: Where,
    runs_dir: RunsDirOption = RUNS_DIR,
    data: DataOption = None,
    seed_formula: SeedFormulaOption = None,
    seed_run: SeedRunOption = None,
    confirm: ConfirmOption = None,
    tensorboard: TensorboardOption = False,
    tensorboard_dir: TensorboardDirOption = None,
    no_report: ReportOption = False,
    quiet: QuietOption = False,
) -> None:
    """Go on with a run after Ctrl-C, a crash or a reboot, or with a larger budget.

    Without --budget and --births the run goes on to the limits that it was started with. They count
    from the run's beginning: a run that used up 5m goes on with --budget 15m for another ten.
    Budget, births, workers and devices of the same kind may change; space, task and seed may not:
    the message lists all that differs.
    Then the best are confirmed, in as much time at most as the run was searched in all
    (see: actsearch confirm).
    """
    from actsearch.cli.afterwards import confirming
    from actsearch.cli.launch import launch
    from actsearch.cli.progress import Progress
    from actsearch.cli.tensorboard import events
    from actsearch.runs.lock import holder

    checked_budget(budget)
    path = find_run(run, runs_dir)
    also = events(tensorboard, tensorboard_dir, path.parent)
    seed_path = None if seed_run is None else find_run(seed_run, runs_dir)

    n_sessions = _n_sessions(path) if seed_formula or seed_run else None

    def forgotten() -> str:
        # A session that began knows its seeds, and the next one adds what it did not come to add.
        if n_sessions is None or _n_sessions(path) > n_sessions:
            return ""
        return "the seeds of this call are not in the run yet: give them again"

    if births is None and holder(path) is None:  # else it is refused, and that is all to say
        _say_what_is_used_up(path, budget)

    def start(observer: Progress) -> object:
        from actsearch.search import resume as resume_search

        return resume_search(
            path,
            budget=budget,
            births=births,
            task=task,
            space=space,
            seed=seed,
            **where.options(),
            data=data,
            seed_formulas=tuple(seed_formula or ()),
            seed_run=seed_path,
            observer=observer,
        )

    launch(
        start,
        title=f"resuming {path.name}",
        run=path.name,
        runs_dir=path.parent,
        quiet=quiet,
        where=where,
        confirm=confirming(confirm, where=where, data=data, quiet=quiet),
        also=also,
        report=not no_report,
        forgotten=forgotten,
    )


def _n_sessions(path: Path) -> int:
    from actsearch.runs import RunStore

    with RunStore.open(path) as store:
        return len(store.sessions())


def _say_what_is_used_up(path: Path, budget: str | None) -> None:
    """Say so where the time that a run is to be searched in all has passed already."""
    from actsearch.runs import RunStore

    with RunStore.open(path) as store:
        elapsed_s = store.elapsed_s()
        limit = store.last_search().get("budget") if budget is None else budget
    limit_s = parse_duration(limit) if isinstance(limit, str) else limit
    if limit_s is not None and limit_s <= elapsed_s:
        note(
            f"{path.name} was searched for {format_duration(elapsed_s)}, and --budget "
            f"{format_duration(limit_s)} counts from its beginning: nothing more is trained; "
            "give a larger one to search on"
        )

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
from actsearch.errors import counted

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

    if holder(path) is None:  # else it is refused, and that is all to say
        _say_what_is_used_up(path, budget, births, confirm)

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
        asked=confirm,
        data=data,
        also=also,
        report=not no_report,
        forgotten=forgotten,
    )


def _n_sessions(path: Path) -> int:
    from actsearch.runs import RunStore

    with RunStore.open(path) as store:
        return len(store.sessions())


def _say_what_is_used_up(
    path: Path, budget: str | None, births: int | None, confirm: str | None
) -> None:
    """Say so where a run is at a limit already, and what is done nevertheless."""
    from actsearch.cli.afterwards import limit_s
    from actsearch.runs import RunStore

    with RunStore.open(path) as store:
        elapsed_s, n_births = store.elapsed_s(), store.n_births()
        last = store.last_search() if budget is None and births is None else {}
    budget_s = last.get("budget", budget)
    budget_s = parse_duration(budget_s) if isinstance(budget_s, str) else budget_s
    if budget_s is not None and budget_s <= elapsed_s:
        used = f"was searched for {format_duration(elapsed_s)}"
        over = f"--budget {format_duration(budget_s)} counts from its beginning: nothing more"
        over += " is searched"
    elif births is not None and births <= n_births:
        used = f"has {counted(n_births, 'birth')}"
        over = f"--births {births} counts from its beginning: no more are bred"
    else:
        return
    at_most = limit_s(confirm, elapsed_s)
    then = "" if at_most is None else f", confirming for at most {format_duration(at_most)}"
    note(f"{path.name} {used}, and {over}{then}; give a larger one to search on")

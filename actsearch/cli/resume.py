"""`actsearch resume`: go on with a run, after any kind of end."""

from __future__ import annotations

from typing import Annotated

import typer

from actsearch.cli.options import (
    RUNS_DIR,
    BirthsOption,
    BudgetOption,
    ConfirmOption,
    DataOption,
    DevicesOption,
    QuietOption,
    RunsDirOption,
    SeedFormulaOption,
    SeedRunOption,
    WorkersOption,
    checked_budget,
    find_run,
)


def resume(
    run: Annotated[str, typer.Argument(help="The run (see: actsearch runs).", metavar="RUN")],
    budget: BudgetOption = None,
    births: BirthsOption = None,
    workers: WorkersOption = "auto",
    devices: DevicesOption = "auto",
    runs_dir: RunsDirOption = RUNS_DIR,
    data: DataOption = None,
    seed_formula: SeedFormulaOption = None,
    seed_run: SeedRunOption = None,
    confirm: ConfirmOption = None,
    quiet: QuietOption = False,
) -> None:
    """Go on with a run after Ctrl-C, a crash or a reboot, or with a larger budget.

    Without --budget and --births the run goes on to the limits that it was started with. They count
    from the run's beginning: a run that used up 5m goes on with --budget 15m for another ten.
    Then the best are confirmed, in as much time at most as the run was searched in all
    (see: actsearch confirm).
    """
    from actsearch.cli.afterwards import confirming
    from actsearch.cli.launch import launch
    from actsearch.cli.progress import Progress

    checked_budget(budget)
    path = find_run(run, runs_dir)
    seed_path = None if seed_run is None else find_run(seed_run, runs_dir)

    def start(observer: Progress) -> object:
        from actsearch.search import resume as resume_search

        return resume_search(
            path,
            budget=budget,
            births=births,
            workers=workers,
            devices=devices,
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
        confirm=confirming(confirm, workers=workers, devices=devices, data=data, quiet=quiet),
    )

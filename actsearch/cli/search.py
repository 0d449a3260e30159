"""`actsearch search`: start a new run."""

from __future__ import annotations

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
    TaskOption,
    TensorboardDirOption,
    TensorboardOption,
    checked_budget,
    find_run,
)
from actsearch.cli.report import ReportOption
from actsearch.cli.where import trains

if TYPE_CHECKING:
    from actsearch.workers import Where

#: Five minutes with the start of the workers. A first verdict takes the longer part: two looks at
#: three finalists and the whole zoo are some 250 full trainings.
DEFAULT_BUDGET, DEFAULT_CONFIRM = "1m30s", "3m15s"


@trains
def search(
    space: Annotated[
        str, typer.Argument(help="A search space (see: actsearch spaces) or a .toml file.")
    ] = "default",
    task: TaskOption = "mnist1d-cnn",
    budget: BudgetOption = None,
    births: BirthsOption = None,
    *,
    where: Where,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, help="The same seed gives the same run.")
    ] = 0,
    lag: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="How many decisions run ahead of the results that they see, instead of the "
            "space's own: more for many workers. It decides births, as the seed does.",
        ),
    ] = None,
    run: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the run; by default made up.")
    ] = None,
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
    """Search for activation functions: breed formulas, train each, keep the best.

    With --budget and --births it goes on until the first is reached. Then the best are confirmed,
    in as much time at most (see: actsearch confirm). Without either it searches for 1m30s and
    confirms for 3m15s at most.
    Ctrl-C is safe: what is done is saved, and `actsearch resume` goes on from it.
    """
    from actsearch.cli.afterwards import confirming
    from actsearch.cli.launch import launch
    from actsearch.cli.progress import Progress
    from actsearch.cli.tensorboard import events

    asked = confirm
    if budget is None and births is None:
        budget = DEFAULT_BUDGET
        confirm = DEFAULT_CONFIRM if confirm is None else confirm
    checked_budget(budget)
    also = events(tensorboard, tensorboard_dir, runs_dir)
    seed_path = None if seed_run is None else find_run(seed_run, runs_dir)

    def start(observer: Progress) -> object:
        from actsearch.search import search as run_search

        return run_search(
            space,
            task,
            budget=budget,
            births=births,
            **where.options(),
            seed=seed,
            lag=lag,
            run=run,
            runs_dir=runs_dir,
            data=data,
            seed_formulas=tuple(seed_formula or ()),
            seed_run=seed_path,
            observer=observer,
        )

    launch(
        start,
        title=f"{space} · {task}",
        run=run,
        runs_dir=runs_dir,
        quiet=quiet,
        where=where,
        confirm=confirming(confirm, where=where, data=data, quiet=quiet),
        asked=asked,
        also=also,
        report=not no_report,
    )

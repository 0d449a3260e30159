"""Start a search, go on with one, and what it returns: the doors of this room.

A run's configuration holds all that decides its births and scores; ``resume`` compares the task
with it and refuses to mix. Budget, workers and devices may differ from session to session.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actsearch.durations import parse_duration
from actsearch.errors import BadInput
from actsearch.expressions import Candidate, parse_candidate
from actsearch.paths import command_to_begin
from actsearch.runs import (
    RunStore,
    Snapshot,
    check_free,
    default_name,
    hall_of_fame,
    run_folder,
)
from actsearch.runs.added import given_to, info_of
from actsearch.runs.found import Found
from actsearch.runs.outcomes import nothing_scored
from actsearch.search.configuration import environment, task_reference
from actsearch.search.engine import RULES, Engine, Observer
from actsearch.search.given import (
    best_of,
    check_readable,
    formulas_of,
    seeds_of,
)
from actsearch.search.known import known_first
from actsearch.search.lag import too_many, with_lag
from actsearch.search.ledger import loaded
from actsearch.search.limits import Limits
from actsearch.search.sameness import (
    Difference,
    differences_without_data,
    of_task,
    refuse,
    stated,
)
from actsearch.search.space import SearchSpace, load_space, space_from
from actsearch.search.walk import check_searchable
from actsearch.tasks.ahead import compiling_ahead
from actsearch.tasks.known import own_known
from actsearch.tasks.protocol import Task
from actsearch.tasks.registry import load_task
from actsearch.trials.saved import saved_task
from actsearch.workers import Cluster, Pool, Slots, Where, pool_for, reached

if TYPE_CHECKING:
    from actsearch.trials.judged import Confirmation

#: Torch threads of one training. Fixed, as sums in another order give other scores.
THREADS = 1


@dataclass(frozen=True)
class Result:
    """What a search came to; ``path`` is the run's folder, ``ended`` why it ended, in words."""

    path: Path
    hall_of_fame: tuple[Found, ...]
    _task: Task | None = field(default=None, repr=False, compare=False)
    ended: str = field(default="", compare=False)

    @property
    def best(self) -> Found:
        """The leader of the hall of fame.

        Raises:
            BadInput: Nothing has a score yet.
        """
        if not self.hall_of_fame:
            raise nothing_scored(self.path, self.ended)
        return self.hall_of_fame[0]

    def confirm(self, **options: Any) -> Confirmation:
        """Try the best formulas beside all known activations; see ``actsearch.confirm``.

        Args:
            options: those of ``actsearch.confirm`` but for the run and its task: ``budget``,
                ``finalists``, ``transfer``, ``workers``, ``devices``, ``observer``.

        Raises:
            BadInput: as ``actsearch.confirm``.
            ActsearchError: as ``actsearch.confirm``.
        """
        from actsearch.trials.confirm import confirm

        return confirm(self.path, task=self._task, **options)


def search(
    space: str | Path | SearchSpace = "default",
    task: str | Task = "mnist1d-cnn",
    *,
    budget: str | float | None = None,
    births: int | None = None,
    workers: str | int = "auto",
    devices: str | Sequence[str] = "auto",
    training_limit: str | float = "auto",
    memory_limit: str | int = "auto",
    cluster: str | Cluster | None = None,
    seed: int = 0,
    lag: int | None = None,
    run: str | None = None,
    runs_dir: Path | None = None,
    data: Path | None = None,
    seed_formulas: Iterable[str] = (),
    seed_run: Path | None = None,
    observer: Observer | None = None,
) -> Result:
    """Search for activation functions.

    Args:
        space: Name of a shipped space, path of a space file, or a space.
        task: Name of a shipped task, ``path/to/file.py:make_task``, or an object with the ``Task``
            protocol (which must be picklable where there are several workers).
        budget: Time as text (``"5m"``) or seconds; None for no limit of time.
        births: Most births, those that are never trained counted; None for no such limit. Siblings
            are bred together, so the last litter may be left out.
        workers: Number of trainings at once, ``auto``, or ``inline``: one at a time in this
            process, as a single one of a task object is trained in any case.
        devices: ``auto``, ``cpu``, or names such as ``cuda:0,cuda:1``.
        training_limit: How long one training may take before it is ended: seconds, text
            (``"10m"``), ``auto`` (many times what others took) or ``none``.
        memory_limit: How much memory one training may take: ``"4GB"``, ``auto`` or ``none``.
        cluster: Train on a Dask cluster: ``tcp://HOST:PORT`` of its scheduler, ``local:N`` for N
            processes here, or a ``Cluster``; then ``workers`` is how many trainings run at once at
            most, and ``devices`` is ``auto``, ``cpu`` or ``cuda``.
        seed: Decides every birth. The same seed gives the same births and scores for any number
            of workers.
        lag: How many decisions run ahead of the results that they see, instead of the space's own:
            more for many workers (docs/performance.md). It decides births, as the seed does.
        run: Name of the run; made up by default.
        runs_dir: The folder of the runs; by default ``ACTSEARCH_RUNS`` or ``runs``.
        data: A folder that holds the data set already.
        seed_formulas: Formulas or known names to start from, besides those of the space.
        seed_run: Folder of a run whose ten best formulas to start from.
        observer: Called with a ``Snapshot`` after each training.

    Returns:
        The hall of fame and where the run lies.

    Raises:
        BadInput: Something is not accepted; the message says what is.
        ActsearchError: The disk failed; what was done is kept.
    """
    if budget is None and births is None:
        raise BadInput("a search needs an end: give a budget such as '5m', births, or both")
    where = Where(workers, devices, training_limit, memory_limit, cluster)
    the_space = with_lag(space if isinstance(space, SearchSpace) else load_space(space), lag)
    check_searchable(the_space)
    given = [*formulas_of(seed_formulas), *best_of(seed_run)]
    the_task = load_task(task, data) if isinstance(task, str) else _checked(task)
    check_readable(the_space, given, the_task)
    with reached(where, given_object=not isinstance(task, str)) as there:
        slots = _slots(there, workers, the_space)
        _limits(budget, births, 0.0)  # refused now, not after the data are made
        name = run if run is not None else default_name(the_task.name, runs_dir)
        folder = run_folder(name, runs_dir)
        check_free(folder)  # before the data are prepared, which may take long
        the_task.prepare()
        config = {
            "search_rules": RULES,
            "space": the_space.name,
            "space_settings": the_space.model_dump(mode="json"),
            **task_reference(task, data),
            "score_name": the_task.score_name,
            **({} if (known := own_known(the_task)) is None else {"known": dict(known)}),
            "task_settings": the_task.settings(),
            "rungs": [rung.settings() for rung in the_task.rungs],
            "seed": seed,
            **({} if lag is None else {"lag": lag}),  # to be shown; what counts is the space's
            "threads": THREADS,
            "device_kind": _kind(slots),
            "budget": budget,
            "births": births,
            "seed_formulas": [str(expression) for expression in given],
        }
        with RunStore.create(folder, config, environment(slots)) as store:
            limits = _limits(budget, births, 0.0)
            return _run(store, the_space, the_task, limits, slots, observer, budget)


def resume(
    run: str | Path,
    *,
    budget: str | float | None = None,
    births: int | None = None,
    workers: str | int = "auto",
    devices: str | Sequence[str] = "auto",
    training_limit: str | float = "auto",
    memory_limit: str | int = "auto",
    cluster: str | Cluster | None = None,
    data: Path | None = None,
    seed_formulas: Iterable[str] = (),
    seed_run: Path | None = None,
    task: str | Task | None = None,
    space: str | Path | SearchSpace | None = None,
    seed: int | None = None,
    runs_dir: Path | None = None,
    observer: Observer | None = None,
) -> Result:
    """Go on with a run, to the limits it had or to those given, which count from its beginning.

    Args:
        run: Name or folder of the run.
        budget: As in ``search``; where neither it nor ``births`` is given, those of the last
            session.
        births: As in ``search``.
        workers: As in ``search``; may differ from before.
        devices: As in ``search``; of the kind that the run was started on.
        training_limit: As in ``search``; may differ from before.
        memory_limit: As in ``search``; may differ from before.
        cluster: As in ``search``; a run may go on with another one, or without.
        data: Where the data set lies now, if it was moved.
        seed_formulas: Further formulas; they are the next births. Those that an earlier session
            was given and did not come to add are added, too; none is added twice.
        seed_run: A run whose best formulas are further seeds.
        task: The task, for a run that was started with a task object, or its name or file; it must
            be that of the run.
        space: As in ``search``; a statement, which must be true of the run. None: nothing is said.
        seed: As in ``search``; a statement, too.
        runs_dir: As in ``search``.
        observer: As in ``search``.

    Raises:
        BadInput: There is no such run, another process writes it, or it is not what it was, or not
            what is said of it: the message lists all that differs.
        ActsearchError: The disk failed; what was done is kept.
    """
    where = Where(workers, devices, training_limit, memory_limit, cluster)
    folder = run_folder(run, runs_dir) if isinstance(run, str) else run
    given = [*formulas_of(seed_formulas), *best_of(seed_run)]
    with RunStore.open(folder, write=True) as store, ExitStack() as stack:
        config = store.config
        there = stack.enter_context(
            reached(where, given_object=task is not None and not isinstance(task, str))
        )
        kind = _kind(there)
        _check_whole(store)
        differing = stated(config, rules=RULES, kind=kind, space=space, seed=seed, task=task)
        the_task = (
            None
            if any(one.key == "task" for one in differing)
            else _task_again(store, data, task, differing)
        )
        if differing:
            differing += differences_without_data(config, the_task, task)
            refuse(store, differing)
        assert the_task is not None
        the_space = space_from(config["space_settings"], where=f"the space of run '{store.name}'")
        slots = _slots(there, workers, the_space)
        before = [parse_candidate(one.formula) for one in given_to(store.sessions())]
        check_readable(the_space, [*before, *given], the_task)
        the_task.prepare()
        refuse(store, of_task(config, the_task, task))
        if budget is None and births is None:  # those of the last session that said something
            last = store.last_search()
            budget, births = last["budget"], last["births"]
        limits = _limits(budget, births, store.elapsed_s())
        return _run(store, the_space, the_task, limits, slots, observer, budget, given)


def _run(
    store: RunStore,
    space: SearchSpace,
    task: Task,
    limits: Limits,
    slots: Slots,
    observer: Observer | None,
    budget: str | float | None,
    given: Sequence[Candidate] = (),
) -> Result:
    ledger = loaded(store, task.rungs, space)
    seeds, new = seeds_of(store, space, ledger, limits.births, given)
    info = {
        "budget": budget,
        "births": limits.births,
        **info_of(new),  # an end keeps them waiting
        **slots.facts(),
    }
    pool = pool_for(task, slots, THREADS)
    with store.session(info), pool:
        engine = Engine(
            store=store,
            ledger=ledger,
            space=space,
            seed=store.config["seed"],
            limits=limits,
            observer=observer if slots.link is None else _with_workers(observer, pool),
            compile=compiling_ahead(task, slots.devices[0]) if slots.is_here else None,
            seeds=seeds,
        )
        ended = engine.run(known_first(pool, store.set_aside()))
        store.end_session(ended)
        best = hall_of_fame(store.births(), store.trainings(), ladder=store.ladder)
    return Result(store.folder, tuple(map(Found.of, best)), task, ended)


def _check_whole(store: RunStore) -> None:
    """Refuse a run of these rules whose configuration lacks what a search writes there."""
    needed = ("space_settings", "task", "rungs", "seed", "device_kind", "seed_formulas")
    lacking = [key for key in (*needed, "budget", "births") if key not in store.config]
    if store.config.get("search_rules") == RULES and lacking:
        raise BadInput(
            f"the configuration of run '{store.name}' lacks {', '.join(lacking)}: no search of "
            "actsearch wrote it; begin a new one from its best: "
            f"{command_to_begin(store.folder, store.config)}"
        )


def _task_again(
    store: RunStore, data: Path | None, task: str | Task | None, differing: Sequence[Difference]
) -> Task | None:
    """Load the task of a run; None where it can't be and the run is refused for other reasons."""
    try:
        return saved_task(store, data, task)
    except BadInput:
        if not differing:
            raise
        return None


def _with_workers(observer: Observer | None, pool: Pool) -> Observer | None:
    """Tell ``observer`` as well how many workers a cluster has at each moment."""

    def tell(snapshot: Snapshot) -> None:
        assert observer is not None
        observer(dataclasses.replace(snapshot, n_workers=getattr(pool, "n_seats", None)))

    return None if observer is None else tell


def _checked(task: Task) -> Task:
    members = ("name", "score_name", "rungs", "prepare", "settings", "train")
    lacking = [member for member in members if not hasattr(task, member)]
    if lacking:
        raise BadInput(
            f"a task needs {', '.join(members)}; {type(task).__name__} lacks {', '.join(lacking)}"
        )
    return task


def _kind(slots: Slots) -> str:
    """Return ``cpu`` or ``cuda``: scores of one kind of device compare."""
    return slots.devices[0].partition(":")[0]


def _limits(budget: str | float | None, births: int | None, elapsed_s: float) -> Limits:
    if births is not None and births < 1:
        raise BadInput(f"births must be at least 1, got {births}")
    budget_s = parse_duration(budget) if isinstance(budget, str) else budget
    if budget_s is not None and not budget_s > 0:
        raise BadInput(f"the budget must be above 0 seconds, got {budget_s}")
    deadline = None if budget_s is None else time.time() + budget_s - elapsed_s
    return Limits(budget_s, births, deadline)


def _slots(slots: Slots, asked: str | int, space: SearchSpace) -> Slots:
    """Return ``slots`` with no more workers than the lag of the space keeps busy.

    Args:
        slots: what there is.
        asked: the workers that were asked for; "auto" are as many as it takes.
        space: whose lag it is.
    """
    lag = space.evolution.lag
    if slots.workers <= lag:
        return slots
    if str(asked) == "auto":
        devices = slots.devices if slots.devices == ("cpu",) else slots.devices[:lag]
        return dataclasses.replace(slots, workers=lag, devices=devices)
    raise BadInput(too_many(slots.workers, space))

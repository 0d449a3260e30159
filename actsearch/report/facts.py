"""All that a report says of a run: a pure function of what its store holds."""

from __future__ import annotations

from dataclasses import dataclass

from actsearch.report import again, best, lists, method
from actsearch.report.finalists import finalists
from actsearch.report.values import Command, Fact, Finalist, Picture, Table, Verdict, clean
from actsearch.report.verdict import verdict_of
from actsearch.trials.account import Account


@dataclass(frozen=True)
class Facts:
    """What the page is made of, in the order in which it is read.

    ``writer`` says who was writing the run when it was read, "" for nobody.
    """

    name: str
    task: str
    writer: str
    verdict: Verdict
    finalists: tuple[Finalist, ...]
    pictures: tuple[Picture, ...]
    comparison: Table | None
    hall: Table | None
    front: Table | None
    steps: tuple[str, ...]
    rungs: Table | None
    settings: tuple[Fact, ...]
    data: tuple[Fact, ...]
    rejected: Table | None
    time: Table | None
    failures: Table | None
    sessions: Table | None
    busy: str
    environment: tuple[Fact, ...]
    caveats: tuple[str, ...]
    commands: tuple[Command, ...]
    configuration: str
    glossary: tuple[Fact, ...]
    totals: str


def facts_of(account: Account, pictures: tuple[Picture, ...] = ()) -> Facts:
    """Return what a report says.

    Args:
        account: the run with its verdict.
        pictures: of the same run.
    """
    run = account.run
    return Facts(
        name=clean(run.name),
        task=clean(run.config.get("task", "")),
        writer=clean(run.writer),
        verdict=verdict_of(account),
        finalists=finalists(account),
        pictures=pictures,
        comparison=lists.comparison(account),
        hall=best.hall(account),
        front=best.front(account),
        steps=method.steps(account) if run.births else (),
        rungs=method.rungs(account),
        settings=method.settings(account),
        data=method.data(account),
        rejected=lists.rejected(account),
        time=lists.time_spent(account),
        failures=lists.failures(account),
        sessions=again.sessions(account),
        busy=method.busy(account),
        environment=again.environment(account),
        caveats=method.caveats(account),
        commands=again.commands(account),
        configuration=again.configuration(account),
        glossary=method.GLOSSARY,
        totals=run.totals.sentence().replace("\n", " "),
    )

"""How a run was made, in plain words with its own numbers: method, data, limits, words used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from actsearch.durations import format_duration
from actsearch.report.again import transferred
from actsearch.report.values import (
    Cell,
    Fact,
    Head,
    Table,
    clean,
    count,
    trainings,
    whole,
    words,
)
from actsearch.report.verdict import false_claims, measure_of
from actsearch.results.looks import LOOKS
from actsearch.runs.records import OK
from actsearch.trials.account import Account
from actsearch.trials.arena import TEST


def steps(account: Account) -> tuple[str, ...]:
    """Return how the search worked, a sentence or two a step."""
    run, totals = account.run, account.run.totals
    seeds = sum(birth.operator == "seed" for birth in run.births)
    found = [
        (
            f"Formulas were bred by genetic programming: the search began with {seeds} given "
            f"formulas and with random ones, and made new ones by changing and combining the best "
            f"so far, {totals.births:,} in all."
        ),
        (
            f"What can't be trained was turned away before any training: {totals.rejected:,} were "
            "constant, straight lines, or not finite, or did not meet the conditions of the space. "
            f"Another {totals.screened:,} were passed over, as formulas like them promised less or "
            "had been trained already."
        ),
        (
            f"Each formula was compared with all before by its values: {totals.duplicates:,} "
            f"turned out to be the same function, in the same words or others, and "
            f"were not trained again{_saved(account)}."
        ),
        (
            f"{_counted(totals.trained, totals.trainings)}: short ones first, longer ones and more "
            "random seeds for those that might still be the best. All start from the same weights "
            "at a seed, scaled as each function needs, and see the same data in the same order."
        ),
        f"A formula's score is its mean {measure_of(account).name} at the longest rung it reached.",
    ]
    trials = account.trials
    if trials is not None and trials.verdict.n_trials:
        n_known = sum(row.kind == "known" for row in trials.verdict.rows)
        looks = f"{', '.join(map(str, LOOKS[:-1]))} and {LOOKS[-1]}"
        found.append(
            f"At the end {_chosen(len(trials.finalists))} anew at full length beside {n_known} "
            "known activations, with seeds that no search uses, and scored on the "
            f"{trials.verdict.split} split. After {looks} seeds the differences are tested; what "
            "is decided trains no further. Each look has an equal share of the error rate, and "
            "Holm's correction goes over all comparisons. "
            f"{false_claims(trials.verdict.judgement.alpha)}"
        )
    return tuple(found)


def _counted(n: int, n_trainings: int) -> str:
    if not n:
        return "None of the others has been trained yet. They are trained for real"
    others = "The other one was" if n == 1 else f"The {n:,} others were"
    return f"{others} trained for real, {trainings(n_trainings)} in all"


def _task(config: Mapping[str, Any]) -> str:
    """Name the task of a run, or those that are one to it."""
    names = [clean(one) for one in str(config.get("task", "")).split(",")]
    if len(names) == 1:
        return f"one task, {names[0]}"
    return f"{len(names)} tasks that were searched for together, {' and '.join(names)}"


def _chosen(n: int) -> str:
    if n == 1:
        return "one of the best was trained"
    return f"{n} of the best, none nearly the shape of another, were trained"


def _saved(account: Account) -> str:
    """Tell what duplicates would have cost at the least: a training of the shortest rung each."""
    run = account.run
    first = run.ladder[0] if run.ladder else ""
    times = [row.time_s for row in run.trainings if row.rung == first and row.status == OK]
    if not times or not run.totals.duplicates or not sum(times):
        return ""
    saved_s = run.totals.duplicates * math.fsum(times) / len(times)
    return f", which saved at least {format_duration(saved_s)} of training"


def rungs(account: Account) -> Table | None:
    """Return the rungs that trainings climb."""
    said = _rungs(account.run.config)
    if not said:
        return None
    heads = (
        Head("rung"),
        Head("steps", "Updates of the weights in one training.", "number"),
        Head("seeds", "How many random starts a formula may be trained from.", "number"),
    )
    rows = tuple(
        (
            words(rung.get("name", "")),
            whole(rung.get("steps")),
            count(len(seeds)) if isinstance(seeds := rung.get("seeds"), list) else Cell(""),
        )
        for rung in said
    )
    return Table("rungs", "Rungs: the lengths of training", heads, rows)


def _rungs(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    said = config.get("rungs")
    return [one for one in said if isinstance(one, Mapping)] if isinstance(said, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def settings(account: Account) -> tuple[Fact, ...]:
    """Return what the run was asked for."""
    run, config = account.run, account.run.config
    facts = [
        Fact("run", clean(run.name)),
        Fact("search space", clean(config.get("space", ""))),
        Fact("task", clean(config.get("task", ""))),
        Fact("score", clean(run.measure)),
        Fact("seed of the search", clean(config.get("seed", ""))),
        Fact("limit", _limit(config)),
        Fact("searched for", format_duration(run.totals.elapsed_s)),
        Fact("ended", clean(run.ended, 400) or ("not yet" if run.writer else "killed")),
    ]
    given = config.get("seed_formulas") or ()
    if given:
        facts.append(Fact("given formulas", clean(", ".join(map(str, given)), 1000), code=True))
    return tuple(facts)


def _limit(config: Mapping[str, Any]) -> str:
    budget, births = config.get("budget"), config.get("births")
    said = [f"{clean(budget)} of time"] if budget is not None else []
    said += [f"{births:,} births" if isinstance(births, int) else clean(births)] if births else []
    return ", ".join(said) or "none"


def data(account: Account) -> tuple[Fact, ...]:
    """Return what was learned from, and what was scored on."""
    task = _mapping(account.run.config.get("task_settings"))
    parts = task.get("tasks")
    several = [one for one in parts if isinstance(one, Mapping)] if isinstance(parts, list) else []
    facts = []
    for one in several or [task]:
        before = f"{clean(one.get('task', ''))}: " if several else ""
        about = one.get("data")
        if not isinstance(about, Mapping):
            continue
        facts.append(Fact(f"{before}data set", clean(about.get("name", ""))))
        if isinstance(n := about.get("n_train"), int):
            facts.append(Fact(f"{before}trained on", f"{n:,} samples (training split)"))
        if isinstance(n := about.get("n_validation"), int):
            facts.append(Fact(f"{before}chosen by", f"{n:,} samples (validation split)"))
        if (digest := about.get("digest")) is not None:
            facts.append(Fact(f"{before}digest of these", clean(digest), code=True))
    trials = account.trials
    if trials is not None and trials.verdict.n_trials:
        held = trials.verdict.split == TEST
        facts.append(
            Fact(
                "verdict measured on",
                "the test split, which no search can reach"
                if held
                else "the validation split: the task has no test data",
            )
        )
    return tuple(facts)


def _elsewhere(account: Account) -> str:
    tried = transferred(account)
    if not tried:
        return "; a confirmation on other tasks tells (the command stands below)"
    names = ", ".join(clean(name, 60) for name in tried)
    return f". The finalists were tried on {names}, too: a command below prints the verdicts"


def caveats(account: Account) -> tuple[str, ...]:
    """Return the limits of what was shown, those that hold for this run."""
    config, trials = account.run.config, account.trials
    rate = _mapping(_mapping(config.get("task_settings")).get("recipe")).get("learning_rate")
    steps = [n for rung in _rungs(config) if isinstance(n := rung.get("steps"), int)]
    longest = max(steps, default=0)
    found = [
        (
            f"This is one search, from the seed {clean(config.get('seed', ''))}. Another seed "
            "breeds other formulas and may find a better one, or none."
        ),
        (
            f"This page tells of {_task(config)}. What is good here may "
            f"not be so in another network or on other data{_elsewhere(account)}."
        ),
        "The training recipe is the same for all"
        + (f" (learning rate {clean(rate)})" if rate is not None else "")
        + ": no function had a learning rate of its own tuned.",
    ]
    if longest:
        found.append(
            f"Trainings have {longest:,} steps at most. In longer ones the order may be another."
        )
    if trials is None or not trials.verdict.n_trials:
        found.append("Nothing is confirmed: all scores are those that the search chose by.")
    else:
        if n_failed := trials.verdict.n_failed:
            found.append(
                f"{trainings(n_failed)} of the confirmation gave no score; a function that fails "
                "counts as beaten only where fewer than two of its trainings gave one."
            )
        if trials.verdict.split != TEST:
            found.append("The task has no test data, so the verdict is on those chosen by.")
        found.append(
            "The interval and the two single p-values are of one comparison, as if there were no "
            "other; the corrected p-value decides."
        )
    found.append(
        "Costs are by a model of arithmetic operations; actsearch inspect --front measures them."
    )
    return tuple(found)


def busy(account: Account) -> str:
    """Tell how much of the workers' time went into training, "" where that is not known."""
    run = account.run
    had_s = sum(
        one.active_s * workers
        for one in run.sessions
        if one.info.get("kind") != "confirm" and isinstance(workers := one.info.get("workers"), int)
    )
    if not had_s or not run.totals.training_time_s:
        return ""
    share = min(1.0, run.totals.training_time_s / had_s)
    return (
        f"The search took {format_duration(run.totals.elapsed_s)}. Of the time that its workers "
        f"had, {100 * share:.0f} % went into training; the rest into breeding, checking and "
        "compiling formulas, starting up and waiting."
    )


GLOSSARY = (
    Fact("activation function", "what a neural network applies to the sum that each unit computes"),
    Fact("birth", "one formula that the search made, by its number"),
    Fact("seed", "a number that all random choices follow from: starting weights, order of data"),
    Fact("rung", "a length of training; short ones come first, the best climb to longer ones"),
    Fact(
        "training, validation, test split",
        "parts of the data: to learn from, to choose by, and to judge by at the end, once",
    ),
    Fact("finalist", "one of the best formulas of the search, which is confirmed"),
    Fact("standard error (±)", "how far a mean is likely to be off, by the spread between seeds"),
    Fact(
        "95 % interval",
        "differences that the data speak for: of intervals made like this, 95 in 100 hold the "
        "true difference",
    ),
    Fact(
        "p-value",
        "how often luck alone would give a difference as large; corrected: with all the other "
        "comparisons counted in",
    ),
    Fact("point", "a hundredth of the whole: from 96 % to 97 % is one point"),
    Fact("known activation", "a published one, such as ReLU, GELU or SiLU"),
)

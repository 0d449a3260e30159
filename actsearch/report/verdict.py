"""The first thing that a report says: what was shown, or plainly that nothing was."""

from __future__ import annotations

from collections.abc import Sequence

from actsearch.errors import ActsearchError
from actsearch.expressions import parse_candidate
from actsearch.expressions.mathml import mathml
from actsearch.paths import command
from actsearch.report.values import Command, Fact, Measure, Verdict, clean
from actsearch.results.commands import next_commands
from actsearch.results.hall import best_known, was_given
from actsearch.results.looks import LOOKS
from actsearch.results.standing import standing
from actsearch.results.units import are_shares
from actsearch.results.verdict import KNOWN, Row
from actsearch.trials.account import Account
from actsearch.trials.judged import GIVEN
from actsearch.trials.stored import StoredVerdict

_BEGUN = (
    f"The confirmation has begun, and the data are looked at when the first {LOOKS[0]} seeds of "
    "all functions are there. The command below goes on with it."
)
SHOWN, OPEN, NONE, UNCONFIRMED = "shown", "open", "none", "unconfirmed"

_PAIRS = (
    "All functions were trained in the same network, from the same random starting weights, scaled "
    "as each function needs, and on the same data in the same order. So they are compared seed by "
    "seed, and what is left of luck is counted in the interval."
)


def verdict_of(account: Account) -> Verdict:
    """Return what stands first on the page."""
    if account.trials is not None and account.trials.verdict.n_trials:
        return _tried(account, account.trials)
    return _not_tried(account)


def measure_of(account: Account) -> Measure:
    """Return how the search's scores are written."""
    scores = [row["score"] for row in account.run.ranked]
    name = str(account.run.config.get("score_name", "score"))
    return Measure.of(name, shares=are_shares(scores))


def measure_of_trials(trials: StoredVerdict) -> Measure:
    """Return how the scores that confirm are written."""
    scores = [score for by_seed in trials.scores.values() for score in by_seed.values()]
    return Measure.of(trials.verdict.score_name, shares=are_shares(scores))


def math_of(text: str, name: str = "f(x)", *, derivative: bool = False) -> str:
    """Return a stored formula as MathML, "" where this version can't read it."""
    try:
        return mathml(parse_candidate(text), name, derivative=derivative)
    except (ActsearchError, ValueError, RecursionError):
        return ""


def _tried(account: Account, trials: StoredVerdict) -> Verdict:
    judgement, on = trials.verdict.judgement, trials.verdict
    path = account.run.path
    sentence = judgement.sentence
    for row in on.rows:  # a formula of thousands of characters would hide what is said of it
        sentence = sentence.replace(row.name, clean(row.name))
    sentence = clean(sentence, 2000).rstrip(".") + "."
    caveat = (clean(on.caveat, 1000) + ".",) if on.caveat else ()
    again = Command(command("confirm", path), "train on, until the verdict is clear")
    task = clean(on.task)
    leader = judgement.leader or ""
    shown = leader if judgement.n_looks else ""
    about = {"formula": shown, "mathml": math_of(shown) if shown else ""}
    amounts = _amounts(judgement.rows, measure_of_trials(trials)) if judgement.n_looks else ()
    if judgement.winner is not None:
        given = was_given(account.run.births, judgement.winner)
        label, who = _winner(is_given=given, is_like_known=bool(on.caveat))
        return Verdict(
            OPEN if on.caveat else SHOWN,
            label,
            f"{who} beats every known one that was tried on {task}",
            sentence,
            (
                *((f"{GIVEN}.",) if given else ()),
                *caveat,
                _PAIRS,
                f"{false_claims(judgement.alpha)} {_on_split(on.split)}",
            ),
            amounts,
            commands=(_export(account, leader),),
            **about,
        )
    if not judgement.is_clear:
        return Verdict(
            OPEN,
            "Not decided yet",
            f"So far no function is shown to beat every known one on {task}",
            sentence,
            (
                _BEGUN
                if not judgement.n_looks
                else (
                    "The difference may be real, but it is not yet told apart from luck: more "
                    "trainings with other random seeds are needed. The command below makes them, "
                    "and ends by itself when the answer is clear."
                ),
                _PAIRS,
                _on_split(on.split),
            ),
            amounts,
            commands=(again,),
            **about,
        )
    return Verdict(
        NONE,
        "Not shown",
        f"Nothing was found that is shown to beat every known activation function on {task}",
        sentence,
        (
            (
                "That is an answer too: the best formulas of the search were held against the "
                "known ones, and at least one known function was better, or as good within what "
                "the trainings can tell apart."
            ),
            _PAIRS,
            _on_split(on.split),
        ),
        amounts,
        commands=_first(account),
        **about,
    )


def _winner(*, is_given: bool, is_like_known: bool) -> tuple[str, str]:
    """Return the label of a win, and what won, in words."""
    if is_like_known:
        like = "A known activation function with a factor, or nearly,"
        return "Shown, but hardly new", f"{like} that was given to the search" if is_given else like
    if is_given:
        return "Shown, but not found", "An activation function that was given to the search"
    return "Shown", "A new activation function"


def false_claims(alpha: float) -> str:
    """Say what the corrections of a confirmation are worth."""
    return (
        "A procedure like this makes a false claim of a difference, in all its comparisons "
        f"together, in at most {100 * alpha:g} of 100 cases."
    )


def _amounts(rows: Sequence[Row], measure: Measure) -> tuple[Fact, ...]:
    """Return the numbers of the leader against the best of the known."""
    leader = next(iter(rows), None)
    best = next((row for row in rows if row.kind == KNOWN and row.difference is not None), None)
    if leader is None or leader.mean is None:
        return ()
    found = [Fact(f"{measure.name} of the leader", measure.score(leader.mean).text)]
    if best is None:
        return tuple(found)
    name = clean(best.name, 60)
    word = f" {measure.of_differences}" if measure.of_differences else ""
    found.append(Fact(f"{measure.name} of {name}", measure.score(best.mean).text))
    found.append(Fact(f"difference to {name}", f"{measure.difference(best.difference).text}{word}"))
    between = f"{measure.interval(best.low, best.high).text}{word}"
    found.append(Fact(f"95 % interval, {best.n_pairs} pairs", between))
    return tuple(found)


def _on_split(split: str) -> str:
    if split == "test":
        return (
            "The scores are those on held-out test data, which the search could not see, with "
            "random seeds that it did not use."
        )
    return (
        "The task has no test data of its own: these are scores on the validation data that the "
        "search chose by, with random seeds that it did not use."
    )


def _export(account: Account, formula: str) -> Command:
    found = next((row["id"] for row in account.run.rows if row["formula"] == formula), None)
    words = [] if found is None else [str(found)]
    return Command(command("export", account.run.path, *words), "a file to drop into a network")


def _first(account: Account) -> tuple[Command, ...]:
    return tuple(
        Command(line, what) for line, what in next_commands(account.run, account.judgement)[-1:]
    )


def _not_tried(account: Account) -> Verdict:
    run = account.run
    if not run.ranked:
        what = "nothing has been trained yet" if not run.trainings else "no training gave a score"
        births = (
            f"{run.totals.births:,} formulas were given or bred"
            if run.births
            else "the run is empty"
        )
        return Verdict(
            UNCONFIRMED,
            "Nothing to show yet",
            "This run has no result yet",
            f"{births[:1].upper()}{births[1:]}, and {what}.",
            commands=_first(account),
        )
    leader = run.ranked[0]
    best = best_known(run.ranked)
    beats = best is not leader and best is not None
    who = "A new function"
    if was_given(run.births, leader["formula"]):
        who = "A function that the search was given"
    measure = measure_of(account)
    score = measure.score(leader["score"], leader["standard_error"]).text
    says = [
        f"{standing(run.ranked)} ".replace("\n", " ").strip(),
        (
            f"The leader scores {score} ({measure.name}, {leader['n']} "
            f"training{'s' if leader['n'] > 1 else ''} at the rung {clean(leader['rung'])})."
        ),
    ]
    why = (
        "A search tries many formulas and keeps the best, so its leader is partly lucky: these are "
        "the very scores that it was chosen by. Whether it is better is told by a confirmation: "
        "new trainings with fresh random seeds beside all known activation functions, scored on "
        "test data where the task has any."
    )
    if not run.has_news:
        return Verdict(
            UNCONFIRMED,
            "Nothing new yet",
            "No new function has a score yet",
            " ".join(says),
            ("Only known activation functions were trained so far. The search needs more time.",),
            commands=_first(account),
        )
    return Verdict(
        UNCONFIRMED,
        "Not confirmed",
        f"{who} leads the search; whether it is better is not confirmed"
        if beats
        else "The search found no function that leads the known ones",
        " ".join(says),
        (why,),
        formula=leader["formula"],
        mathml=math_of(leader["formula"]),
        commands=(
            Command(command("confirm", run.path), "find out: new trainings with fresh seeds"),
        ),
    )

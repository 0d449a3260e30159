"""Runs made by hand, for pictures of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from actsearch.errors import ActsearchError
from actsearch.expressions import parse_candidate
from actsearch.runs import Birth, RunStore, TrainingRow, TrialRow
from actsearch.trials.account import Account, read_account

#: What a run scored at each rung, seed by seed; None for a training that diverged.
Scores = Mapping[str, Sequence[float | None]]

RUNGS = ("short", "full")
HOSTILE = ("$x_1$ & <script>alert(1)</script>", "\x1b[31m\x00red", '"><img src=x>', "$\\frac{1}{$")


def births(*given: tuple[str, str, tuple[int, ...], str]) -> list[Birth]:
    """Return births of (formula, operator, parents, status), by their order."""
    made: list[Birth] = []
    for id_, (formula, operator, parents, status) in enumerate(given):
        try:
            read = parse_candidate(formula)
            print_, size = read.fingerprint(), read.size
        except ActsearchError:
            print_, size = f"none {id_}", 1
        same = next((b.id for b in made if b.fingerprint == print_), None)
        same = same if status == "duplicate" else None
        made.append(Birth(id_, operator, parents, formula, print_, status, same_as=same, size=size))
    return made


def training(
    birth_id: int,
    rung: str,
    seed: int,
    score: float | None,
    metrics: Mapping[str, float] | None = None,
) -> TrainingRow:
    """Return a training whose curve rises to its score in three points."""
    curve = ((10, 2.0, score / 2), (20, 1.5, 0.9 * score), (30, 1.0, score)) if score else ()
    status = "diverged" if score is None else "ok"
    metrics = dict(metrics or {})
    return TrainingRow(birth_id, rung, seed, status, score, metrics, curve, 1.0, "cpu")


def write(
    folder: Path,
    born: Sequence[Birth],
    scores: Mapping[int, Scores],
    *,
    metrics: Mapping[str, float] | None = None,
    trials: Mapping[str, Sequence[float | None]] | None = None,
    finalists: Sequence[str] = (),
    config: Mapping[str, object] | None = None,
) -> Account:
    """Write a run and read it back.

    Args:
        folder: Where to.
        born: Its births.
        scores: Birth id -> rung -> a score for each seed.
        metrics: Of each training at the last rung.
        trials: Formula -> score by seed, of trials on held-out data.
        finalists: What the trials were of.
        config: What differs from the usual configuration.
    """
    rungs = [{"name": name, "steps": 30, "seeds": [0]} for name in RUNGS]
    usual = {"space": "default", "task": "made", "seed": 0, "rungs": rungs}
    usual |= {"score_name": "validation accuracy"} | dict(config or {})
    with RunStore.create(folder, usual, {"python": "3"}) as store:
        with store.session({}):
            for birth in born:
                store.add_births([birth])
                for rung, values in scores.get(birth.id, {}).items():
                    for seed, score in enumerate(values):
                        last = metrics if rung == RUNGS[-1] else None
                        store.add_training(training(birth.id, rung, seed, score, last))
        if trials is not None:
            info = {"kind": "confirm", "finalists": list(finalists), "tasks": ["made"]}
            with store.session(info):
                for formula, values in trials.items():
                    for seed, score in enumerate(values):
                        store.add_trial(_trial(formula, seed, score))
    return read_account(folder)


def _trial(formula: str, seed: int, score: float | None) -> TrialRow:
    row = vars(training(0, "full", 1_000_000 + seed, score))
    same = {name: value for name, value in row.items() if name not in ("birth_id", "rung")}
    return TrialRow(task="made", split="test", formula=formula, **same)

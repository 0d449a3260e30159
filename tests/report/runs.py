"""Small runs for the report: as a search and a confirmation leave them, and a hostile one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from actsearch.expressions import FormulaError, parse_candidate
from actsearch.report.facts import Facts, facts_of
from actsearch.report.values import Cell, Table
from actsearch.runs import Birth, RunStore, TrainingRow, TrialRow
from actsearch.trials.account import read_account
from actsearch.trials.judged import SEEDS

KNOWN = {"ReLU": "relu(x)", "SiLU": "silu(x)", "GELU": "gelu(x)"}
NEW = "x*sin(x)"

#: What someone else's run may hold in any of its texts.
SCRIPT = "<script>window.hacked = 1; alert(1)</script>"
IMAGE = '"><img src=x onerror="window.hacked = 2">'
HOSTILE = f"{SCRIPT}{IMAGE}{{{{7*7}}}}{{% raw %}}\x00\x1b[31m\u202e</style></title>" + "A" * 10_000


def birth(id_: int, formula: str, operator: str = "insert", **changes: Any) -> Birth:
    """Return an accepted birth."""
    try:
        candidate = parse_candidate(formula)
        known: dict[str, Any] = {"fingerprint": candidate.fingerprint(), "size": candidate.size}
    except FormulaError:
        known = {"fingerprint": f"none-{id_}", "size": 3}
    usual = Birth(id_, operator, (), formula, status="accepted", created_s=1.0, **known)
    return dataclasses.replace(usual, **changes)


def training(birth_id: int, seed: int, score: float | None, **changes: Any) -> TrainingRow:
    """Return a training at the one rung."""
    usual = TrainingRow(
        birth_id=birth_id,
        rung="full",
        seed=seed,
        status="ok" if score is not None else "diverged",
        score=score,
        metrics={},
        curve=() if score is None else ((10, 2.0, score - 0.1), (30, 1.1, score)),
        time_s=1.25,
        device="cpu",
        message="" if score is not None else "loss became infinite at step 3",
    )
    return dataclasses.replace(usual, **changes)


BIRTHS = (
    birth(0, "relu(x)", "seed"),
    birth(1, "silu(x)", "seed"),
    birth(2, "gelu(x)", "seed"),
    birth(3, NEW, "crossover", parents=(0, 1)),
    birth(4, "x*sigmoid(x)", parents=(1,), status="duplicate", same_as=1),
    birth(5, "1", "replace", parents=(2,), status="rejected", reason="constant: 1"),
    birth(6, "2", "replace", parents=(2,), status="rejected", reason="constant: 2"),
    birth(7, "exp(x)", "regrow", parents=(2,)),
    birth(8, "x*atan(x)", parents=(1, 3), status="screened", reason="guessed to score 0.6"),
)
SCORES: Mapping[int, Sequence[float | None]] = {
    0: (0.600, 0.610),
    1: (0.640, 0.648),
    2: (0.650, 0.655),
    3: (0.671, 0.683),
    7: (None, None),
}
CONFIG: dict[str, Any] = {
    "space": "default",
    "space_settings": {"name": "default"},
    "task": "mnist1d-cnn",
    "task_from": "name",
    "task_settings": {
        "data": {"name": "mnist1d", "digest": "d1g35t", "n_train": 4000, "n_validation": 1000},
        "recipe": {"learning_rate": 0.01},
    },
    "known": KNOWN,
    "seed": 7,
    "budget": "2m",
    "births": None,
    "rungs": [{"name": "full", "steps": 30, "seeds": [0, 1]}],
    "score_name": "validation accuracy",
    "seed_formulas": [],
}
ENVIRONMENT: dict[str, Any] = {
    "python": "3.11.7",
    "versions": {"torch": "2.13.0"},
    "command": ["actsearch", "search", "--seed", "7"],
}
#: What finalists and known ones score at every fresh seed, a little noise aside.
WINS = {NEW: 0.70, "relu(x)": 0.60, "silu(x)": 0.64, "gelu(x)": 0.65}
LOSES = {NEW: 0.55, "relu(x)": 0.60, "silu(x)": 0.64, "gelu(x)": 0.65}


def make_run(
    folder: Path,
    *,
    births: Sequence[Birth] = BIRTHS,
    scores: Mapping[int, Sequence[float | None]] = SCORES,
    config: Mapping[str, Any] | None = None,
    environment: Mapping[str, Any] | None = None,
    finalists: Sequence[str] = (),
    trials: Mapping[str, float | None] | None = None,
    n_seeds: int = 8,
    message: str | None = None,
) -> Path:
    """Make a run and return its folder; ``trials`` has the mean score of each formula tried."""
    settings = {**CONFIG, **(config or {})}
    with RunStore.create(folder, settings, {**ENVIRONMENT, **(environment or {})}) as store:
        with store.session({"budget": "2m", "workers": 2, "devices": ["cpu"]}):
            for one in births:
                store.add_births([one])
                for seed, score in enumerate(scores.get(one.id, ())):
                    row = training(one.id, seed, score)
                    if message is not None and score is None:
                        row = dataclasses.replace(row, message=message)
                    store.add_training(row)
        if trials:
            info = {
                "kind": "confirm",
                "finalists": list(finalists),
                "tasks": [settings["task"]],
                "workers": 2,
            }
            with store.session(info):
                for place, (formula, mean) in enumerate(trials.items()):
                    for k, seed in enumerate(SEEDS[:n_seeds]):
                        # Spread that differs between formulas, so that differences vary, too.
                        noise = 0.004 * (((k * 7 + place * 3) % 5) - 2)
                        score = None if mean is None else mean + noise
                        store.add_trial(trial(str(settings["task"]), formula, seed, score))
    return folder


def trial(task: str, formula: str, seed: int, score: float | None) -> TrialRow:
    """Return a trial on the test split."""
    return TrialRow(
        task, "test", formula, seed, "ok" if score is not None else "diverged", score, {}, (),
        2.5, "cpu", "",
    )  # fmt: skip


def hostile_run(folder: Path) -> Path:
    """Make a run in which every text that someone else may choose is an attack."""
    births = [
        *BIRTHS,
        birth(9, HOSTILE, HOSTILE[:300], parents=(3,)),
        birth(10, SCRIPT, IMAGE, parents=(9,), status="rejected", reason=HOSTILE),
        birth(11, IMAGE, SCRIPT, status="screened", reason=SCRIPT),
    ]
    config = {
        "task": f"user{SCRIPT}",
        "space": HOSTILE,
        "known": {**KNOWN, f"known {IMAGE}": "tanh(x)", "{{7*7}}": "softplus(x)"},
        "score_name": f"accuracy {SCRIPT}",
        "seed_formulas": [SCRIPT],
        "data": IMAGE,
        "budget": SCRIPT,
        "rungs": [{"name": "full", "steps": 30, "seeds": [0, 1]}],
        "task_settings": {"data": {"name": SCRIPT, "digest": IMAGE, "n_train": 3}, SCRIPT: IMAGE},
    }
    environment = {SCRIPT: IMAGE, "versions": {IMAGE: SCRIPT, "x": HOSTILE}}
    environment["command"] = ["/tmp/actsearch", "search", SCRIPT, IMAGE]
    tried = {**WINS, HOSTILE: 0.69, "tanh(x)": 0.5, "softplus(x)": None}
    return make_run(
        folder,
        births=births,
        scores={**SCORES, 9: (0.7, 0.7)},
        config=config,
        environment=environment,
        finalists=(NEW, HOSTILE),
        trials=tried,
        message=HOSTILE,
    )


def facts(runs: dict[str, Path], kind: str) -> Facts:
    return facts_of(read_account(runs[kind]))


def column(table: Table | None, title: str) -> list[Cell]:
    assert table is not None
    place = next(k for k, head in enumerate(table.heads) if head.title.startswith(title))
    return [row[place] for row in table.rows]


def texts(table: Table | None, title: str) -> list[str]:
    return [cell.text for cell in column(table, title)]

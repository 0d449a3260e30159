"""One run of each kind that a picture may be asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from actsearch.trials.account import Account, read_account
from tests.plots.made import HOSTILE, Scores, births, write
from tests.runs.by_hand import as_format

Row = tuple[str, str, tuple[int, ...], str]

BRED: tuple[Row, ...] = (
    ("relu(x)", "seed", (), "accepted"),
    ("silu(x)", "seed", (), "accepted"),
    ("x*sin(x)", "crossover", (0, 1), "accepted"),
    ("x*sigmoid(x)", "insert", (1,), "duplicate"),
    ("1", "replace", (2,), "rejected"),
    ("exp(exp(x))", "regrow", (2,), "accepted"),
    ("x*atan(x)", "crossover", (1, 2), "screened"),
    ("x*sin(x) + 0.1", "insert", (2,), "accepted"),
)
SCORES: dict[int, Scores] = {
    0: {"short": [0.50], "full": [0.60, 0.61, 0.62]},
    1: {"short": [0.52], "full": [0.64, 0.65, 0.66]},
    2: {"short": [0.55], "full": [0.67, 0.69, 0.68]},
    5: {"short": [None]},
    7: {"short": [0.51]},
}
PREACTIVATIONS = {
    f"preactivation_p{p:g}[{layer}]": (1 + layer) * x
    for layer in (0, 1)
    for p, x in ((0.1, -3.0), (10, -1.3), (50, 0.0), (90, 1.3), (99.9, 3.0))
}


def usual(folder: Path) -> Account:
    """Return a small run whose best was confirmed against three known activations."""
    tried: dict[str, list[float | None]] = {
        "x*sin(x)": [0.70, 0.71, 0.72, 0.71, 0.70],
        "relu(x)": [0.60, 0.61, 0.62, 0.62, 0.60],
        "silu(x)": [0.69, 0.71, 0.72, 0.70, 0.71],
        "gelu(x)": [None] * 5,
    }
    known = {"ReLU": "relu(x)", "SiLU": "silu(x)", "GELU": "gelu(x)"}
    return write(
        folder, births(*BRED), SCORES, metrics=PREACTIVATIONS, trials=tried,
        finalists=["x*sin(x)"], config={"known": known},
    )  # fmt: skip


def format_1(folder: Path) -> Account:
    """Return a run that the first format holds: without heats, trials and penalties."""
    write(folder, births(*BRED), SCORES)
    as_format(folder, 1)
    return read_account(folder)


def hostile(folder: Path) -> Account:
    """Return a run whose formulas, rungs, measure and names come from an enemy."""
    born: list[Row] = [(text, text, (), "accepted") for text in HOSTILE]
    born += [("x*sin(x)", HOSTILE[0], (0, 1), "accepted"), ("relu(x)", "seed", (), "accepted")]
    born += [("tanh(x)", HOSTILE[2], (), "accepted")]
    scores: dict[int, Scores] = {k: {HOSTILE[1]: [0.5 + k / 100, 0.6]} for k in range(len(born))}
    rungs = [{"name": HOSTILE[1], "steps": 30, "seeds": [0]}]
    config = {"rungs": rungs, "score_name": HOSTILE[0], "known": {HOSTILE[2]: "relu(x)"}}
    tried = {"x*sin(x)": [0.5, 0.6, 0.7, 0.6, 0.5], "relu(x)": [0.6, 0.6, 0.5, 0.6, 0.5]}
    return write(folder, births(*born), scores, config=config, trials=tried, finalists=["x*sin(x)"])


def _of(*formulas: str) -> Callable[[Path], Account]:
    given = [
        ("relu(x)", "seed", (), "accepted"),
        *((f, "random", (), "accepted") for f in formulas),
    ]
    scores: dict[int, Scores] = {
        id_: {"short": [0.5], "full": [0.6, 0.61 + id_ / 100]} for id_ in range(len(given))
    }
    return lambda folder: write(folder, births(*given), scores, metrics=PREACTIVATIONS)


KINDS: dict[str, Callable[[Path], Account]] = {
    "usual": usual,
    "empty": lambda folder: write(folder, [], {}),
    "no scores": lambda folder: write(folder, births(*BRED), {0: {"short": [None]}}),
    "no trials": lambda folder: write(folder, births(*BRED), SCORES),
    "one birth": lambda folder: write(folder, births(BRED[0]), {0: {"short": [0.5]}}),
    "layered": _of("input: relu(x) | last: tanh(x)", "hidden: x*x | last: sin(x)"),
    "further inputs": _of("x*sigmoid(u)", "x + o*u"),
    "parameters": _of("max(x, p0*x); p0=0.25, per channel", "p0*x*sigmoid(p1*x)"),
    "poles": _of("1/x", "exp(exp(exp(x)))", "0*x"),
    "format 1": format_1,
    "hostile": hostile,
}


@pytest.fixture(scope="session")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Account]:
    """Return what makes a run of a kind, once."""
    made: dict[str, Account] = {}

    def of(kind: str) -> Account:
        if kind not in made:
            made[kind] = KINDS[kind](tmp_path_factory.mktemp("made") / "first")
        return made[kind]

    return of

"""How often confirming claims a win where there is none, and that it finds one where there is."""

from __future__ import annotations

from actsearch.results.looks import replay
from actsearch.runs import TrialRow
from actsearch.trials.arena import Field, arena_of
from actsearch.trials.confirm import advance
from actsearch.trials.judged import SEEDS
from tests.trials.conftest import SMALL_ZOO
from tests.trials.simulated import SLOTS, NoisyTask, ShuffledPool


def claims(salt: int, gain: float = 0.0) -> bool:
    """Choose the best 3 of 60 by two seeds of noise, confirm them, and say whether one wins.

    One known activation is as good as they are but for ``gain``, the others are far behind: the
    case in which a false claim is likeliest.
    """
    bred = [f"x*{k}" for k in range(60)]
    known = {**SMALL_ZOO, "silu(x)": "SiLU", "elu(x)": "ELU"}
    worth = {"gelu(x)": 0.5 - gain} | {one: 0.3 for one in known if one != "gelu(x)"}
    task = NoisyTask(worth, salt=salt)
    chosen = sorted(bred, key=lambda one: -task.score(one, 0) - task.score(one, 1))[:3]
    rows: list[TrialRow] = []
    with Field(arena_of(task), SLOTS, lambda one, _slots: ShuffledPool(one)) as field:
        advance(field, rows, chosen, known, save=lambda _row: None)
    scores = {
        formula: {r.seed: r.score for r in rows if r.formula == formula and r.score is not None}
        for formula in (*chosen, *known)
    }
    looked = replay(scores, chosen, known, seeds=SEEDS)
    assert looked.is_clear
    return "wins" in looked.standing.values()


def test_luck_is_not_confirmed() -> None:
    """Of 200 searches that found nothing but noise, 5 % may be confirmed by chance."""
    n_claims = sum(map(claims, range(200)))
    print(f"false claims: {n_claims} of 200 searches that found nothing but noise")
    assert n_claims <= 10


def test_a_true_gain_is() -> None:
    """The same searches, but what they found is better by 1.5 deviations of the noise."""
    assert sum(claims(salt, gain=0.015) for salt in range(20)) >= 19

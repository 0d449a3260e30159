"""Looks at the scores of a confirmation: when the data are judged, and what each look decides.

The data are looked at after ``LOOKS[0]`` seeds, ``LOOKS[1]`` seeds and so on, and only what is not
decided yet trains on. Each look spends an equal part of the error rate, so the chance of any
false decision in all looks together stays below it (Bonferroni over the looks, Holm within one).
The looks are replayed from the first at each call, a pure function of the scores: an interrupted
confirmation goes on as if it had not been.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from actsearch.results.statistics import Scores, differences, holm, paired_t

# Chosen by simulation: 31 known activations, 28 of them at |N(0, 3)| below the best and two close
# behind it; three finalists, the best of them a gain above it; all in units of the standard
# deviation of a paired difference. Chance of a win, and trainings that it takes (1000 runs):
#
#   looks                        gain 0.5      0.7       1.0       1.5       2.5
#   5, 8, 12, 18, 27, 40, 60    0.51 1027  0.94 829  1.00 571  1.00 398  1.00 283
#   5, 8, 14, 24, 40, 60        0.53 1039  0.94 854  1.00 599  1.00 413  1.00 286
#   5, 10, 24, 60               0.59 1148  0.96 1016 1.00 674  1.00 485  1.00 319
#   6, 10, 20, 40, 60           0.56 1044  0.95 874  1.00 631  1.00 438  1.00 291
#   8, 16, 32, 60               0.59 1068  0.96 882  1.00 624  1.00 428  1.00 286
#   60                          0.76 2040  0.99 2040 1.00 2040 1.00 2040 1.00 2040
#
# Each look more leaves less error rate to every look, and so costs wins where the gain is small;
# a late first look is dear where the time allows one look alone, as after a search of two minutes.
LOOKS = (5, 8, 14, 24, 40, 60)

# What was decided of a known activation against a finalist.
BETTER = "better"  # the finalist is
WORSE = "worse"
UNDECIDED = "undecided"
NO_TRAINING = "does not train"  # fewer than two of its trainings gave a score: beaten

# What became of a finalist, beside UNDECIDED.
WINS = "wins"  # better than all known
OUT = "out"  # worse than one of them
FAILED = "failed"  # in one of its trainings

Pair = tuple[str, str]  # finalist, known


@dataclass(frozen=True)
class Replay:
    """What the looks decided.

    ``looked_at`` are the seeds of the last complete look (of the first, where none is).
    ``adjusted`` holds p-values that a pair had when it was last tested, see ``replay``, and
    ``tested_at`` the seeds of that look: for a decided pair the look that decided it.
    """

    n_looks: int
    looked_at: tuple[int, ...]
    decided: Mapping[Pair, str]
    adjusted: Mapping[Pair, float]
    tested_at: Mapping[Pair, tuple[int, ...]]
    standing: Mapping[str, str]
    needed: dict[str, tuple[int, ...]]
    is_clear: bool


def replay(
    scores: Mapping[str, Scores],
    finalists: Sequence[str],
    known: Collection[str],
    *,
    seeds: Sequence[int],
    failed: Mapping[str, Collection[int]] | None = None,
    earlier: Sequence[str] = (),
    looks: Sequence[int] = LOOKS,
    alpha: float = 0.05,
) -> Replay:
    """Replay the looks as far as the scores go; the arguments are those of ``verdict.judge``.

    The family of a look is every pair of a finalist and a known activation that is not decided yet;
    those of a finalist that is out are not tested again but stay in the family with a p-value of 1,
    and so do those of ``earlier`` finalists, which were dropped after their scores were seen. So
    the family always holds every pair that is truly equal, whatever the data made us drop, and
    Holm's bound holds in each look. A pair's adjusted p-value is Holm's at that look, times
    ``alpha`` over the look's share of it: at most ``alpha`` exactly where the pair is decided.

    Raises:
        ValueError: the arguments do not go together.
    """
    _check([*finalists, *earlier], known, seeds, looks, alpha)
    failed = failed or {}
    decided: dict[Pair, str] = {}
    adjusted: dict[Pair, float] = {}
    tested_at: dict[Pair, tuple[int, ...]] = {}
    standing = dict.fromkeys(finalists, UNDECIDED)
    needed: dict[str, tuple[int, ...]] = {}
    looked_at: tuple[int, ...] = tuple(seeds[: looks[0]])
    n_looks = 0

    for n_seeds in (n for n in looks if n <= len(seeds)):
        at_look = tuple(seeds[:n_seeds])
        for finalist in finalists:
            if standing[finalist] == UNDECIDED and set(at_look) & set(failed.get(finalist, ())):
                standing[finalist] = FAILED
        still = [finalist for finalist in finalists if standing[finalist] == UNDECIDED]
        if not still or WINS in standing.values():
            break
        against = [k for k in known if any((finalist, k) not in decided for finalist in still)]
        needed = _missing([*still, *against], at_look, scores, failed)
        if needed:
            break

        looked_at, share = at_look, alpha / len(looks)
        n_looks += 1
        had = {f: within(scores.get(f, {}), at_look) for f in (*still, *against)}
        for k in against:
            if len(had[k]) < 2:
                lost = [(finalist, k) for finalist in (*finalists, *earlier)]
                decided |= dict.fromkeys(lost, NO_TRAINING)
                tested_at |= dict.fromkeys(lost, at_look)
        family = [(f, k) for f in (*finalists, *earlier) for k in known if (f, k) not in decided]
        gains = {(f, k): differences(had[f], had[k]) if f in still else [] for f, k in family}
        p_values = holm([paired_t(gains[pair]) for pair in family])
        for pair, p in zip(family, p_values, strict=True):
            if pair[0] not in still:
                continue
            adjusted[pair] = min(1.0, p * (alpha / share))
            tested_at[pair] = at_look
            if p * (alpha / share) <= alpha:
                decided[pair] = BETTER if sum(gains[pair]) > 0 else WORSE
        for finalist in still:
            verdicts = {decided.get((finalist, k), UNDECIDED) for k in known}
            if WORSE in verdicts:
                standing[finalist] = OUT
            elif UNDECIDED not in verdicts:
                standing[finalist] = WINS

    return Replay(n_looks, looked_at, decided, adjusted, tested_at, standing, needed, not needed)


def within(by_seed: Scores, seeds: Sequence[int]) -> dict[int, float]:
    """Return the scores at ``seeds``, in their order; those that lack are left out."""
    return {seed: by_seed[seed] for seed in seeds if seed in by_seed}


def _missing(
    formulas: Sequence[str],
    seeds: Sequence[int],
    scores: Mapping[str, Scores],
    failed: Mapping[str, Collection[int]],
) -> dict[str, tuple[int, ...]]:
    """Return formula -> the seeds that it was not trained with; the complete ones left out."""
    missing = {}
    for formula in formulas:
        tried = {*scores.get(formula, ()), *failed.get(formula, ())}
        if lacking := tuple(seed for seed in seeds if seed not in tried):
            missing[formula] = lacking
    return missing


def _check(
    finalists: Sequence[str],
    known: Collection[str],
    seeds: Sequence[int],
    looks: Sequence[int],
    alpha: float,
) -> None:
    if not known or len({*finalists, *known}) != len(finalists) + len(known):
        raise ValueError(f"finalists must differ from each other and the known: {finalists}")
    if len(set(seeds)) != len(seeds):
        raise ValueError(f"seeds must differ, got {list(seeds)}")
    if not looks or list(looks) != sorted(set(looks)) or not 2 <= looks[0] <= len(seeds):
        raise ValueError(f"looks must rise from 2 and begin within {len(seeds)} seeds: {looks}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha}")

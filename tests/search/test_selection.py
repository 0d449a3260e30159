"""NSGA-II: cheap small good parents come more often, and every process draws the same."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.errors import BadInput
from actsearch.expressions import parse
from actsearch.expressions.cost import modelled_cost
from actsearch.search.evolution import Breeder, Parent
from actsearch.search.evolution_selection import Ranking, select_survivors
from actsearch.search.space import SearchSpace, load_space, space_from


def with_selection(selection: str) -> SearchSpace:
    values = load_space("default").model_dump()
    values["evolution"]["selection"] = selection
    return space_from(values, "test")


SEEDS = load_space("default").seeds
PARENTS = [Parent(i, text, (2, 1 - 0.01 * i)) for i, text in enumerate(SEEDS)]


def digest_of_births() -> str:
    breeder = Breeder(with_selection("nsga2"), 7)
    births = [breeder.breed(k, PARENTS) for k in range(100)]
    births += [breeder.breed(k, select_survivors(PARENTS, 9)) for k in range(100, 140)]
    text = "\n".join(f"{b.operator} {b.parents} {b.expression}" for b in births)
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("hash_seed", ["0", "77"])
def test_other_processes_breed_the_same(hash_seed: str) -> None:
    code = "from test_selection import digest_of_births; print(digest_of_births())"
    path = [str(Path(__file__).parent), *sys.path]
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == digest_of_births()


def test_a_birth_depends_on_its_number_and_parents_alone() -> None:
    first, second = (Breeder(with_selection("nsga2"), 3) for _ in range(2))
    for number in range(40):
        first.breed(number, PARENTS[: 3 + number % 5])
    assert first.breed(50, PARENTS) == second.breed(50, PARENTS)


#: Twenty heavy formulas that score best, and among the last of them a cheap small one.
HEAVY = [f"tanh({i + 1}*x) + mish(x)*erf(gelu(x))" for i in range(20)]
MIXED = [Parent(i, text, -float(i)) for i, text in enumerate([*HEAVY[:15], "relu(x)", *HEAVY[15:]])]


def shares(selection: str) -> Counter[int]:
    breeder = Breeder(with_selection(selection), 0)
    return Counter(p for k in range(2000) for p in breeder.breed(k, MIXED).parents)


def test_cheap_small_parents_come_more_often() -> None:
    plain, by_front = shares("tournament"), shares("nsga2")
    assert by_front[15] > 3 * plain[15]
    # The score still counts: the difference is four standard errors of it, and more.
    best, worse = by_front[0], by_front[12]
    assert best - worse > 4 * math.sqrt(best + worse)


def test_scores_may_be_numbers_or_tuples() -> None:
    as_numbers = [Parent(p.birth_id, p.formula, p.score[1]) for p in PARENTS]  # type: ignore[index]
    for selection in ("tournament", "nsga2"):
        breeder = Breeder(with_selection(selection), 1)
        for number in range(60):
            assert breeder.breed(number, PARENTS) == breeder.breed(number, as_numbers)


def test_one_parent_is_enough() -> None:
    offspring = Breeder(with_selection("nsga2"), 0).breed(1, PARENTS[:1])
    assert set(offspring.parents) <= {0}


def test_an_unknown_selection_is_told_with_those_there_are() -> None:
    with pytest.raises(BadInput, match=r"evolution.selection.*'tournament' or 'nsga2', got 'nsga'"):
        with_selection("nsga")
    assert load_space("default").evolution.selection == "tournament"


def objectives(parents: list[Parent], place: int) -> tuple[float, float, int]:
    expression = parse(parents[place].formula)
    return place, modelled_cost(expression), expression.size


def dominated(parents: list[Parent], place: int) -> bool:
    mine = objectives(parents, place)
    others = [objectives(parents, other) for other in range(len(parents)) if other != place]
    return any(all(a <= b for a, b in zip(other, mine, strict=True)) for other in others)


populations = st.lists(st.sampled_from(SEEDS), min_size=1, max_size=20).map(
    lambda texts: [Parent(i, text, -float(i)) for i, text in enumerate(texts)]
)


@given(parents=populations)
def test_the_first_front_is_what_none_dominates(parents: list[Parent]) -> None:
    merits = Ranking(parents).merits
    for place in range(len(parents)):
        assert (merits[place][0] == 0) == (not dominated(parents, place))


@given(parents=populations, n=st.integers(1, 25))
def test_survivors_come_front_by_front_in_order(parents: list[Parent], n: int) -> None:
    kept = select_survivors(parents, n)
    assert len(kept) == min(n, len(parents))
    assert [p.birth_id for p in kept] == sorted({p.birth_id for p in kept})
    fronts = [front for front, _ in Ranking(parents).merits]
    left_out = [fronts[p.birth_id] for p in parents if p not in kept]
    assert max(fronts[p.birth_id] for p in kept) <= min(left_out, default=99)
    assert parents[0] in kept  # the best score is an end of the first front


def test_survivors_of_too_many_keep_the_ends() -> None:
    kept = select_survivors(MIXED, 3)
    assert kept[0].birth_id == 0
    assert 15 in {p.birth_id for p in kept}

"""The log of a run: what it holds, what it leaves out, and that an order of writing is no matter."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path
from typing import Any

import pytest

from actsearch.runs import Heat, RunStore, digest, event_log
from actsearch.runs.events import events
from tests.runs.conftest import MakeBirth, MakeTraining

HEATS = (
    Heat(0, 0, "short", (0,)),
    Heat(1, 2, "short", (0,)),
    Heat(2, 0, "full", (1, 0), pace=((10, 0.5), (20, float("-inf"))), seen=1),
)


def log(birth: MakeBirth, training: MakeTraining, **changes: Any) -> list[str]:
    rows = [
        training(0, rung="short", **changes),
        training(2, rung="short"),
        training(0, 1),
        training(0, 0),
    ]
    return list(events([birth(0), birth(1), birth(2), birth(3)], HEATS, rows))


def test_a_heat_follows_its_birth_and_its_trainings_follow_it(
    birth: MakeBirth, training: MakeTraining
) -> None:
    told = [json.loads(line) for line in log(birth, training)]
    seen = [
        (one["event"], *(one[key] for key in ("id", "heat", "seed") if key in one)) for one in told
    ]
    assert seen == [
        ("birth", 0),
        ("heat", 0),
        ("training", 0, 0),
        ("birth", 1),
        ("birth", 2),
        ("heat", 1),
        ("training", 1, 0),
        ("heat", 2),
        ("training", 2, 0),
        ("training", 2, 1),
        ("birth", 3),
    ]
    assert told[7] == {
        "event": "heat",
        "id": 2,
        "birth_id": 0,
        "rung": "full",
        "seeds": [1, 0],
        "pace": [[10, 0.5], [20, "-Infinity"]],
        "seen": 1,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"time_s": 9.0},
        {"device": "cuda:1"},
        {"message": "/home/someone: 0x7f"},
        {"metrics": {"train_loss": 0.25, "reached_s": 3.0}},
        {"metrics": {"train_loss": 0.25, "part: reached_s": 3.0}},
    ],
)
def test_what_two_executions_may_differ_in_is_left_out(
    birth: MakeBirth, training: MakeTraining, changes: dict[str, Any]
) -> None:
    assert log(birth, training, **changes) == log(birth, training)


@pytest.mark.parametrize(
    "changes",
    [
        {"score": 0.25},
        {"status": "diverged", "score": None},
        {"metrics": {"train_loss": 0.5}},
        {"metrics": {"train_loss": float("nan")}},
        {"curve": ((10, 1.5, 0.1), (20, 1.0, float("inf")))},
    ],
)
def test_what_a_training_came_to_is_in_it(
    birth: MakeBirth, training: MakeTraining, changes: dict[str, Any]
) -> None:
    assert digest(log(birth, training, **changes)) != digest(log(birth, training))


def test_every_field_of_a_birth_and_a_heat_counts_but_when_it_was(birth: MakeBirth) -> None:
    plain = birth(3, status="duplicate", same_as=1, parents=(0, 1), reason="r", penalty=0.5)
    others: dict[str, Any] = {
        "id": 4,
        "operator": "random",
        "parents": (1, 0),
        "formula": "x",
        "fingerprint": None,
        "status": "screened",
        "reason": "s",
        "same_as": 0,
        "size": 4,
        "penalty": 0.25,
    }
    assert others.keys() == {field.name for field in dataclasses.fields(plain)} - {"created_s"}
    told = {json.dumps(list(events([plain], (), ())))}
    for name, value in others.items():
        told.add(json.dumps(list(events([dataclasses.replace(plain, **{name: value})], (), ()))))
    assert len(told) == 11
    assert list(events([dataclasses.replace(plain, created_s=7)], (), ())) == list(
        events([plain], (), ())
    )


def test_the_message_of_an_error_in_judging_is_left_out(birth: MakeBirth) -> None:
    one, other = (
        birth(0, status="rejected", reason=f"can't be analysed: OSError: [Errno {n}] /x: y")
        for n in (1, 2)
    )
    assert list(events([one], (), ())) == list(events([other], (), ()))
    assert '"can\'t be analysed: OSError"' in next(events([one], (), ()))


def test_the_order_in_which_results_came_is_no_matter(
    root: Path, birth: MakeBirth, training: MakeTraining
) -> None:
    rows = [training(k, score=k / 7) for k in range(6)]
    digests = set()
    for number in range(3):
        random.Random(number).shuffle(rows)
        with RunStore.create(root / f"r{number}", {}, {"host": number}) as store:
            with store.session({"workers": number}):
                for k in range(6):
                    store.add_births([birth(k, created_s=number)], Heat(k, k, "full", (0,)))
                for row in rows:
                    store.add_training(dataclasses.replace(row, time_s=float(number)))
            digests.add(digest(event_log(store)))
    assert len(digests) == 1


def test_the_log_of_a_longer_run_begins_with_that_of_a_shorter(
    birth: MakeBirth, training: MakeTraining
) -> None:
    births = [birth(k) for k in range(6)]
    heats = [Heat(0, 1, "full", (0,)), Heat(1, 0, "full", (1,)), Heat(2, 3, "full", (0,))]
    rows = [training(1), training(0, 1), training(3)]
    whole = list(events(births, heats, rows))
    assert list(events(births[:2], heats[:1], rows[:1])) == whole[:4]
    assert list(events(births[:2], heats[:2], rows[:2])) == whole[:6]


def test_a_digest_is_that_of_the_lines_as_a_file() -> None:
    # printf 'a\nb\n' | sha256sum
    expected = "911169ddaaf146aff539f58c26c489af3b892dff0fe283c1c264c65ae5aa59a2"
    assert digest(["a", "b"]) == expected
